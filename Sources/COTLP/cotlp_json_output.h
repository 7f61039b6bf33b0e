#pragma once

// Where protobuf bytes are written that grow as they are written. C++.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cotlp_json_read.h"

namespace cotlp {

inline unsigned varint_size(uint64_t value) {
  return 1 + static_cast<unsigned>(63 - __builtin_clzll(value | 1)) / 7;
}

class output {
public:
  output(size_t limit, cotlp_json_reserve reserve, void *context) : limit(limit), reserve(reserve), context(context) {}

  size_t count() const { return at; }
  uint8_t *end() const { return base + at; }

  // Makes room for so many bytes. False: there are more than the limit allows already, or there is no memory.
  bool room(size_t wanted) { return __builtin_expect(capacity - at >= wanted, 1) || enlarge(wanted); }

  // The following write where room was made.

  void skip(size_t bytes) { at += bytes; }
  void cut(size_t to) { at = to; }

  void byte(unsigned value) { base[at++] = static_cast<uint8_t>(value); }

  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      byte(static_cast<unsigned>(value & 0x7f) | 0x80);
    byte(static_cast<unsigned>(value));
  }

  void bytes(const void *from, size_t many) {
    std::memcpy(end(), from, many);
    at += many;
  }

  // Writes the length of what was written since `start` into the `width` bytes before that, or makes room there for it.
  // Returns the bytes that the length takes. Needs room for five bytes.
  unsigned put_length(size_t start, unsigned width) {
    const size_t length = at - start;
    const unsigned needed = varint_size(length);
    if (needed > width || (needed < width && length <= COMFORTABLE_MOVE)) {
      std::memmove(base + start - width + needed, base + start, length);
      at = at - width + needed;
      width = needed;
    }
    uint8_t *to = base + (at - length) - width;
    // Longer than it must be rather than moving much: a varint may have leading zeros, as it were.
    for (unsigned left = width; left > 0; left--)
      *to++ = static_cast<uint8_t>((length >> (7 * (width - left)) & 0x7f) | (left > 1 ? 0x80 : 0));
    return needed;
  }

private:
  enum { COMFORTABLE_MOVE = 16 << 10 };

  bool enlarge(size_t wanted) {
    if (at > limit)
      return false;
    const size_t needed = at + wanted, doubled = 2 * capacity;
    uint8_t *larger = reserve(context, needed > doubled ? needed : doubled, &capacity);
    if (!larger)
      return false;
    base = larger;
    return true;
  }

  uint8_t *base = nullptr;
  size_t at = 0, capacity = 0;
  const size_t limit;
  const cotlp_json_reserve reserve;
  void *const context;
};

} // namespace cotlp
