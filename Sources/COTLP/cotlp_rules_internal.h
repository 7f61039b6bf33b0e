/* The inside of cotlp_rules, for the walker in this target. */
#pragma once

#include "cotlp_rules.h"
#include <string.h>

typedef struct {
  char *text;
  uint32_t length;
  uint16_t number; /* COTLP_NO_KEY when only marks hang on it */
  uint16_t mark;
  bool needs_true;
} cotlp_rule;

typedef struct {
  cotlp_rule *items;
  uint32_t count, capacity;
} cotlp_rule_list;

struct cotlp_rules {
  cotlp_rule_list keys, prefixes;
  uint16_t *slots; /* open addressing: 0 is empty, else the position in keys + 1 */
  uint32_t mask;
  /* A bit for the hash of each prefix's first four bytes; all where one is shorter. Large, so that hardly a key is taken for one
   * of them. */
  uint64_t prefix_heads[64];
  cotlp_rule name, scope;
};

/* Hash of a key by its last bytes, which differ most, and its length. */
static inline uint32_t cotlp_tail_hash(uint32_t tail, size_t length) {
  uint32_t hash = (tail ^ (uint32_t)length * 0x85ebca6bu) * 0x9e3779b1u;
  return hash ^ hash >> 15;
}

static inline uint32_t cotlp_key_hash(const uint8_t *key, size_t length) {
  uint32_t tail = 0;
  if (length >= 4)
    memcpy(&tail, key + length - 4, 4);
  else if (length > 0)
    memcpy(&tail, key, length);
  return cotlp_tail_hash(tail, length);
}

static inline uint64_t cotlp_word_at(const void *text, size_t at) {
  uint64_t word;
  memcpy(&word, (const char *)text + at, 8);
  return word;
}

/* Whether two texts of that length are the same: without a call or a loop for nearly all keys, whose lengths differ so much that
 * the end of a loop is not to be foreseen. */
static inline bool cotlp_same_text(const void *one, const void *other, size_t length) {
  if (length < 8 || length > 32)
    return memcmp(one, other, length) == 0;
  uint64_t ends = (cotlp_word_at(one, 0) ^ cotlp_word_at(other, 0)) |
                  (cotlp_word_at(one, length - 8) ^ cotlp_word_at(other, length - 8));
  if (length <= 16 || ends)
    return !ends;
  return ((cotlp_word_at(one, 8) ^ cotlp_word_at(other, 8)) |
          (cotlp_word_at(one, length - 16) ^ cotlp_word_at(other, length - 16))) == 0;
}

static inline bool cotlp_rule_starts(const cotlp_rule *rule, const uint8_t *text, size_t length) {
  return length >= rule->length && cotlp_same_text(text, rule->text, rule->length);
}

static inline uint32_t cotlp_head_hash(const uint8_t *text, size_t length) {
  uint32_t head = 0;
  if (length >= 4)
    memcpy(&head, text, 4);
  else if (length > 0)
    memcpy(&head, text, length);
  return head * 0x9e3779b1u >> 20;
}

/* Whether some prefix may be that of a key: hardly ever true without reason, never false with one. */
static inline bool cotlp_rules_may_start(const cotlp_rules *rules, const uint8_t *key, size_t length) {
  uint32_t hash = cotlp_head_hash(key, length);
  return rules->prefix_heads[hash >> 6] >> (hash & 63) & 1;
}

/* Whether some rule may want this key of at least four bytes: hardly ever true without reason, never false with one. */
static inline bool cotlp_rules_may_want(const cotlp_rules *rules, const uint8_t *key, size_t length) {
  uint32_t tail;
  memcpy(&tail, key + length - 4, 4);
  return rules->slots[cotlp_tail_hash(tail, length) & rules->mask] != 0 || cotlp_rules_may_start(rules, key, 4);
}

/* The exact rule for a key, or null. */
static inline const cotlp_rule *cotlp_rules_exact(const cotlp_rules *rules, const uint8_t *key, size_t length) {
  for (uint32_t at = cotlp_key_hash(key, length);; at++) {
    uint16_t slot = rules->slots[at & rules->mask];
    if (slot == 0)
      return NULL;
    const cotlp_rule *rule = &rules->keys.items[slot - 1];
    if (rule->length == length && cotlp_same_text(rule->text, key, length))
      return rule;
  }
}
