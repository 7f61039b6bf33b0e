/* The walk over a log record. */
#include "cotlp_items.h"

bool walk_log_record(walk *w, const uint8_t *at, const uint8_t *end) {
  cotlp_index *index = w->index;
  if (!GROW(span))
    return false;
  const uint8_t *start = at, *trace_id = NULL, *span_id = NULL;
  size_t trace_id_length = 0, span_id_length = 0;
  uint64_t time = 0;
  uint32_t marks = 0, first_attribute = index->attribute_count;
  w->bad_string = false;
  bool roomy = w->limit - end >= COMMON_ATTRIBUTE_SLACK;
  wire_field field;
  while (at < end) {
    if (roomy && *at == LOG_ATTRIBUTES_TAG) {
      const uint8_t *next = skip_common_attribute(w, at, end);
      if (__builtin_expect(next != NULL, 1)) {
        at = next;
        continue;
      }
    }
    if (!next_field(w, &at, end, &field))
      return false;
    switch (field.number) {
    case 1:
      EXPECT(COTLP_WIRE_FIXED64);
      time = wire_fixed64(field.payload);
      break;
    case 2:
    case 7:
      EXPECT(COTLP_WIRE_VARINT);
      break;
    case 3:
    case 12:
      EXPECT(COTLP_WIRE_BYTES);
      check_string(w, field.payload, field.length);
      break;
    case 5:
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_value(w, field.payload, field.payload + field.length, 4))
        return false;
      break;
    case 6:
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_item_attribute(w, &field, start, &marks))
        return false;
      break;
    case 8:
      EXPECT(COTLP_WIRE_FIXED32);
      break;
    case 9:
      EXPECT(COTLP_WIRE_BYTES);
      trace_id = field.payload;
      trace_id_length = field.length;
      break;
    case 10:
      EXPECT(COTLP_WIRE_BYTES);
      span_id = field.payload;
      span_id_length = field.length;
      break;
    case 11:
      EXPECT(COTLP_WIRE_FIXED64);
      break;
    }
  }
  if (__builtin_expect(w->bad_string, 0)) {
    index->rejected[COTLP_BAD_STRING]++;
    index->attribute_count = first_attribute;
    return true;
  }

  cotlp_span *record = &index->spans[index->span_count++];
  *record = (cotlp_span){
      .start = time,
      .offset = (uint32_t)(start - w->base),
      .length = (uint32_t)(end - start),
      .scope = index->scope_count,
      .attribute = first_attribute,
      .attribute_count = index->attribute_count - first_attribute,
      .marks = marks,
  };
  /* "If trace_id is invalid, receivers assume that the record is not associated with a trace." So with span_id. */
  if (is_id(trace_id, trace_id_length, 16)) {
    memcpy(record->trace_id, trace_id, 16);
    if (is_id(span_id, span_id_length, 8))
      record->span_id = wire_fixed64(span_id);
  }
  return true;
}
