#include "cotlp_index.h"
#include "cotlp_rules_internal.h"
#include "cotlp_utf8.h"
#include "cotlp_wire.h"
#include <stdlib.h>

/* Mirrored by SpanEntry and AttributeEntry in the OTLP module. */
_Static_assert(sizeof(cotlp_span) == 64 && offsetof(cotlp_span, offset) == 40, "SpanEntry mirrors cotlp_span");
_Static_assert(sizeof(cotlp_attribute) == 28 && offsetof(cotlp_attribute, key) == 24,
               "AttributeEntry mirrors cotlp_attribute");

typedef struct {
  const uint8_t *start;   /* of the field, its tag included */
  const uint8_t *payload; /* of a length-delimited field; else where the value begins */
  size_t length;          /* of the payload */
  uint64_t value;         /* of a varint */
  uint32_t number, wire;
} wire_field;

typedef struct {
  cotlp_index *index;
  const cotlp_rules *rules;
  const uint8_t *base, *limit; /* the whole request */
  bool bad_string; /* in the span, scope or resource being walked */
  bool bad_link;
} walk;

/* The tracked side of an attribute: where its key and value lie. */
typedef struct {
  const uint8_t *key, *value;
  size_t key_length, value_length;
  uint64_t number; /* of a bool or an int */
  uint8_t type;
} key_value;

static inline uint64_t wire_fixed64(const uint8_t *at) {
  uint64_t value;
  memcpy(&value, at, 8);
  return value;
}

static inline uint32_t wire_fixed32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return value;
}

static bool fail(walk *w, cotlp_error error, const uint8_t *at) {
  w->index->error = error;
  w->index->error_offset = (uint32_t)(at - w->base);
  return false;
}

/* Reads one field and steps over it. False at a fault; the caller loops while at < end. */
__attribute__((always_inline)) static inline bool next_field(walk *w, const uint8_t **at, const uint8_t *end, wire_field *field) {
  const uint8_t *p = *at;
  field->start = p;
  uint64_t tag;
  if (__builtin_expect(*p < 0x80, 1))
    tag = *p++;
  else {
    p = cotlp_read_varint(p, end, &tag);
    if (!p)
      return fail(w, COTLP_BAD_VARINT, field->start);
    if (tag > UINT32_MAX || p - field->start > 5)
      return fail(w, COTLP_BAD_VARINT, field->start);
  }
  field->number = (uint32_t)tag >> 3;
  field->wire = (uint32_t)tag & 7;
  if (field->number == 0)
    return fail(w, COTLP_BAD_FIELD, field->start);
  field->payload = p;
  switch (field->wire) {
  case COTLP_WIRE_BYTES: {
    uint64_t length;
    p = cotlp_read_varint(p, end, &length);
    if (!p || length > (uint64_t)(end - p))
      return fail(w, COTLP_TRUNCATED, field->start);
    field->payload = p;
    field->length = (size_t)length;
    *at = p + length;
    return true;
  }
  case COTLP_WIRE_VARINT:
    p = cotlp_read_varint(p, end, &field->value);
    if (!p)
      return fail(w, end - field->payload > 10 ? COTLP_BAD_VARINT : COTLP_TRUNCATED, field->start);
    *at = p;
    return true;
  case COTLP_WIRE_FIXED64:
    if (end - p < 8)
      return fail(w, COTLP_TRUNCATED, field->start);
    *at = p + 8;
    return true;
  case COTLP_WIRE_FIXED32:
    if (end - p < 4)
      return fail(w, COTLP_TRUNCATED, field->start);
    *at = p + 4;
    return true;
  default:
    return fail(w, COTLP_BAD_WIRE_TYPE, field->start);
  }
}

#define EXPECT(type)                                                                                                   \
  if (field.wire != (type))                                                                                            \
  return fail(w, COTLP_BAD_WIRE_TYPE, field.start)

__attribute__((always_inline)) static inline void check_string(walk *w, const uint8_t *text, size_t length) {
  if (__builtin_expect(!utf8_is_valid(text, length, w->limit), 0))
    w->bad_string = true;
}

static bool walk_key_value(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, key_value *out);

static bool walk_values(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, bool with_keys);

/* An AnyValue. The oneof's last member on the wire is the value. */
static bool walk_any_value(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, key_value *out) {
  if (depth > COTLP_MAX_DEPTH)
    return fail(w, COTLP_TOO_DEEP, at);
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    switch (field.number) {
    case 1:
      EXPECT(COTLP_WIRE_BYTES);
      check_string(w, field.payload, field.length);
      out->type = COTLP_VALUE_STRING;
      break;
    case 2:
      EXPECT(COTLP_WIRE_VARINT);
      out->type = COTLP_VALUE_BOOL;
      break;
    case 3:
      EXPECT(COTLP_WIRE_VARINT);
      out->type = COTLP_VALUE_INT;
      break;
    case 4:
      EXPECT(COTLP_WIRE_FIXED64);
      out->type = COTLP_VALUE_DOUBLE;
      break;
    case 5:
    case 6:
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_values(w, field.payload, field.payload + field.length, depth + 1, field.number == 6))
        return false;
      out->type = field.number == 5 ? COTLP_VALUE_ARRAY : COTLP_VALUE_KVLIST;
      break;
    case 7:
      EXPECT(COTLP_WIRE_BYTES);
      out->type = COTLP_VALUE_BYTES;
      break;
    default:
      continue;
    }
    out->value = field.payload;
    out->value_length = field.wire == COTLP_WIRE_BYTES ? field.length : (size_t)(at - field.payload);
    if (field.wire == COTLP_WIRE_VARINT)
      out->number = field.value;
  }
  return true;
}

/* An ArrayValue's AnyValues, or a KeyValueList's KeyValues: both are field 1. */
static bool walk_values(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, bool with_keys) {
  if (depth > COTLP_MAX_DEPTH)
    return fail(w, COTLP_TOO_DEEP, at);
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    if (field.number != 1)
      continue;
    EXPECT(COTLP_WIRE_BYTES);
    key_value ignored = {0};
    const uint8_t *inner_end = field.payload + field.length;
    if (!(with_keys ? walk_key_value(w, field.payload, inner_end, depth + 1, &ignored)
                    : walk_any_value(w, field.payload, inner_end, depth + 1, &ignored)))
      return false;
  }
  return true;
}

/* A length of one or two bytes, which is nearly all there are; null for others. */
static inline const uint8_t *short_length(const uint8_t *at, const uint8_t *end, size_t *length) {
  if (end - at < 2)
    return NULL;
  if (at[0] < 0x80) {
    *length = at[0];
    return at + 1;
  }
  if (at[1] >= 0x80)
    return NULL;
  *length = (size_t)(at[0] & 0x7f) | (size_t)at[1] << 7;
  return at + 2;
}

/* A KeyValue as every encoder writes it: key, value, one scalar in it, nothing else. False for all others, which take the
 * long way and may be well formed too. */
__attribute__((always_inline)) static inline bool common_key_value(walk *w, const uint8_t *at, const uint8_t *end,
                                                                   key_value *out) {
  size_t length;
  if (end - at < 6 || at[0] != 0x0a || at[1] >= 0x80)
    return false;
  const uint8_t *key = at + 2, *value = key + at[1];
  size_t key_length = at[1];
  if (end - value < 4 || value[0] != 0x12)
    return false;
  value = short_length(value + 1, end, &length);
  if (!value || (size_t)(end - value) != length || length < 2)
    return false;
  switch (value[0]) {
  case 0x0a:
    value = short_length(value + 1, end, &length);
    if (!value || (size_t)(end - value) != length)
      return false;
    check_string(w, value, length);
    out->type = COTLP_VALUE_STRING;
    break;
  case 0x10:
  case 0x18:
    out->type = value[0] == 0x10 ? COTLP_VALUE_BOOL : COTLP_VALUE_INT;
    length = (size_t)(end - ++value);
    if (cotlp_read_varint(value, end, &out->number) != end)
      return false;
    break;
  case 0x21:
    if (length != 9)
      return false;
    out->type = COTLP_VALUE_DOUBLE;
    value++;
    length = 8;
    break;
  default:
    return false;
  }
  check_string(w, key, key_length);
  out->key = key;
  out->key_length = key_length;
  out->value = value;
  out->value_length = length;
  return true;
}

/* A KeyValue, the value before the key or in several pieces as well. */
static bool walk_key_value(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, key_value *out) {
  if (depth > COTLP_MAX_DEPTH)
    return fail(w, COTLP_TOO_DEEP, at);
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    if (field.number == 1) {
      EXPECT(COTLP_WIRE_BYTES);
      check_string(w, field.payload, field.length);
      out->key = field.payload;
      out->key_length = field.length;
    } else if (field.number == 2) {
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_any_value(w, field.payload, field.payload + field.length, depth + 1, out))
        return false;
    }
  }
  return true;
}

/* Attributes of no interest: of events, links, scopes and resources. */
static bool walk_plain_attribute(walk *w, const wire_field *attribute, unsigned depth) {
  key_value ignored = {0};
  return (depth < COTLP_MAX_DEPTH &&
          common_key_value(w, attribute->payload, attribute->payload + attribute->length, &ignored)) || walk_key_value(w, attribute->payload, attribute->payload + attribute->length, depth, &ignored);
}

static bool walk_event(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth) {
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    switch (field.number) {
    case 1:
      EXPECT(COTLP_WIRE_FIXED64);
      break;
    case 2:
      EXPECT(COTLP_WIRE_BYTES);
      check_string(w, field.payload, field.length);
      break;
    case 3:
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_plain_attribute(w, &field, depth + 1))
        return false;
      break;
    case 4:
      EXPECT(COTLP_WIRE_VARINT);
      break;
    }
  }
  return true;
}

static bool walk_link(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth) {
  wire_field field;
  size_t trace_id = 0, span_id = 0;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    switch (field.number) {
    case 1:
      EXPECT(COTLP_WIRE_BYTES);
      trace_id = field.length;
      break;
    case 2:
      EXPECT(COTLP_WIRE_BYTES);
      span_id = field.length;
      break;
    case 3:
      EXPECT(COTLP_WIRE_BYTES);
      check_string(w, field.payload, field.length);
      break;
    case 4:
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_plain_attribute(w, &field, depth + 1))
        return false;
      break;
    case 5:
      EXPECT(COTLP_WIRE_VARINT);
      break;
    case 6:
      EXPECT(COTLP_WIRE_FIXED32);
      break;
    }
  }
  if ((trace_id != 0 && trace_id != 16) || (span_id != 0 && span_id != 8))
    w->bad_link = true;
  return true;
}

static bool walk_status(walk *w, const uint8_t *at, const uint8_t *end) {
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    if (field.number == 2) {
      EXPECT(COTLP_WIRE_BYTES);
      check_string(w, field.payload, field.length);
    } else if (field.number == 3)
      EXPECT(COTLP_WIRE_VARINT);
  }
  return true;
}

/* Makes room for one more element of the array; false without memory. */
static bool grow(walk *w, void **items, uint32_t *capacity, uint32_t count, size_t size) {
  if (__builtin_expect(count < *capacity, 1))
    return true;
  uint32_t wanted = *capacity ? *capacity * 2 : 64;
  void *larger = realloc(*items, wanted * size);
  if (!larger)
    return fail(w, COTLP_NO_MEMORY, w->base);
  *items = larger;
  *capacity = wanted;
  return true;
}

#define GROW(name) grow(w, (void **)&w->index->name##s, &w->index->name##_capacity, w->index->name##_count, sizeof *w->index->name##s)

/* The number under which the rules want this attribute; adds the marks it sets. */
__attribute__((always_inline)) static inline uint16_t match(const cotlp_rules *rules, const key_value *pair, uint32_t *marks) {
  uint16_t number = COTLP_NO_KEY;
  const cotlp_rule *exact = cotlp_rules_exact(rules, pair->key, pair->key_length);
  if (__builtin_expect(exact != NULL, 0)) {
    number = exact->number;
    if (!exact->needs_true || (pair->type == COTLP_VALUE_BOOL && pair->number != 0))
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

static void fill_attribute(cotlp_attribute *attribute, const wire_field *field, const key_value *pair, uint16_t number,
                           const uint8_t *base) {
  attribute->field_offset = (uint32_t)(field->start - base);
  attribute->field_length = (uint32_t)(field->payload + field->length - field->start);
  attribute->key_offset = pair->key ? (uint32_t)(pair->key - base) : 0;
  attribute->key_length = (uint32_t)pair->key_length;
  attribute->value_offset = pair->value ? (uint32_t)(pair->value - base) : 0;
  attribute->value_length = (uint32_t)pair->value_length;
  attribute->key = number;
  attribute->type = pair->type;
}

__attribute__((always_inline)) static inline bool walk_span_attribute(walk *w, const wire_field *field, const uint8_t *span, uint32_t *marks) {
  key_value pair;
  if (!common_key_value(w, field->payload, field->payload + field->length, &pair)) {
    pair = (key_value){0};
    if (!walk_key_value(w, field->payload, field->payload + field->length, 4, &pair))
      return false;
  }
  uint16_t number = match(w->rules, &pair, marks);
  if (__builtin_expect(number == COTLP_NO_KEY, 1))
    return true;
  if (!GROW(attribute))
    return false;
  fill_attribute(&w->index->attributes[w->index->attribute_count++], field, &pair, number, span);
  return true;
}

static inline bool is_zero(const uint8_t *bytes, size_t length) {
  uint8_t any = 0;
  for (size_t i = 0; i < length; i++)
    any |= bytes[i];
  return any == 0;
}

/* A span at level 3. Writes it into the index, or counts why it is left out. */
static bool walk_span(walk *w, const uint8_t *at, const uint8_t *end) {
  cotlp_index *index = w->index;
  if (!GROW(span))
    return false;
  const uint8_t *span_start = at, *trace_id = NULL, *span_id = NULL, *parent_id = NULL, *name = NULL;
  size_t trace_id_length = 0, span_id_length = 0, parent_id_length = 0, name_length = 0;
  uint64_t start = 0;
  uint32_t flags = 0, marks = 0, first_attribute = index->attribute_count;
  w->bad_string = w->bad_link = false;
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    switch (field.number) {
    case 9:
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_span_attribute(w, &field, span_start, &marks))
        return false;
      break;
    case 1:
      EXPECT(COTLP_WIRE_BYTES);
      trace_id = field.payload;
      trace_id_length = field.length;
      break;
    case 2:
      EXPECT(COTLP_WIRE_BYTES);
      span_id = field.payload;
      span_id_length = field.length;
      break;
    case 3:
      EXPECT(COTLP_WIRE_BYTES);
      check_string(w, field.payload, field.length);
      break;
    case 4:
      EXPECT(COTLP_WIRE_BYTES);
      parent_id = field.payload;
      parent_id_length = field.length;
      break;
    case 5:
      EXPECT(COTLP_WIRE_BYTES);
      check_string(w, field.payload, field.length);
      name = field.payload;
      name_length = field.length;
      break;
    case 7:
      EXPECT(COTLP_WIRE_FIXED64);
      start = wire_fixed64(field.payload);
      break;
    case 8:
      EXPECT(COTLP_WIRE_FIXED64);
      break;
    case 6:
    case 10:
    case 12:
    case 14:
      EXPECT(COTLP_WIRE_VARINT);
      break;
    case 11:
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_event(w, field.payload, field.payload + field.length, 4))
        return false;
      break;
    case 13:
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_link(w, field.payload, field.payload + field.length, 4))
        return false;
      break;
    case 15:
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_status(w, field.payload, field.payload + field.length))
        return false;
      break;
    case 16:
      EXPECT(COTLP_WIRE_FIXED32);
      flags = wire_fixed32(field.payload);
      break;
    }
  }

  int reason = -1;
  if (trace_id_length != 16 || is_zero(trace_id, 16))
    reason = COTLP_BAD_TRACE_ID;
  else if (span_id_length != 8 || is_zero(span_id, 8))
    reason = COTLP_BAD_SPAN_ID;
  else if (parent_id_length != 0 && parent_id_length != 8)
    reason = COTLP_BAD_PARENT_ID;
  else if (w->bad_link)
    reason = COTLP_BAD_LINK_ID;
  else if (w->bad_string)
    reason = COTLP_BAD_STRING;
  if (__builtin_expect(reason >= 0, 0)) {
    index->rejected[reason]++;
    index->attribute_count = first_attribute;
    return true;
  }

  cotlp_span *span = &index->spans[index->span_count++];
  memcpy(span->trace_id, trace_id, 16);
  span->span_id = wire_fixed64(span_id);
  span->parent_id = parent_id_length ? wire_fixed64(parent_id) : 0;
  span->start = start;
  span->offset = (uint32_t)(span_start - w->base);
  span->length = (uint32_t)(end - span_start);
  span->scope = index->scope_count;
  span->attribute = first_attribute;
  span->attribute_count = index->attribute_count - first_attribute;
  if (span->parent_id)
    marks |= COTLP_HAS_PARENT;
  if ((flags & 0x300) == 0x300)
    marks |= COTLP_REMOTE_PARENT;
  const cotlp_rule *wanted = &w->rules->name;
  if (wanted->mark && name_length == wanted->length && memcmp(name, wanted->text, name_length) == 0)
    marks |= wanted->mark;
  span->marks = marks;
  return true;
}

/* InstrumentationScope {name, version, attributes}, Resource {attributes, dropped, entity_refs} and EntityRef {four
 * strings}: which fields are strings and which attributes, as bits by field number. */
static bool walk_described(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, unsigned strings,
                           unsigned attributes, unsigned entities, unsigned varints, bool *marked) {
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    unsigned bit = field.number < 32 ? 1u << field.number : 0;
    if (bit & (strings | attributes | entities))
      EXPECT(COTLP_WIRE_BYTES);
    if (bit & varints)
      EXPECT(COTLP_WIRE_VARINT);
    if (bit & strings)
      check_string(w, field.payload, field.length);
    if (bit & attributes && !walk_plain_attribute(w, &field, depth + 1))
      return false;
    if (bit & entities &&
        !walk_described(w, field.payload, field.payload + field.length, depth + 1, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4, 0, 0,
                        0, NULL))
      return false;
    if (marked && field.number == 1)
      *marked = cotlp_rule_starts(&w->rules->scope, field.payload, field.length);
  }
  return true;
}

/* The other fields of a ScopeSpans or ResourceSpans are its header. Mostly it lies in one or two pieces, which are noted
 * during the walk; a header in more pieces is collected by a walk of its own. */
typedef struct {
  cotlp_range ranges[4];
  uint32_t count;
  bool overflowed;
} header_pieces;

static void note_piece(walk *w, header_pieces *pieces, const uint8_t *start, const uint8_t *end) {
  uint32_t offset = (uint32_t)(start - w->base), length = (uint32_t)(end - start);
  cotlp_range *last = pieces->count ? &pieces->ranges[pieces->count - 1] : NULL;
  if (last && last->offset + last->length == offset)
    last->length += length;
  else if (pieces->count < 4)
    pieces->ranges[pieces->count++] = (cotlp_range){offset, length};
  else
    pieces->overflowed = true;
}

static bool add_range(walk *w, cotlp_header *header, cotlp_range range) {
  if (!GROW(range))
    return false;
  w->index->ranges[w->index->range_count++] = range;
  header->range_count++;
  header->length += range.length;
  return true;
}

/* Puts a header's ranges behind one another. `at` and `end` are those of its message. */
static bool add_header(walk *w, const header_pieces *pieces, const uint8_t *at, const uint8_t *end,
                       cotlp_header *header) {
  header->range = w->index->range_count;
  if (!pieces->overflowed) {
    for (uint32_t i = 0; i < pieces->count; i++)
      if (!add_range(w, header, pieces->ranges[i]))
        return false;
    return true;
  }
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    cotlp_range range = {(uint32_t)(field.start - w->base), (uint32_t)(at - field.start)};
    if (field.number != 2 && !add_range(w, header, range))
      return false;
  }
  return true;
}

/* Spans from `first` on are left out: their resource or scope is not UTF-8. */
static void reject_since(cotlp_index *index, uint32_t first_span, uint32_t first_attribute) {
  index->rejected[COTLP_BAD_STRING] += index->span_count - first_span;
  index->span_count = first_span;
  index->attribute_count = first_attribute;
}

static bool walk_scope_spans(walk *w, const uint8_t *at, const uint8_t *end, uint32_t resource) {
  cotlp_index *index = w->index;
  cotlp_header header = {.parent = resource};
  header_pieces pieces = {0};
  const uint8_t *start = at;
  if (!GROW(scope))
    return false;
  uint32_t first_span = index->span_count, first_attribute = index->attribute_count;
  bool bad = false, marked = false;
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    if (field.number == 2) {
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_span(w, field.payload, field.payload + field.length))
        return false;
      continue;
    }
    note_piece(w, &pieces, field.start, at);
    if (field.number == 1 || field.number == 3) {
      EXPECT(COTLP_WIRE_BYTES);
      w->bad_string = false;
      if (field.number == 3)
        check_string(w, field.payload, field.length);
      else if (!walk_described(w, field.payload, field.payload + field.length, 3, 1 << 1 | 1 << 2, 1 << 3, 0, 1 << 4,
                               w->rules->scope.mark ? &marked : NULL))
        return false;
      bad |= w->bad_string;
    }
  }
  if (bad)
    reject_since(index, first_span, first_attribute);
  if (marked)
    for (uint32_t i = first_span; i < index->span_count; i++)
      index->spans[i].marks |= w->rules->scope.mark;
  if (!add_header(w, &pieces, start, end, &header))
    return false;
  index->scopes[index->scope_count++] = header;
  return true;
}

static bool walk_resource_spans(walk *w, const uint8_t *at, const uint8_t *end) {
  cotlp_index *index = w->index;
  cotlp_header header = {0};
  header_pieces pieces = {0};
  const uint8_t *start = at;
  if (!GROW(resource))
    return false;
  uint32_t first_span = index->span_count, first_attribute = index->attribute_count;
  bool bad = false;
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    if (field.number != 2)
      note_piece(w, &pieces, field.start, at);
    if (field.number < 1 || field.number > 3)
      continue;
    EXPECT(COTLP_WIRE_BYTES);
    const uint8_t *inner_end = field.payload + field.length;
    if (field.number == 2) {
      if (!walk_scope_spans(w, field.payload, inner_end, index->resource_count))
        return false;
      continue;
    }
    w->bad_string = false;
    if (field.number == 3)
      check_string(w, field.payload, field.length);
    else if (!walk_described(w, field.payload, inner_end, 2, 0, 1 << 1, 1 << 3, 1 << 2, NULL))
      return false;
    bad |= w->bad_string;
  }
  if (bad)
    reject_since(index, first_span, first_attribute);
  if (!add_header(w, &pieces, start, end, &header))
    return false;
  index->resources[index->resource_count++] = header;
  return true;
}

cotlp_index *cotlp_index_create(void) {
  cotlp_index *index = calloc(1, sizeof(cotlp_index));
  index->span_capacity = index->attribute_capacity = 64;
  index->spans = malloc(index->span_capacity * sizeof *index->spans);
  index->attributes = malloc(index->attribute_capacity * sizeof *index->attributes);
  return index;
}

void cotlp_index_destroy(cotlp_index *index) {
  if (!index)
    return;
  free(index->spans);
  free(index->attributes);
  free(index->resources);
  free(index->scopes);
  free(index->ranges);
  free(index);
}

cotlp_error cotlp_index_traces(cotlp_index *index, const cotlp_rules *rules, const void *bytes, size_t length) {
  index->span_count = index->attribute_count = 0;
  index->resource_count = index->scope_count = index->range_count = 0;
  memset(index->rejected, 0, sizeof index->rejected);
  index->error = COTLP_OK;
  index->error_offset = 0;
  walk context = {.index = index, .rules = rules, .base = bytes, .limit = (const uint8_t *)bytes + length}, *w = &context;
  if (length > UINT32_MAX) {
    fail(w, COTLP_TOO_LARGE, bytes);
    return index->error;
  }
  const uint8_t *at = bytes, *end = at + length;
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return index->error;
    if (field.number != 1)
      continue;
    if (field.wire != COTLP_WIRE_BYTES) {
      fail(w, COTLP_BAD_WIRE_TYPE, field.start);
      return index->error;
    }
    if (!walk_resource_spans(w, field.payload, field.payload + field.length))
      return index->error;
  }
  return COTLP_OK;
}

uint32_t cotlp_resource_attributes(const cotlp_rules *rules, const void *header, size_t length,
                                   cotlp_attribute *attributes, uint32_t capacity) {
  cotlp_index scratch = {0};
  walk context = {.index = &scratch, .rules = rules, .base = header, .limit = (const uint8_t *)header + length}, *w = &context;
  const uint8_t *at = header, *end = at + length;
  uint32_t count = 0;
  wire_field field, attribute;
  while (at < end && next_field(w, &at, end, &field)) {
    if (field.number != 1 || field.wire != COTLP_WIRE_BYTES)
      continue;
    const uint8_t *inner = field.payload, *inner_end = inner + field.length;
    while (inner < inner_end && next_field(w, &inner, inner_end, &attribute)) {
      key_value pair = {0};
      uint32_t marks = 0;
      if (attribute.number != 1 || attribute.wire != COTLP_WIRE_BYTES ||
          !walk_key_value(w, attribute.payload, attribute.payload + attribute.length, 3, &pair))
        continue;
      uint16_t number = match(rules, &pair, &marks);
      if (number == COTLP_NO_KEY)
        continue;
      if (count < capacity) {
        attribute.start = attribute.payload;
        fill_attribute(&attributes[count], &attribute, &pair, number, header);
      }
      count++;
    }
  }
  return count;
}
