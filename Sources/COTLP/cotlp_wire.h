#pragma once

// Reading of single protobuf fields, for everything that walks a message without decoding it.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "fixed-size fields are copied as they lie: this needs a little-endian machine"
#endif

enum cotlp_wire_type {
  COTLP_WIRE_VARINT = 0,
  COTLP_WIRE_FIXED64 = 1,
  COTLP_WIRE_BYTES = 2,
  COTLP_WIRE_FIXED32 = 5,
};

struct cotlp_field {
  uint32_t number;
  uint32_t wire_type;
  // A number as its bits lie on the wire; for COTLP_WIRE_BYTES the length of the payload.
  uint64_t value;
  // NULL but for COTLP_WIRE_BYTES.
  const uint8_t *payload;
};

// Reads a varint of at most 10 bytes. Returns the position after it, or NULL.
static inline const uint8_t *cotlp_read_varint(const uint8_t *at, const uint8_t *end, uint64_t *value) {
  if (at < end && *at < 0x80) {
    *value = *at;
    return at + 1;
  }
  uint64_t sum = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (at == end) return NULL;
    uint8_t byte = *at++;
    sum |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *value = sum;
      return at;
    }
  }
  return NULL;
}

// Reads the field at `at`, which lies before `end`. Returns the position after it, or NULL when it is malformed: field
// number 0, a group, a length past the end.
__attribute__((always_inline)) static inline const uint8_t *cotlp_read_field(
    const uint8_t *at, const uint8_t *end, struct cotlp_field *field) {
  uint64_t tag;
  const uint8_t *start = at;
  at = cotlp_read_varint(at, end, &tag);
  if (!at || at - start > 5 || tag > UINT32_MAX || tag < 8) return NULL;
  field->number = (uint32_t)tag >> 3;
  field->payload = NULL;
  field->wire_type = tag & 7;
  size_t left = (size_t)(end - at);
  switch (field->wire_type) {
    case COTLP_WIRE_VARINT:
      return cotlp_read_varint(at, end, &field->value);
    case COTLP_WIRE_FIXED64:
      if (left < 8) return NULL;
      memcpy(&field->value, at, 8);
      return at + 8;
    case COTLP_WIRE_BYTES:
      at = cotlp_read_varint(at, end, &field->value);
      if (!at || field->value > (size_t)(end - at)) return NULL;
      field->payload = at;
      return at + field->value;
    case COTLP_WIRE_FIXED32: {
      uint32_t bits;
      if (left < 4) return NULL;
      memcpy(&bits, at, 4);
      field->value = bits;
      return at + 4;
    }
    default:
      return NULL;
  }
}
