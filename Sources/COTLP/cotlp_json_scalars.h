#pragma once

// What the scalars of a JSON text mean. C++, as std::from_chars is.

#include <cstddef>
#include <cstdint>

#include "cotlp_json_read.h"

namespace cotlp {

// The characters of a scalar, within the text. At least COTLP_JSON_MARGIN bytes follow that may be read.
struct characters {
  const char *at;
  size_t count;

  const char *end() const { return at + count; }
  bool equals(const char *text, size_t length) const { return count == length && !__builtin_memcmp(at, text, length); }
};

// Bytes behind the copy of a string that may be overwritten.
enum { TEXT_MARGIN = 64 };

// Copies what stands between the quotes of a string, escapes resolved, which makes it no longer. `to` is moved behind the
// copy. At a fault `fault_at` tells where.
cotlp_json_fault copy_text(characters content, uint8_t **to, const char **fault_at);

// Whether this is a number as JSON writes it. In a string an integer may also begin with zeros.
bool is_number(characters text, bool in_string);

// A number without a fraction, however it is written, as its sign and magnitude. False: it is none, or too large.
bool read_integer(characters text, bool in_string, bool *negative, uint64_t *magnitude);

// Numbers too large for a double are none. `in_string`: also NaN, Infinity and -Infinity.
bool read_double(characters text, bool in_string, double *number);

// Replaces hexadecimal digits by the bytes that they stand for; both may lie at the same place. An odd number of digits
// stands for no number of bytes: then each digit becomes a byte, which makes a length that no id has.
bool read_hex(characters text, uint8_t *to, size_t *count);

// Base64 of either alphabet, padded or not. `to` may be the text's own place.
bool read_base64(characters text, uint8_t *to, size_t *count);

} // namespace cotlp
