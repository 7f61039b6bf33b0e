/* UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, nothing above U+10FFFF. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool utf8_rest_is_valid(const uint8_t *at, const uint8_t *end) {
  while (at < end) {
    uint8_t lead = *at++;
    if (lead < 0x80)
      continue;
    unsigned more;
    uint8_t low = 0x80, high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
      more = 1;
    else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2;
      if (lead == 0xe0)
        low = 0xa0;
      else if (lead == 0xed)
        high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3;
      if (lead == 0xf0)
        low = 0x90;
      else if (lead == 0xf4)
        high = 0x8f;
    } else
      return false;
    if ((size_t)(end - at) < more || *at < low || *at > high)
      return false;
    for (unsigned i = 1; i < more; i++)
      if ((at[i] & 0xc0) != 0x80)
        return false;
    at += more;
  }
  return true;
}

static inline uint64_t utf8_high_bits(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, 8);
  return word & 0x8080808080808080ull;
}

/* Whether the first `length` bytes (at most 64) have no high bit. All 64 can be read. Without branches: the lengths of
 * strings are what a processor can't predict. */
static inline bool utf8_first_are_ascii(const uint8_t *at, size_t length) {
#ifdef __SSE2__
  uint64_t high = 0;
  for (unsigned i = 0; i < 4; i++)
    high |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(at + 16 * i))) << 16 * i;
  return length == 64 ? high == 0 : (high & ((1ull << length) - 1)) == 0;
#else
  for (size_t i = 0; i < length; i++)
    if (at[i] >= 0x80)
      return false;
  return true;
#endif
}

static inline bool utf8_32_are_ascii(const uint8_t *at) {
  return (utf8_high_bits(at) | utf8_high_bits(at + 8) | utf8_high_bits(at + 16) | utf8_high_bits(at + 24)) == 0;
}

/* `limit` is the end of the memory that may be read, at or behind the end of the text. */
static inline bool utf8_is_valid(const uint8_t *text, size_t length, const uint8_t *limit) {
  const uint8_t *at = text, *end = text + length;
  for (; end - at > 64; at += 32)
    if (!utf8_32_are_ascii(at))
      return utf8_rest_is_valid(at, end);
  if (__builtin_expect(limit - at >= 64, 1) && __builtin_expect(utf8_first_are_ascii(at, (size_t)(end - at)), 1))
    return true;
  return utf8_rest_is_valid(at, end);
}
