/* What becomes of a span's attribute: found in the rules, or not. And the short way for attributes of the common shape.
 * Private to the index. */
#pragma once

#include "cotlp_rules_internal.h"
#include "cotlp_walk.h"

enum {
  /* `attributes` of a span: field 9, length-delimited. */
  ATTRIBUTES_TAG = 0x4a,
  /* Bytes that must be readable behind a span for the short way, which looks before it checks. */
  COMMON_ATTRIBUTE_SLACK = 256,
};

/* Where an attribute field that begins at `at` ends; null when its length is no common one, or leaves the span. */
static inline const uint8_t *attribute_end(const uint8_t *at, const uint8_t *end, const uint8_t **payload) {
  size_t length = at[1];
  *payload = at + 2;
  if (length >= 0x80) {
    if (at[2] >= 0x80)
      return NULL;
    length = (length & 0x7f) | (size_t)at[2] << 7;
    *payload = at + 3;
  }
  return *payload <= end && length <= (size_t)(end - *payload) ? *payload + length : NULL;
}

/* A KeyValue as every encoder writes it: a short key, then one string, bool, int of one byte or double, nothing else, and
 * ASCII. False for all others, which may be well formed as well: they take the long way. */
__attribute__((always_inline)) static inline bool common_attribute(walk *w, const uint8_t *at, const uint8_t *end,
                                                                   key_value *out) {
  size_t key_length = at[1];
  const uint8_t *value = at + 2 + key_length;
  if (at[0] != 0x0a || key_length - 4 > 59 || value[0] != 0x12)
    return false;
  if (__builtin_expect(value[1] < 0x80, 1)) {
    if (value + 2 + value[1] != end)
      return false;
    value += 2;
  } else {
    if (value[2] >= 0x80 || value + 3 + ((value[1] & 0x7f) | (size_t)value[2] << 7) != end)
      return false;
    value += 3;
  }
  size_t ascii = 2 + key_length;
  size_t length = (size_t)(end - value);
  /* Comparisons in the order of frequency: a jump table would be mispredicted at every second attribute. */
  if (__builtin_expect(value[0] == 0x0a, 1)) {
    if (__builtin_expect(value[1] < 0x80, 1)) {
      if (length != 2 + (size_t)value[1])
        return false;
      value += 2;
    } else {
      if (length < 3 || value[2] >= 0x80 || length != 3 + ((value[1] & 0x7f) | (size_t)value[2] << 7))
        return false;
      value += 3;
    }
    length = (size_t)(end - value);
    out->type = COTLP_VALUE_STRING;
    /* A short string is checked with its key, and the lengths between them, which are below 0x80 then. */
    if (end - at <= 64)
      ascii = (size_t)(end - at);
    else
      check_string(w, value, length);
  } else if (value[0] == 0x18 || value[0] == 0x10) {
    out->type = value[0] == 0x10 ? COTLP_VALUE_BOOL : COTLP_VALUE_INT;
    value++;
    length--;
    if (length == 0 || length > 9 || value[length - 1] >= 0x80)
      return false;
    for (size_t i = 0; i + 1 < length; i++)
      if (value[i] < 0x80)
        return false;
  } else {
    if (value[0] != 0x21 || length != 9)
      return false;
    out->type = COTLP_VALUE_DOUBLE;
    value++;
    length = 8;
  }
  if (!utf8_first_are_ascii(at, ascii))
    return false;
  out->key = at + 2;
  out->key_length = key_length;
  out->value = value;
  out->value_length = length;
  return true;
}

/* The number under which the rules want this attribute; adds the marks it sets. */
__attribute__((always_inline)) static inline uint16_t match_attribute(const cotlp_rules *rules, const key_value *pair,
                                                                      uint32_t *marks) {
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
  uint8_t first = pair->key_length ? pair->key[0] : 0;
  if (__builtin_expect(rules->prefix_starts[first >> 6] >> (first & 63) & 1, 0))
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
  attribute->key_offset = pair->key ? (uint32_t)(pair->key - base) : 0;
  attribute->key_length = (uint32_t)pair->key_length;
  attribute->value_offset = pair->value ? (uint32_t)(pair->value - base) : 0;
  attribute->value_length = (uint32_t)pair->value_length;
  attribute->key = number;
  attribute->type = pair->type;
}
