/* UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, nothing above U+10FFFF. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

static inline uint32_t utf8_load4(const uint8_t *at) {
  uint32_t word;
  memcpy(&word, at, 4);
  return word;
}

static inline uint64_t utf8_load8(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, 8);
  return word;
}

/* Most strings are short and ASCII: two loads that overlap cover what is shorter than 16 bytes. */
__attribute__((always_inline)) static inline bool utf8_is_valid(const uint8_t *text, size_t length) {
  const uint8_t *at = text, *end = text + length;
  if (length < 16) {
    uint64_t all;
    if (length >= 8)
      all = utf8_load8(at) | utf8_load8(end - 8);
    else if (length >= 4)
      all = utf8_load4(at) | utf8_load4(end - 4);
    else
      return utf8_rest_is_valid(at, end);
    return __builtin_expect((all & 0x8080808080808080ull) == 0, 1) || utf8_rest_is_valid(at, end);
  }
  while (end - at >= 32) {
    uint64_t words[4];
    memcpy(words, at, 32);
    if ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080ull)
      return utf8_rest_is_valid(at, end);
    at += 32;
  }
  /* What is left overlaps what was seen: all of that was ASCII. */
  if (end - at > 16)
    at += ((utf8_load8(at) | utf8_load8(at + 8)) & 0x8080808080808080ull) == 0 ? 16 : 0;
  if (end - at <= 16 && ((utf8_load8(end - 16) | utf8_load8(end - 8)) & 0x8080808080808080ull) == 0)
    return true;
  return utf8_rest_is_valid(at, end);
}
