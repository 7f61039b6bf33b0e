/* Protobuf's wire format, one field at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

typedef struct {
  const uint8_t *start;   /* of the field, its tag included */
  const uint8_t *payload; /* of a length-delimited field; else where the value begins */
  size_t length;          /* of the payload */
  uint64_t value;         /* of a varint */
  uint32_t number;
  uint32_t wire;
} wire_field;

/* Reads a varint of at most ten bytes; null when it is longer or leaves the message. */
static inline const uint8_t *wire_varint(const uint8_t *at, const uint8_t *end, uint64_t *value) {
  if (__builtin_expect(at < end && *at < 0x80, 1)) {
    *value = *at;
    return at + 1;
  }
  uint64_t result = 0;
  for (unsigned shift = 0; shift < 70 && at < end; shift += 7) {
    uint8_t byte = *at++;
    if (shift < 64)
      result |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *value = result;
      return at;
    }
  }
  return NULL;
}

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
