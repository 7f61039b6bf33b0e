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
  const uint8_t *base;
  bool bad_string; /* in the span, scope or resource being walked */
  bool bad_link;
} walk;

/* The tracked side of an attribute: where its key and value lie. A key that is compared is never null. */
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

/* Reads a varint of at most that many bytes, of a field that begins at `start`. */
static inline bool next_number(walk *w, const uint8_t **at, const uint8_t *end, ptrdiff_t most, const uint8_t *start,
                               uint64_t *value) {
  const uint8_t *p = cotlp_read_varint(*at, end, value);
  if (__builtin_expect(!p, 0))
    return fail(w, end - *at < most ? COTLP_TRUNCATED : COTLP_BAD_VARINT, start);
  if (__builtin_expect(p - *at > most, 0))
    return fail(w, COTLP_BAD_VARINT, start);
  *at = p;
  return true;
}

/* Reads one field and steps over it. False at a fault; the caller loops while at < end. */
static inline bool next_field(walk *w, const uint8_t **at, const uint8_t *end, wire_field *field) {
  const uint8_t *p = *at;
  field->start = p;
  uint64_t tag;
  if (__builtin_expect(*p < 0x80, 1))
    tag = *p++;
  else {
    if (!next_number(w, &p, end, 5, field->start, &tag))
      return false;
    if (tag > UINT32_MAX)
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
    if (!next_number(w, &p, end, 5, field->start, &length))
      return false;
    if (length > (uint64_t)(end - p))
      return fail(w, COTLP_TRUNCATED, field->start);
    field->payload = p;
    field->length = (size_t)length;
    *at = p + length;
    return true;
  }
  case COTLP_WIRE_VARINT:
    if (!next_number(w, &p, end, 10, field->start, &field->value))
      return false;
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

static inline void check_string(walk *w, const uint8_t *text, size_t length) {
  if (__builtin_expect(!utf8_is_valid(text, length), 0))
    w->bad_string = true;
}

static bool walk_key_value(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, key_value *out);

static bool walk_values(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, bool with_keys);

/* An AnyValue. The oneof's last member on the wire is the value. */
static inline bool walk_any_value(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, key_value *out) {
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
      /* The one field that libprotobuf-c takes from any wire type; others see an unknown field. So nobody refuses. */
      if (field.wire != COTLP_WIRE_VARINT)
        continue;
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
    case 8:
      EXPECT(COTLP_WIRE_VARINT);
      out->type = COTLP_VALUE_STRING_INDEX;
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

/* A KeyValue, the value before the key or in several pieces as well. */
static inline bool walk_key_value(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, key_value *out) {
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
    } else if (field.number == 3)
      EXPECT(COTLP_WIRE_VARINT);
  }
  return true;
}

/* Attributes of no interest: of events, links, scopes and resources. */
static inline bool walk_plain_attribute(walk *w, const wire_field *attribute, unsigned depth) {
  key_value ignored = {0};
  return walk_key_value(w, attribute->payload, attribute->payload + attribute->length, depth, &ignored);
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
static inline uint16_t match(const cotlp_rules *rules, const key_value *pair, uint32_t *marks) {
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
  attribute->key_offset = (uint32_t)(pair->key - base);
  attribute->key_length = (uint32_t)pair->key_length;
  attribute->value_offset = pair->value ? (uint32_t)(pair->value - base) : 0;
  attribute->value_length = (uint32_t)pair->value_length;
  attribute->key = number;
  attribute->type = pair->type;
}

static inline bool walk_span_attribute(walk *w, const wire_field *field, const uint8_t *span, uint32_t *marks) {
  key_value pair = {.key = field->payload};
  if (!walk_key_value(w, field->payload, field->payload + field->length, 4, &pair))
    return false;
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
  const uint8_t *span_start = at, *trace_id = NULL, *span_id = NULL, *parent_id = NULL, *name = at;
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

/* Adds a field to the header being collected; neighbours become one range. */
static bool add_to_header(walk *w, cotlp_header *header, const uint8_t *start, const uint8_t *end) {
  cotlp_index *index = w->index;
  uint32_t offset = (uint32_t)(start - w->base), length = (uint32_t)(end - start);
  header->length += length;
  if (header->range_count) {
    cotlp_range *last = &index->ranges[index->range_count - 1];
    if (last->offset + last->length == offset) {
      last->length += length;
      return true;
    }
  }
  if (!GROW(range))
    return false;
  if (!header->range_count++)
    header->range = index->range_count;
  index->ranges[index->range_count++] = (cotlp_range){offset, length};
  return true;
}

/* How far the index is filled. */
typedef struct {
  uint32_t spans, attributes, scopes, ranges;
} position;

static inline position position_of(const cotlp_index *index) {
  return (position){index->span_count, index->attribute_count, index->scope_count, index->range_count};
}

static void return_to(cotlp_index *index, position before) {
  index->span_count = before.spans;
  index->attribute_count = before.attributes;
  index->scope_count = before.scopes;
  index->range_count = before.ranges;
}

/* What was written since `before` of a scope or resource goes again where no span needs it: its spans are left out when
 * it is not UTF-8, and without a span nobody asks for its header. Returns whether it stays. */
static bool keep_since(cotlp_index *index, position before, bool bad) {
  if (bad)
    index->rejected[COTLP_BAD_STRING] += index->span_count - before.spans;
  if (!bad && index->span_count > before.spans)
    return true;
  return_to(index, before);
  return false;
}

/* The other fields of a ScopeSpans or ResourceSpans are its header. Its ranges must lie together, so a header is collected
 * in a pass of its own, which only reads tags and lengths of this one level. */
static bool collect_header(walk *w, const uint8_t *at, const uint8_t *end, cotlp_header *header) {
  wire_field field;
  header->range = w->index->range_count;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    if (field.number != 2 && !add_to_header(w, header, field.start, at))
      return false;
  }
  return true;
}

static bool walk_scope_spans(walk *w, const uint8_t *at, const uint8_t *end, uint32_t resource) {
  cotlp_index *index = w->index;
  position before = position_of(index);
  cotlp_header header = {.parent = resource};
  if (!GROW(scope) || !collect_header(w, at, end, &header))
    return false;
  bool bad = false, marked = false;
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    if (field.number == 2) {
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_span(w, field.payload, field.payload + field.length))
        return false;
    } else if (field.number == 1 || field.number == 3) {
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
  if (!keep_since(index, before, bad))
    return true;
  if (marked)
    for (uint32_t i = before.spans; i < index->span_count; i++)
      index->spans[i].marks |= w->rules->scope.mark;
  index->scopes[index->scope_count++] = header;
  return true;
}

static bool walk_resource_spans(walk *w, const uint8_t *at, const uint8_t *end) {
  cotlp_index *index = w->index;
  position before = position_of(index);
  cotlp_header header = {0};
  if (!GROW(resource) || !collect_header(w, at, end, &header))
    return false;
  bool bad = false;
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
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
  if (keep_since(index, before, bad))
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
  walk context = {.index = index, .rules = rules, .base = bytes}, *w = &context;
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
  walk context = {.index = &scratch, .rules = rules, .base = header}, *w = &context;
  const uint8_t *at = header, *end = at + length;
  uint32_t count = 0;
  wire_field field, attribute;
  while (at < end && next_field(w, &at, end, &field)) {
    if (field.number != 1 || field.wire != COTLP_WIRE_BYTES)
      continue;
    const uint8_t *inner = field.payload, *inner_end = inner + field.length;
    while (inner < inner_end && next_field(w, &inner, inner_end, &attribute)) {
      key_value pair = {.key = attribute.payload};
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
