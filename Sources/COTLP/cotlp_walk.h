/* The state of one walk over a request, and how it reads fields. Private to the index. */
#pragma once

#include "cotlp_index.h"
#include "cotlp_utf8.h"
#include "cotlp_wire.h"

typedef struct {
  const uint8_t *start;   /* of the field, its tag included */
  const uint8_t *payload; /* of a length-delimited field; else where the value begins */
  size_t length;          /* of the payload */
  uint64_t value;         /* of a varint */
  uint32_t number, wire;
} wire_field;

typedef struct {
  cotlp_index *index;
  cotlp_signal signal;
  const cotlp_rules *rules;
  const uint8_t *base, *limit; /* the whole request */
  bool bad_string;             /* in the span, scope or resource being walked */
  bool bad_link;
} walk;

/* Where an attribute's key and value lie. A key that is compared is never null. */
typedef struct {
  const uint8_t *key, *value;
  size_t key_length, value_length;
  uint8_t type; /* cotlp_value_type */
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

static inline bool walk_failed(walk *w, cotlp_error error, const uint8_t *at) {
  w->index->error = error;
  w->index->error_offset = (uint32_t)(at - w->base);
  return false;
}

/* Reads a varint of at most that many bytes, of a field that begins at `start`. */
static inline bool next_number(walk *w, const uint8_t **at, const uint8_t *end, ptrdiff_t most, const uint8_t *start,
                               uint64_t *value) {
  const uint8_t *p = cotlp_read_varint(*at, end, value);
  if (__builtin_expect(!p, 0))
    return walk_failed(w, end - *at < most ? COTLP_TRUNCATED : COTLP_BAD_VARINT, start);
  if (__builtin_expect(p - *at > most, 0))
    return walk_failed(w, COTLP_BAD_VARINT, start);
  *at = p;
  return true;
}

/* Reads one field and steps over it. False at a fault; the caller loops while at < end. */
__attribute__((always_inline)) static inline bool next_field(walk *w, const uint8_t **at, const uint8_t *end,
                                                             wire_field *field) {
  const uint8_t *p = *at;
  field->start = p;
  uint64_t tag;
  if (__builtin_expect(*p < 0x80, 1))
    tag = *p++;
  else {
    if (!next_number(w, &p, end, 5, field->start, &tag))
      return false;
    if (tag > UINT32_MAX)
      return walk_failed(w, COTLP_BAD_VARINT, field->start);
  }
  field->number = (uint32_t)tag >> 3;
  field->wire = (uint32_t)tag & 7;
  if (__builtin_expect(field->number == 0, 0))
    return walk_failed(w, COTLP_BAD_FIELD, field->start);
  field->payload = p;
  switch (field->wire) {
  case COTLP_WIRE_BYTES: {
    uint64_t length;
    if (!next_number(w, &p, end, 5, field->start, &length))
      return false;
    if (length > (uint64_t)(end - p))
      return walk_failed(w, COTLP_TRUNCATED, field->start);
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
      return walk_failed(w, COTLP_TRUNCATED, field->start);
    *at = p + 8;
    return true;
  case COTLP_WIRE_FIXED32:
    if (end - p < 4)
      return walk_failed(w, COTLP_TRUNCATED, field->start);
    *at = p + 4;
    return true;
  default:
    return walk_failed(w, COTLP_BAD_WIRE_TYPE, field->start);
  }
}

#define EXPECT(type)                                                                                                   \
  if (field.wire != (type))                                                                                            \
  return walk_failed(w, COTLP_BAD_WIRE_TYPE, field.start)

static inline void check_string(walk *w, const uint8_t *text, size_t length) {
  if (__builtin_expect(!utf8_is_valid(text, length, w->limit), 0))
    w->bad_string = true;
}

/* Walks of whole messages, in cotlp_messages_walk.c. Each checks its message and all below it; `depth` is its level. */
bool walk_key_value(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth, key_value *out);
bool walk_value(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth);
bool walk_event(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth);
bool walk_link(walk *w, const uint8_t *at, const uint8_t *end, unsigned depth);
bool walk_status(walk *w, const uint8_t *at, const uint8_t *end);
bool walk_resource(walk *w, const uint8_t *at, const uint8_t *end);
/* Sets `marked` when the rules' scope mark fits the scope's name. */
bool walk_scope(walk *w, const uint8_t *at, const uint8_t *end, bool *marked);
