#include "cotlp_text.h"

#include <math.h>

#include "cotlp_double.h"

static const uint64_t each_byte = 0x0101010101010101;

// The lowest bit set in the result belongs to the first byte of `word` (in memory order) that cannot stand in a JSON
// string as it is: control characters, quote, backslash, and everything beyond ASCII, which has to be checked.
static inline uint64_t special_bytes(uint64_t word) {
  uint64_t control = word - each_byte * 0x20;
  uint64_t quote = (word ^ each_byte * '"') - each_byte;
  uint64_t backslash = (word ^ each_byte * '\\') - each_byte;
  return (control | quote | backslash | word) & each_byte * 0x80;
}

// How many bytes at `at` make one character: *valid tells whether they do, or are a piece to be replaced.
static size_t character_length(const uint8_t *at, const uint8_t *end, bool *valid) {
  uint8_t lead = *at;
  size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // What may follow the lead: narrower where an overlong form, a surrogate or a code beyond U+10FFFF would begin.
  uint8_t lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  uint8_t highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  *valid = false;
  if (lead < 0xc2 || lead > 0xf4) return 1;
  for (size_t index = 1; index < length; index++) {
    if (at + index == end || at[index] < lowest || at[index] > highest) return index;
    lowest = 0x80;
    highest = 0xbf;
  }
  *valid = true;
  return length;
}

// Writes the escape of one ASCII character, 6 bytes at most.
static uint8_t *write_escape(uint8_t *out, uint8_t character) {
  *out++ = '\\';
  switch (character) {
    case '"':
    case '\\': *out++ = character; return out;
    case '\b': *out++ = 'b'; return out;
    case '\t': *out++ = 't'; return out;
    case '\n': *out++ = 'n'; return out;
    case '\f': *out++ = 'f'; return out;
    case '\r': *out++ = 'r'; return out;
    default:
      memcpy(out, "u00", 3);
      out[3] = (uint8_t)('0' + (character >> 4));
      out[4] = (uint8_t)"0123456789abcdef"[character & 15];
      return out + 5;
  }
}

// Writes the special bytes at *at: one escape, or a run beyond ASCII. `end` ends the string, `limit` the room.
// NULL: no room.
static uint8_t *write_special(uint8_t *out, const uint8_t *limit, const uint8_t **at, const uint8_t *end) {
  const uint8_t *in = *at;
  if (*in < 0x80) {
    if (limit - out < 6) return NULL;
    out = write_escape(out, *in++);
  } else {
    do {
      bool valid;
      size_t length = character_length(in, end, &valid);
      if (limit - out < 4) return NULL;
      if (valid) {
        memcpy(out, in, length);
        out += length;
      } else {
        memcpy(out, "\xef\xbf\xbd", 3);
        out += 3;
      }
      in += length;
    } while (in < end && *in >= 0x80);
  }
  *at = in;
  return out;
}

// Copies bytes up to the first special one or `end`, and returns their number. Writes up to 7 bytes more than it copies,
// and reads up to `source_end`.
static inline size_t copy_plain(uint8_t *out, const uint8_t *in, const uint8_t *end, const uint8_t *source_end) {
  const uint8_t *start = in;
  uint64_t word, special;
  for (; end - in >= 8; in += 8, out += 8) {
    memcpy(&word, in, 8);
    memcpy(out, &word, 8);
    special = special_bytes(word);
    if (special) return (size_t)(in - start) + (size_t)__builtin_ctzll(special) / 8;
  }
  if (source_end - in >= 8) {
    memcpy(&word, in, 8);
    memcpy(out, &word, 8);
    special = special_bytes(word);
    size_t plain = special ? (size_t)__builtin_ctzll(special) / 8 : 8, left = (size_t)(end - in);
    return (size_t)(in - start) + (plain < left ? plain : left);
  }
  while (in < end && *in >= 0x20 && *in < 0x80 && *in != '"' && *in != '\\') *out++ = *in++;
  return (size_t)(in - start);
}

bool cotlp_text_string(struct cotlp_text *text, const uint8_t *bytes, size_t count) {
  const uint8_t *in = bytes, *end = bytes + count;
  if (!cotlp_text_has_room(text, 2)) return false;
  uint8_t *out = text->at;
  *out++ = '"';
  while (in < end) {
    // Whatever is left must fit as it is, with the overhang of the copy and the closing quote.
    if ((size_t)(text->end - out) < (size_t)(end - in) + 8) return false;
    size_t plain = copy_plain(out, in, end, text->source_end);
    in += plain;
    out += plain;
    if (in < end && !(out = write_special(out, text->end, &in, end))) return false;
  }
  if (out == text->end) return false;
  *out++ = '"';
  text->at = out;
  return true;
}

bool cotlp_text_hex(struct cotlp_text *text, const uint8_t *bytes, size_t count) {
  if (!cotlp_text_has_room(text, 2 * count + 2)) return false;
  uint8_t *out = text->at;
  *out++ = '"';
  for (size_t index = 0; index < count; index++) {
    *out++ = (uint8_t)"0123456789abcdef"[bytes[index] >> 4];
    *out++ = (uint8_t)"0123456789abcdef"[bytes[index] & 15];
  }
  *out++ = '"';
  text->at = out;
  return true;
}

bool cotlp_text_base64(struct cotlp_text *text, const uint8_t *bytes, size_t count) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (!cotlp_text_has_room(text, (count + 2) / 3 * 4 + 2)) return false;
  uint8_t *out = text->at;
  *out++ = '"';
  for (size_t index = 0; index < count; index += 3) {
    size_t left = count - index;
    uint32_t group = (uint32_t)bytes[index] << 16;
    if (left > 1) group |= (uint32_t)bytes[index + 1] << 8;
    if (left > 2) group |= bytes[index + 2];
    *out++ = (uint8_t)digits[group >> 18];
    *out++ = (uint8_t)digits[group >> 12 & 63];
    *out++ = left > 1 ? (uint8_t)digits[group >> 6 & 63] : '=';
    *out++ = left > 2 ? (uint8_t)digits[group & 63] : '=';
  }
  *out++ = '"';
  text->at = out;
  return true;
}

static bool write_digits(struct cotlp_text *text, bool negative, uint64_t magnitude, char quote) {
  static const char pairs[] =
      "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657"
      "585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
  enum { ROOM = 24 };
  char buffer[ROOM];
  char *at = buffer + ROOM;
  if (!cotlp_text_has_room(text, ROOM)) return false;
  if (quote) *--at = quote;
  while (magnitude >= 100) {
    at -= 2;
    memcpy(at, pairs + magnitude % 100 * 2, 2);
    magnitude /= 100;
  }
  if (magnitude >= 10) {
    at -= 2;
    memcpy(at, pairs + magnitude * 2, 2);
  } else {
    *--at = (char)('0' + magnitude);
  }
  if (negative) *--at = '-';
  if (quote) *--at = quote;
  size_t count = (size_t)(buffer + ROOM - at);
  memcpy(text->at, at, count);
  text->at += count;
  return true;
}

bool cotlp_text_unsigned(struct cotlp_text *text, uint64_t value, char quote) {
  return write_digits(text, false, value, quote);
}

bool cotlp_text_signed(struct cotlp_text *text, int64_t value, char quote) {
  return write_digits(text, value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, quote);
}

static bool write_literal(struct cotlp_text *text, const char *literal) {
  size_t count = strlen(literal);
  if (!cotlp_text_has_room(text, count)) return false;
  memcpy(text->at, literal, count);
  text->at += count;
  return true;
}

bool cotlp_text_double(struct cotlp_text *text, double value) {
  if (isnan(value)) return write_literal(text, "\"NaN\"");
  if (isinf(value)) return write_literal(text, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
  if (!cotlp_text_has_room(text, COTLP_DOUBLE_ROOM)) return false;
  text->at += cotlp_format_double(value, (char *)text->at);
  return true;
}

bool cotlp_text_bool(struct cotlp_text *text, bool value) {
  return write_literal(text, value ? "true" : "false");
}
