/* Which rule wants which key, remembered: spans of one library have the same keys in the same order, so what followed a key in
 * one span mostly follows it in the next. To see that it does takes a comparison, less than to look at the key and to search for
 * it in the rules. Private to the reading of single spans.
 */
#pragma once

#include "cotlp_rules_internal.h"

/* How a KeyValue begins: its key's tag, length and text, and the tag of its value. */
typedef struct {
  uint8_t text[60];
  uint8_t size; /* all of that; more than there is room for where the text is not kept */
  uint8_t next; /* the place of what stood behind it last */
  uint16_t number;
} known_key;

enum { KNOWN_KEYS = 256, KNOWN_KEY_SLOTS = 2 * KNOWN_KEYS };

typedef struct {
  /* The first stands before the first key of a span, and is no key: zeros. */
  known_key keys[KNOWN_KEYS];
  uint32_t count;
  uint8_t slots[KNOWN_KEY_SLOTS]; /* open addressing: 0 is empty, else the place in keys */
  known_key longer; /* the last one that is too long to be kept: no key's next */
} key_memo;

/* Forgets all keys. */
static inline void key_memo_clear(key_memo *memo) {
  memo->keys[0] = (known_key){.size = sizeof memo->keys[0].text};
  memo->count = 1;
  memset(memo->slots, 0, sizeof memo->slots);
}

/* Whether 16 bytes from here on are the same, and 16 from there on: a few instructions. */
static inline bool same_bytes(const uint8_t *one, const uint8_t *other, size_t here, size_t there) {
  return ((memcmp(one + here, other + here, 16) != 0) | (memcmp(one + there, other + there, 16) != 0)) == 0;
}

/* Whether a KeyValue of that length begins like a known one. Without a loop or a call, whose ends and lengths are not to be
 * foreseen: from both ends, in pieces that overlap. */
__attribute__((always_inline)) static inline bool known_key_begins(const known_key *known, const uint8_t *at,
                                                                   size_t length) {
  size_t size = known->size;
  if (size > length)
    return false;
  if (__builtin_expect(size >= 16, 1))
    return same_bytes(at, known->text, 0, size - 16) && (size <= 32 || same_bytes(at, known->text, 16, size - 32));
  if (size >= 8)
    return ((cotlp_word_at(at, 0) ^ cotlp_word_at(known->text, 0)) |
            (cotlp_word_at(at, size - 8) ^ cotlp_word_at(known->text, size - 8))) == 0;
  return memcmp(at, known->text, 7) == 0;
}

/* By its end and its middle, where keys differ most; seven bytes at least. */
static inline uint32_t known_key_hash(const uint8_t *at, size_t size) {
  uint32_t end, middle;
  memcpy(&end, at + size - 4, 4);
  memcpy(&middle, at + size / 2, 4);
  return (uint32_t)((((uint64_t)end << 32 | middle) ^ size) * 0x9e3779b97f4a7c15ull >> 32);
}

/* The key of a KeyValue that begins with those bytes, kept if there is room for it: found, or added with the number that the
 * rules have for it. `added` says which. All are forgotten when there are too many. */
static inline known_key *key_memo_find(key_memo *memo, const uint8_t *at, size_t size, bool *added) {
  *added = true;
  if (size > sizeof memo->longer.text) {
    memo->longer.size = (uint8_t)size;
    return &memo->longer;
  }
  uint32_t slot = known_key_hash(at, size);
  for (; memo->slots[slot % KNOWN_KEY_SLOTS]; slot++) {
    known_key *known = &memo->keys[memo->slots[slot % KNOWN_KEY_SLOTS]];
    if (known->size != size || memcmp(at, known->text, size) != 0)
      continue;
    *added = false;
    return known;
  }
  if (memo->count == KNOWN_KEYS) {
    key_memo_clear(memo);
    slot = known_key_hash(at, size);
  }
  known_key *known = &memo->keys[memo->count];
  memo->slots[slot % KNOWN_KEY_SLOTS] = (uint8_t)memo->count++;
  memcpy(known->text, at, size);
  known->size = (uint8_t)size;
  known->next = 0;
  return known;
}
