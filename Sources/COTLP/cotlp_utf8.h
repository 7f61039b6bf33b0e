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

static inline bool utf8_is_valid(const uint8_t *text, size_t length) {
  const uint8_t *at = text, *end = text + length;
  while (end - at >= 32) {
    uint64_t words[4];
    memcpy(words, at, 32);
    if ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080ull)
      return utf8_rest_is_valid(at, end);
    at += 32;
  }
  while (end - at >= 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    if (word & 0x8080808080808080ull)
      return utf8_rest_is_valid(at, end);
    at += 8;
  }
  return utf8_rest_is_valid(at, end);
}
