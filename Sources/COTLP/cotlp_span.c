#include "cotlp_span.h"
#include "cotlp_attribute.h"

/* A varint that ends where its message does. */
static inline bool ends_with_varint(const uint8_t *at, const uint8_t *end) {
  if (at >= end || end - at > 10 || end[-1] >= 0x80)
    return false;
  for (; at < end - 1; at++)
    if (*at < 0x80)
      return false;
  return true;
}

/* The payload behind a length that reaches to the end; null where it doesn't. */
static inline const uint8_t *payload_to_end(const uint8_t *at, const uint8_t *end) {
  if (end - at < 2)
    return end - at == 1 && *at == 0 ? end : NULL;
  size_t length;
  return common_length(&at, &length) && length == (size_t)(end - at) ? at : NULL;
}

/* The value of an AnyValue of one field. False for others. */
static inline bool read_common_value(const uint8_t *at, const uint8_t *end, key_value *pair) {
  if (at >= end)
    return false;
  uint8_t tag = *at++;
  switch (tag) {
  case 0x0a: /* string_value */
  case 0x2a: /* array_value */
  case 0x32: /* kvlist_value */
    pair->value = payload_to_end(at, end);
    pair->type = tag == 0x0a ? COTLP_VALUE_STRING : tag == 0x2a ? COTLP_VALUE_ARRAY : COTLP_VALUE_KVLIST;
    break;
  case 0x10: /* bool_value */
  case 0x18: /* int_value */
    pair->value = ends_with_varint(at, end) ? at : NULL;
    pair->type = tag == 0x10 ? COTLP_VALUE_BOOL : COTLP_VALUE_INT;
    break;
  case 0x21: /* double_value */
    pair->value = end - at == 8 ? at : NULL;
    pair->type = COTLP_VALUE_DOUBLE;
    break;
  default:
    return false;
  }
  pair->value_length = (size_t)(end - pair->value);
  return pair->value != NULL;
}

/* The number under which the rules want a key; like match_attribute, without marks. */
static inline uint16_t number_of(const cotlp_rules *rules, const uint8_t *key, size_t length) {
  const cotlp_rule *exact = cotlp_rules_exact(rules, key, length);
  if (exact && exact->number != COTLP_NO_KEY)
    return exact->number;
  if (cotlp_rules_may_start(rules, key, length))
    for (uint32_t i = 0; i < rules->prefixes.count; i++) {
      const cotlp_rule *prefix = &rules->prefixes.items[i];
      if (prefix->number != COTLP_NO_KEY && cotlp_rule_starts(prefix, key, length))
        return prefix->number;
    }
  return COTLP_NO_KEY;
}

typedef enum { UNWANTED, WANTED, UNUSUAL } reading;

/* A KeyValue as every encoder writes it: a short key, then a value of one field. Most keys are unwanted, and their values are
 * not looked at. */
static inline reading read_common_pair(const cotlp_rules *rules, const uint8_t *at, const uint8_t *end, key_value *pair,
                                       uint16_t *number) {
  if (end - at < 6 || at[0] != 0x0a || at[1] < 4 || at[1] >= 0x80 || at[1] > end - at - 3)
    return UNUSUAL;
  pair->key = at + 2;
  pair->key_length = at[1];
  at = pair->key + pair->key_length;
  if (*at++ != 0x12)
    return UNUSUAL;
  const uint8_t *value = payload_to_end(at, end);
  if (!value)
    return UNUSUAL;
  if (!cotlp_rules_may_want(rules, pair->key, pair->key_length) ||
      (*number = number_of(rules, pair->key, pair->key_length)) == COTLP_NO_KEY)
    return UNWANTED;
  return read_common_value(value, end, pair) ? WANTED : UNUSUAL;
}

/* What is being read, and where what is found goes. */
typedef struct {
  const uint8_t *span;
  cotlp_span_fields *fields;
  cotlp_attribute *attributes;
  uint32_t capacity;
} span_reading;

static inline void add_attribute(span_reading *r, const wire_field *field, const key_value *pair, uint16_t number) {
  if (r->fields->attribute_count < r->capacity)
    fill_attribute(&r->attributes[r->fields->attribute_count], field, pair, number, r->span);
  r->fields->attribute_count++;
}

/* Reads an attribute that looks as every encoder writes it, and steps over it. Null for all others. */
static inline const uint8_t *read_common_attribute(const cotlp_rules *rules, const uint8_t *at, const uint8_t *end,
                                                   span_reading *r) {
  if (end - at < 8)
    return NULL;
  wire_field field = {.start = at, .payload = at + 1};
  if (!common_length(&field.payload, &field.length) || field.length > (size_t)(end - field.payload))
    return NULL;
  key_value pair;
  uint16_t number;
  const uint8_t *next = field.payload + field.length;
  switch (read_common_pair(rules, field.payload, next, &pair, &number)) {
  case UNUSUAL:
    return NULL;
  case WANTED:
    add_attribute(r, &field, &pair, number);
    break;
  case UNWANTED:
    break;
  }
  return next;
}

static void read_attribute(walk *w, const wire_field *field, span_reading *r) {
  key_value pair = {.key = field->payload};
  if (!walk_key_value(w, field->payload, field->payload + field->length, 4, &pair))
    return;
  uint16_t number = number_of(w->rules, pair.key, pair.key_length);
  if (number != COTLP_NO_KEY)
    add_attribute(r, field, &pair, number);
}

static cotlp_range range_of(const wire_field *field, const uint8_t *span) {
  return (cotlp_range){(uint32_t)(field->payload - span), (uint32_t)field->length};
}

static void read_event(const wire_field *field, const uint8_t *span, cotlp_span_fields *fields) {
  if (fields->events.length == 0)
    fields->events.offset = (uint32_t)(field->start - span);
  fields->events.length = (uint32_t)(field->payload + field->length - span) - fields->events.offset;
}

static void read_status(walk *w, const uint8_t *at, const uint8_t *end, const uint8_t *span, cotlp_span_fields *fields) {
  wire_field field;
  while (at < end && next_field(w, &at, end, &field)) {
    if (field.number == 2 && field.wire == COTLP_WIRE_BYTES)
      fields->status_message = range_of(&field, span);
    else if (field.number == 3 && field.wire == COTLP_WIRE_VARINT)
      fields->status_code = field.value;
  }
}

void cotlp_read_span(const cotlp_rules *rules, const void *payload, size_t length, cotlp_span_fields *fields,
                     cotlp_attribute *attributes, uint32_t capacity) {
  const uint8_t *span = payload, *at = span, *end = at + length;
  *fields = (cotlp_span_fields){0};
  if (length > UINT32_MAX)
    return;
  cotlp_index scratch;
  walk context = {.index = &scratch, .rules = rules, .base = span, .limit = end}, *w = &context;
  span_reading reading = {span, fields, attributes, capacity};
  wire_field field;
  while (at < end) {
    if (*at == SPAN_ATTRIBUTES_TAG) {
      const uint8_t *next = read_common_attribute(rules, at, end, &reading);
      if (__builtin_expect(next != NULL, 1)) {
        at = next;
        continue;
      }
    }
    if (!next_field(w, &at, end, &field))
      break;
    if (field.number == 9 && field.wire == COTLP_WIRE_BYTES)
      read_attribute(w, &field, &reading);
    else if (field.number == 5 && field.wire == COTLP_WIRE_BYTES)
      fields->name = range_of(&field, span);
    else if (field.number == 8 && field.wire == COTLP_WIRE_FIXED64)
      fields->end = wire_fixed64(field.payload);
    else if (field.number == 11 && field.wire == COTLP_WIRE_BYTES)
      read_event(&field, span, fields);
    else if (field.number == 15 && field.wire == COTLP_WIRE_BYTES)
      read_status(w, field.payload, field.payload + field.length, span, fields);
  }
}
