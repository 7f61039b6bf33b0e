/* The messages below a span, a scope and a resource: read to be checked, hardly anything is kept of them. */
#include "cotlp_rules_internal.h"
#include "cotlp_walk.h"

static bool walk_values(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, bool with_keys);

/* An AnyValue. The oneof's last member on the wire is the value. */
static bool walk_any_value(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, key_value *out) {
  if (depth > COTLP_MAX_DEPTH)
    return walk_failed(w, COTLP_TOO_DEEP, at);
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
  }
  return true;
}

/* An ArrayValue's AnyValues, or a KeyValueList's KeyValues: both are field 1. */
static bool walk_values(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, bool with_keys) {
  if (depth > COTLP_MAX_DEPTH)
    return walk_failed(w, COTLP_TOO_DEEP, at);
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
bool walk_key_value(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, key_value *out) {
  if (depth > COTLP_MAX_DEPTH)
    return walk_failed(w, COTLP_TOO_DEEP, at);
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

bool walk_value(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth) {
  key_value ignored = {0};
  return walk_any_value(w, at, end, depth, &ignored);
}

static bool walk_attribute(walk *w, const wire_field *attribute, unsigned depth) {
  key_value ignored = {0};
  return walk_key_value(w, attribute->payload, attribute->payload + attribute->length, depth, &ignored);
}

bool walk_event(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth) {
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
      if (!walk_attribute(w, &field, depth + 1))
        return false;
      break;
    case 4:
      EXPECT(COTLP_WIRE_VARINT);
      break;
    }
  }
  return true;
}

bool walk_link(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth) {
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
      if (!walk_attribute(w, &field, depth + 1))
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

bool walk_status(walk *w, const uint8_t *at, const uint8_t *end) {
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
    if (bit & attributes && !walk_attribute(w, &field, depth + 1))
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

bool walk_resource(walk *w, const uint8_t *at, const uint8_t *end) {
  return walk_described(w, at, end, 2, 0, 1 << 1, 1 << 3, 1 << 2, NULL);
}

bool walk_scope(walk *w, const uint8_t *at, const uint8_t *end, bool *marked) {
  return walk_described(w, at, end, 3, 1 << 1 | 1 << 2, 1 << 3, 0, 1 << 4, w->rules->scope.mark ? marked : NULL);
}
