/* What becomes of a span's attribute: found in the rules, or not. And the short way for the many that nobody asks for.
 * Private to the index. */
#pragma once

#include "cotlp_rules_internal.h"
#include "cotlp_walk.h"

enum {
  /* `attributes`, length-delimited: field 9 of a span, field 6 of a log record. */
  SPAN_ATTRIBUTES_TAG = 0x4a,
  LOG_ATTRIBUTES_TAG = 0x32,
  /* Bytes that must be readable behind a span for the short way, which looks before it checks. */
  COMMON_ATTRIBUTE_SLACK = 256,
};

/* Reads a length of one or two bytes, which is nearly all there are. False for others. */
static inline bool common_length(const uint8_t **at, size_t *length) {
  const uint8_t *p = *at;
  *length = p[0];
  *at = p + 1;
  if (__builtin_expect(p[0] < 0x80, 1))
    return true;
  *length = (p[0] & 0x7f) | (size_t)p[1] << 7;
  *at = p + 2;
  return p[1] < 0x80;
}

/* Steps over an attribute that nobody asks for and that looks as every encoder writes it: a short ASCII key, then one
 * string, bool, int or double, nothing else. Null for all others, which may be well formed as well: they take the long way.
 * `at` is the field's tag; COMMON_ATTRIBUTE_SLACK bytes behind `end` can be read. */
__attribute__((always_inline)) static inline const uint8_t *skip_common_attribute(walk *w, const uint8_t *at,
                                                                                  const uint8_t *end) {
  size_t length;
  at++;
  if (!common_length(&at, &length) || at + length > end)
    return NULL;
  end = at + length;

  size_t key_length = at[1];
  const uint8_t *key = at + 2, *value = key + key_length;
  if (at[0] != 0x0a || key_length - 4 > 58 || value[0] != 0x12 || cotlp_rules_may_want(w->rules, key, key_length))
    return NULL;
  value++;
  if (!common_length(&value, &length) || value + length != end)
    return NULL;
  /* Comparisons in the order of frequency: a jump table would be mispredicted at every second attribute. */
  size_t ascii = 2 + key_length;
  uint8_t member = *value++;
  if (__builtin_expect(member == 0x0a, 1)) {
    if (!common_length(&value, &length) || value + length != end)
      return NULL;
    /* A short string is checked with its key, and the lengths between them, which are below 0x80 then. */
    if (end - at <= 64)
      ascii = (size_t)(end - at);
    else
      check_string(w, value, length);
  } else if (member == 0x18 || member == 0x10) {
    if (value >= end || end - value > 9 || end[-1] >= 0x80)
      return NULL;
    for (; value < end - 1; value++)
      if (*value < 0x80)
        return NULL;
  } else if (member != 0x21 || end - value != 8)
    return NULL;
  return utf8_first_are_ascii(at, ascii) ? end : NULL;
}

/* The number under which the rules want this attribute; adds the marks it sets. */
static inline uint16_t match_attribute(const cotlp_rules *rules, const key_value *pair, uint32_t *marks) {
  uint16_t number = COTLP_NO_KEY;
  const cotlp_rule *exact = cotlp_rules_exact(rules, pair->key, pair->key_length);
  if (__builtin_expect(exact != NULL, 0)) {
    number = exact->number;
    uint64_t value = 0;
    bool is_true = pair->type == COTLP_VALUE_BOOL &&
                   cotlp_read_varint(pair->value, pair->value + pair->value_length, &value) && value != 0;
    if (!exact->needs_true || is_true)
      *marks |= exact->mark;
  }
  if (__builtin_expect(cotlp_rules_may_start(rules, pair->key, pair->key_length), 0))
    for (uint32_t i = 0; i < rules->prefixes.count; i++) {
      const cotlp_rule *prefix = &rules->prefixes.items[i];
      if (!cotlp_rule_starts(prefix, pair->key, pair->key_length))
        continue;
      *marks |= prefix->mark;
      if (number == COTLP_NO_KEY)
        number = prefix->number;
    }
  return number;
}

static inline void fill_attribute(cotlp_attribute *attribute, const wire_field *field, const key_value *pair,
                                  uint16_t number, const uint8_t *base) {
  attribute->field_offset = (uint32_t)(field->start - base);
  attribute->field_length = (uint32_t)(field->payload + field->length - field->start);
  attribute->key_offset = (uint32_t)(pair->key - base);
  attribute->key_length = (uint32_t)pair->key_length;
  attribute->value_offset = pair->value ? (uint32_t)(pair->value - base) : 0;
  attribute->value_length = (uint32_t)pair->value_length;
  attribute->key = number;
  attribute->type = pair->type;
}
