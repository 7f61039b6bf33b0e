#include "cotlp_span.h"
#include "cotlp_attribute.h"
#include "cotlp_key_memo.h"
#include <stdlib.h>

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

/* The payload behind a length in its shortest form that reaches to the end, which is `left` bytes from the length's own. Null
 * for others, and where `left` is below 0. */
static inline const uint8_t *payload_to_end(const uint8_t *at, size_t left) {
  if (left - 1 < 0x80)
    return *at == left - 1 ? at + 1 : NULL;
  size_t length = left - 2;
  if (length - 0x80 >= 0x3f80)
    return NULL;
  return at[0] == (0x80 | (length & 0x7f)) && at[1] == length >> 7 ? at + 2 : NULL;
}

/* The value of an AnyValue of one field. False for others. */
static inline bool read_common_value(const uint8_t *at, const uint8_t *end, key_value *pair) {
  if (at >= end)
    return false;
  uint8_t tag = *at++;
  switch (tag) {
  case 0x0a: /* string_value */
    pair->value = payload_to_end(at, (size_t)(end - at));
    pair->type = COTLP_VALUE_STRING;
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
  case 0x2a: /* array_value */
  case 0x32: /* kvlist_value */
    pair->value = payload_to_end(at, (size_t)(end - at));
    pair->type = tag == 0x2a ? COTLP_VALUE_ARRAY : COTLP_VALUE_KVLIST;
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

struct cotlp_span_reader {
  const cotlp_rules *rules;
  key_memo memo;
};

cotlp_span_reader *cotlp_span_reader_create(const cotlp_rules *rules) {
  cotlp_span_reader *reader = calloc(1, sizeof *reader);
  reader->rules = rules;
  key_memo_clear(&reader->memo);
  return reader;
}

void cotlp_span_reader_destroy(cotlp_span_reader *reader) { free(reader); }

/* What is being read, and where what is found goes. */
typedef struct {
  cotlp_span_reader *reader;
  const uint8_t *span, *end;
  cotlp_span_fields *fields;
  cotlp_attribute *attributes;
  uint32_t capacity;
} span_reading;

__attribute__((always_inline)) static inline void add_attribute(const span_reading *r, const wire_field *field,
                                                                const key_value *pair, uint16_t number) {
  if (r->fields->attribute_count < r->capacity)
    fill_attribute(&r->attributes[r->fields->attribute_count], field, pair, number, r->span);
  r->fields->attribute_count++;
}

/* The key of a KeyValue that begins with those bytes, which from now on is expected behind the last one. */
__attribute__((noinline)) static known_key *find_key(cotlp_span_reader *reader, known_key *last, const uint8_t *at,
                                                     size_t size) {
  key_memo *memo = &reader->memo;
  bool added;
  known_key *known = key_memo_find(memo, at, size, &added);
  if (added)
    known->number = number_of(reader->rules, at + 2, size - 3);
  last->next = known == &memo->longer ? 0 : (uint8_t)(known - memo->keys);
  return known;
}

/* Reads an attribute that looks as every encoder writes it, and steps over it: a short key, then a value of one field. Null
 * for all others. Most keys are unwanted, and their values are not looked at. `last`: the key before it. */
__attribute__((always_inline)) static inline const uint8_t *read_common_attribute(const span_reading *r, const uint8_t *at,
                                                                                  known_key **last) {
  if (r->end - at < 10)
    return NULL;
  const uint8_t *start = at++;
  size_t length;
  if (!common_length(&at, &length))
    return NULL;
  const uint8_t *next = at + length;
  if (next > r->end)
    return NULL;
  known_key *known = &r->reader->memo.keys[(*last)->next];
  if (__builtin_expect(!known_key_begins(known, at, length), 0)) {
    size_t size = (size_t)at[1] + 3;
    if (at[0] != 0x0a || size < 7 || size >= 0x7f || size > length || at[size - 1] != 0x12)
      return NULL;
    known = find_key(r->reader, *last, at, size);
  }
  *last = known;
  const uint8_t *value = payload_to_end(at + known->size, length - known->size);
  if (!value)
    return NULL;
  if (known->number == COTLP_NO_KEY)
    return next;
  key_value pair = {.key = at + 2, .key_length = known->size - 3};
  if (!read_common_value(value, next, &pair))
    return NULL;
  wire_field field = {.start = start, .payload = at, .length = length};
  add_attribute(r, &field, &pair, known->number);
  return next;
}

/* Reads what a span begins with as every encoder writes it, in the order of the schema: its ids, name, kind and times. Returns
 * the place behind all of that which is there and looks so. */
static inline const uint8_t *read_common_beginning(const span_reading *r, const uint8_t *at) {
  if (r->end - at < 38 || at[0] != 0x0a || at[1] != 16 || at[18] != 0x12 || at[19] != 8)
    return at;
  at += at[28] == 0x22 && at[29] == 8 ? 38 : 28;
  if (r->end - at < 2 || at[0] != 0x2a || at[1] >= 0x80 || at[1] > r->end - at - 2)
    return at;
  r->fields->name = (cotlp_range){(uint32_t)(at + 2 - r->span), at[1]};
  at += 2 + at[1];
  if (r->end - at < 20 || at[0] != 0x30 || at[1] >= 0x80 || at[2] != 0x39 || at[11] != 0x41)
    return at;
  r->fields->end = wire_fixed64(at + 12);
  return at + 20;
}

/* Reads a field that most spans have behind that and that looks as every encoder writes it, and steps over it. Null for all
 * others. */
__attribute__((always_inline)) static inline const uint8_t *read_common_field(const span_reading *r, const uint8_t *at,
                                                                              known_key **last) {
  if (__builtin_expect(*at == SPAN_ATTRIBUTES_TAG, 1))
    return read_common_attribute(r, at, last);
  const ptrdiff_t left = r->end - at;
  switch (*at) {
  case 0x7a: /* status: without anything, or with a code alone */
    if (left >= 2 && at[1] == 0)
      return at + 2;
    if (left < 4 || at[1] != 2 || at[2] != 0x18 || at[3] >= 0x80)
      return NULL;
    r->fields->status_code = at[3];
    return at + 4;
  case 0x85: /* flags, with 0x01 behind it */
    return left >= 6 && at[1] == 0x01 ? at + 6 : NULL;
  default:
    return NULL;
  }
}

static void read_attribute(walk *w, const wire_field *field, const span_reading *r) {
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

/* Reads any field, and steps over it. Null where none can be read. */
__attribute__((noinline)) static const uint8_t *read_field(const span_reading *r, const uint8_t *at) {
  cotlp_index scratch;
  walk context = {.index = &scratch, .rules = r->reader->rules, .base = r->span, .limit = r->end}, *w = &context;
  wire_field field;
  if (!next_field(w, &at, r->end, &field))
    return NULL;
  if (field.number == 9 && field.wire == COTLP_WIRE_BYTES)
    read_attribute(w, &field, r);
  else if (field.number == 5 && field.wire == COTLP_WIRE_BYTES)
    r->fields->name = range_of(&field, r->span);
  else if (field.number == 8 && field.wire == COTLP_WIRE_FIXED64)
    r->fields->end = wire_fixed64(field.payload);
  else if (field.number == 11 && field.wire == COTLP_WIRE_BYTES)
    read_event(&field, r->span, r->fields);
  else if (field.number == 15 && field.wire == COTLP_WIRE_BYTES)
    read_status(w, field.payload, field.payload + field.length, r->span, r->fields);
  return at;
}

void cotlp_read_span(cotlp_span_reader *reader, const void *payload, size_t length, cotlp_span_fields *fields,
                     cotlp_attribute *attributes, uint32_t capacity) {
  *fields = (cotlp_span_fields){0};
  if (length > UINT32_MAX)
    return;
  const uint8_t *at = payload;
  const span_reading reading = {reader, at, at + length, fields, attributes, capacity};
  at = read_common_beginning(&reading, at);
  known_key *last = &reader->memo.keys[0];
  while (at < reading.end) {
    const uint8_t *next = read_common_field(&reading, at, &last);
    if (__builtin_expect(!next, 0) && !(next = read_field(&reading, at)))
      break;
    at = next;
  }
}
