#pragma once

// Writing of JSON values into memory of fixed size. Every function returns false when the room does not suffice; what it
// has written then has no meaning.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cotlp_text {
  uint8_t *at;
  uint8_t *end;
  // Where the message ends that the strings come from: words may be read up to here.
  const uint8_t *source_end;
};

static inline bool cotlp_text_has_room(const struct cotlp_text *text, size_t count) {
  return (size_t)(text->end - text->at) >= count;
}

static inline bool cotlp_text_byte(struct cotlp_text *text, uint8_t byte) {
  if (!cotlp_text_has_room(text, 1)) return false;
  *text->at++ = byte;
  return true;
}

// A quoted string. Bytes that are not UTF-8 become U+FFFD, one for each longest piece that could have begun a character.
bool cotlp_text_string(struct cotlp_text *text, const uint8_t *bytes, size_t count);

// Quoted lowercase hexadecimal digits.
bool cotlp_text_hex(struct cotlp_text *text, const uint8_t *bytes, size_t count);

// Quoted base64, with padding.
bool cotlp_text_base64(struct cotlp_text *text, const uint8_t *bytes, size_t count);

// Decimal digits between `quote` characters (none when 0).
bool cotlp_text_unsigned(struct cotlp_text *text, uint64_t value, char quote);
bool cotlp_text_signed(struct cotlp_text *text, int64_t value, char quote);

// A number, or one of the strings "NaN", "Infinity" and "-Infinity".
bool cotlp_text_double(struct cotlp_text *text, double value);

bool cotlp_text_bool(struct cotlp_text *text, bool value);
