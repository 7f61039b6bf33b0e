#include "cotlp_span.h"
#include "cotlp_attribute.h"

/* Mirrored by SpanReader in the OTLP module. */
_Static_assert(sizeof(cotlp_span_fields) == 48 && offsetof(cotlp_span_fields, attribute_count) == 40,
               "SpanReader mirrors cotlp_span_fields");

/* A varint that ends where its message does. */
static inline bool ends_with_varint(const uint8_t *at, const uint8_t *end) {
  if (at >= end || end - at > 10 || end[-1] >= 0x80)
    return false;
  for (; at < end - 1; at++)
    if (*at < 0x80)
      return false;
  return true;
}

/* The payload behind a length, of which there is a byte at least, that reaches to the end; null where it doesn't. */
static inline const uint8_t *payload_to_end(const uint8_t *at, const uint8_t *end) {
  size_t left = (size_t)(end - at) - 1;
  if (*at < 0x80)
    return *at == left ? at + 1 : NULL;
  return left > 0 && at[1] < 0x80 && ((*at & 0x7f) | (size_t)at[1] << 7) == left - 1 ? at + 2 : NULL;
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
    pair->value = at < end ? payload_to_end(at, end) : NULL;
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

/* What is being read, and where what is found goes. */
typedef struct {
  const uint8_t *span;
  cotlp_span_fields *fields;
  cotlp_attribute *attributes;
  uint32_t capacity;
} span_reading;

__attribute__((always_inline)) static inline void add_attribute(span_reading *r, const wire_field *field, const key_value *pair, uint16_t number) {
  if (r->fields->attribute_count < r->capacity)
    fill_attribute(&r->attributes[r->fields->attribute_count], field, pair, number, r->span);
  r->fields->attribute_count++;
}

/* Reads an attribute that looks as every encoder writes it, and steps over it: a short key, then a value of one field. Null
 * for all others. Most keys are unwanted, and their values are not looked at. */
static inline const uint8_t *read_common_attribute(const cotlp_rules *rules, const uint8_t *at, const uint8_t *end,
                                                   span_reading *r) {
  if (end - at < 10)
    return NULL;
  const uint8_t *start = at++;
  size_t length;
  if (!common_length(&at, &length) || length > (size_t)(end - at))
    return NULL;
  const uint8_t *next = at + length, *key = at + 2;
  size_t key_length = at[1];
  const uint8_t *value = key + key_length;
  if (at[0] != 0x0a || key_length - 4 >= 0x7c || next - value < 2 || *value != 0x12)
    return NULL;
  value = payload_to_end(value + 1, next);
  if (!value)
    return NULL;
  if (!cotlp_rules_may_want(rules, key, key_length))
    return next;
  uint16_t number = number_of(rules, key, key_length);
  if (number == COTLP_NO_KEY)
    return next;
  key_value pair = {.key = key, .key_length = key_length};
  if (!read_common_value(value, next, &pair))
    return NULL;
  wire_field field = {.start = start, .payload = at, .length = length};
  add_attribute(r, &field, &pair, number);
  return next;
}

/* Reads a field that most spans have and that looks as every encoder writes it, and steps over it. Null for all others. */
static inline const uint8_t *read_common_field(const cotlp_rules *rules, const uint8_t *at, const uint8_t *end,
                                               span_reading *r) {
  if (*at == SPAN_ATTRIBUTES_TAG)
    return read_common_attribute(rules, at, end, r);
  if (end - at < 2)
    return NULL;
  switch (*at) {
  case 0x0a: /* trace_id */
  case 0x12: /* span_id */
  case 0x22: /* parent_span_id */
  case 0x2a: /* name */
    if (at[1] >= 0x80 || at[1] > end - at - 2)
      return NULL;
    if (*at == 0x2a)
      r->fields->name = (cotlp_range){(uint32_t)(at + 2 - r->span), at[1]};
    return at + 2 + at[1];
  case 0x30: /* kind */
    return at[1] < 0x80 ? at + 2 : NULL;
  case 0x39: /* start_time_unix_nano */
    return end - at >= 9 ? at + 9 : NULL;
  case 0x41: /* end_time_unix_nano */
    if (end - at < 9)
      return NULL;
    r->fields->end = wire_fixed64(at + 1);
    return at + 9;
  case 0x7a: /* status: without anything, or with a code alone */
    if (at[1] == 0)
      return at + 2;
    if (at[1] != 2 || end - at < 4 || at[2] != 0x18 || at[3] >= 0x80)
      return NULL;
    r->fields->status_code = at[3];
    return at + 4;
  case 0x85: /* flags, with 0x01 behind it */
    return at[1] == 0x01 && end - at >= 6 ? at + 6 : NULL;
  default:
    return NULL;
  }
}

__attribute__((noinline)) static void read_attribute(walk *w, const wire_field *field, span_reading *r) {
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
    const uint8_t *next = read_common_field(rules, at, end, &reading);
    if (__builtin_expect(next != NULL, 1)) {
      at = next;
      continue;
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
