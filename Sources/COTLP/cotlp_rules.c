#include "cotlp_rules_internal.h"
#include <stdlib.h>

static void free_list(cotlp_rule_list *list) {
  for (uint32_t i = 0; i < list->count; i++)
    free(list->items[i].text);
  free(list->items);
}

void cotlp_rules_destroy(cotlp_rules *rules) {
  if (!rules)
    return;
  free_list(&rules->keys);
  free_list(&rules->prefixes);
  free(rules->slots);
  free(rules->name.text);
  free(rules->scope.text);
  free(rules);
}

static cotlp_rule make_rule(const char *text, size_t length) {
  cotlp_rule rule = {.text = malloc(length + 1), .length = (uint32_t)length, .number = COTLP_NO_KEY};
  memcpy(rule.text, text, length);
  rule.text[length] = 0;
  return rule;
}

/* The rule for this text, new or known. */
static cotlp_rule *rule_in(cotlp_rule_list *list, const char *text, size_t length) {
  for (uint32_t i = 0; i < list->count; i++)
    if (list->items[i].length == length && memcmp(list->items[i].text, text, length) == 0)
      return &list->items[i];
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? list->capacity * 2 : 32;
    list->items = realloc(list->items, list->capacity * sizeof *list->items);
  }
  list->items[list->count] = make_rule(text, length);
  return &list->items[list->count++];
}

static void rebuild_slots(cotlp_rules *rules) {
  /* Large, so that a key that nobody asks for finds an empty slot at once. */
  uint32_t size = 1024;
  while (size < rules->keys.count * 64)
    size *= 2;
  free(rules->slots);
  rules->slots = calloc(size, sizeof *rules->slots);
  rules->mask = size - 1;
  for (uint32_t i = 0; i < rules->keys.count; i++) {
    const cotlp_rule *rule = &rules->keys.items[i];
    uint32_t at = cotlp_key_hash((const uint8_t *)rule->text, rule->length);
    while (rules->slots[at & rules->mask])
      at++;
    rules->slots[at & rules->mask] = (uint16_t)(i + 1);
  }
}

cotlp_rules *cotlp_rules_create(void) {
  cotlp_rules *rules = calloc(1, sizeof(cotlp_rules));
  rebuild_slots(rules);
  return rules;
}

static cotlp_rule *key_rule(cotlp_rules *rules, const char *key, size_t length) {
  cotlp_rule *rule = rule_in(&rules->keys, key, length);
  rebuild_slots(rules);
  return rule;
}

static cotlp_rule *prefix_rule(cotlp_rules *rules, const char *prefix, size_t length) {
  uint32_t hash = cotlp_head_hash((const uint8_t *)prefix, length);
  if (length < 4)
    memset(rules->prefix_heads, 0xff, sizeof rules->prefix_heads);
  else
    rules->prefix_heads[hash >> 6] |= 1ull << (hash & 63);
  return rule_in(&rules->prefixes, prefix, length);
}

void cotlp_rules_add_key(cotlp_rules *rules, const char *key, size_t length, uint16_t number) {
  key_rule(rules, key, length)->number = number;
}

void cotlp_rules_add_prefix(cotlp_rules *rules, const char *prefix, size_t length, uint16_t number) {
  prefix_rule(rules, prefix, length)->number = number;
}

void cotlp_rules_mark_prefix(cotlp_rules *rules, const char *prefix, size_t length, uint16_t mark) {
  prefix_rule(rules, prefix, length)->mark |= mark;
}

void cotlp_rules_mark_true(cotlp_rules *rules, const char *key, size_t length, uint16_t mark) {
  cotlp_rule *rule = key_rule(rules, key, length);
  rule->mark |= mark;
  rule->needs_true = true;
}

static void replace(cotlp_rule *rule, const char *text, size_t length, uint16_t mark) {
  free(rule->text);
  *rule = make_rule(text, length);
  rule->mark = mark;
}

void cotlp_rules_mark_name(cotlp_rules *rules, const char *name, size_t length, uint16_t mark) {
  replace(&rules->name, name, length, mark);
}

void cotlp_rules_mark_scope(cotlp_rules *rules, const char *prefix, size_t length, uint16_t mark) {
  replace(&rules->scope, prefix, length, mark);
}
