/* How what a scope holds is written into an index: what the walks of the signals share. Private to the index. */
#pragma once

#include "cotlp_attribute.h"
#include "cotlp_index.h"
#include "cotlp_walk.h"
#include <stdlib.h>

/* Makes room for one more element of the array; false without memory. */
static inline bool grow(walk *w, void **items, uint32_t *capacity, uint32_t count, size_t size) {
  if (__builtin_expect(count < *capacity, 1))
    return true;
  uint32_t wanted = *capacity ? *capacity * 2 : 64;
  void *larger = realloc(*items, wanted * size);
  if (!larger)
    return walk_failed(w, COTLP_NO_MEMORY, w->base);
  *items = larger;
  *capacity = wanted;
  return true;
}

#define GROW(name) grow(w, (void **)&w->index->name##s, &w->index->name##_capacity, w->index->name##_count, sizeof *w->index->name##s)

/* An attribute of a span or a log record: written down if the rules ask for it. */
static inline bool walk_item_attribute(walk *w, const wire_field *field, const uint8_t *item, uint32_t *marks) {
  key_value pair = {.key = field->payload};
  if (!walk_key_value(w, field->payload, field->payload + field->length, 4, &pair))
    return false;
  uint16_t number = match_attribute(w->rules, &pair, marks);
  if (number == COTLP_NO_KEY)
    return true;
  if (!GROW(attribute))
    return false;
  fill_attribute(&w->index->attributes[w->index->attribute_count++], field, &pair, number, item);
  return true;
}

static inline bool is_zero(const uint8_t *bytes, size_t length) {
  uint8_t any = 0;
  for (size_t i = 0; i < length; i++)
    any |= bytes[i];
  return any == 0;
}

/* Whether bytes are an id of that length that names something. */
static inline bool is_id(const uint8_t *bytes, size_t length, size_t wanted) {
  return length == wanted && !is_zero(bytes, wanted);
}

/* A log record and a metric, at level 3, in files of their own. Each writes the item into the index, or counts why it is left
 * out. */
bool walk_log_record(walk *w, const uint8_t *at, const uint8_t *end);
bool walk_metric(walk *w, const uint8_t *at, const uint8_t *end);
