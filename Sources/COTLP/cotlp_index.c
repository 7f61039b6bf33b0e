#include "cotlp_items.h"

/* Mirrored by SpanEntry and AttributeEntry in the OTLP module. */
_Static_assert(sizeof(cotlp_span) == 64 && offsetof(cotlp_span, offset) == 40, "SpanEntry mirrors cotlp_span");
_Static_assert(sizeof(cotlp_attribute) == 28 && offsetof(cotlp_attribute, key) == 24,
               "AttributeEntry mirrors cotlp_attribute");

/* A span at level 3. Writes it into the index, or counts why it is left out. */
static bool walk_span(walk *w, const uint8_t *at, const uint8_t *end) {
  cotlp_index *index = w->index;
  if (!GROW(span))
    return false;
  const uint8_t *span_start = at, *trace_id = NULL, *span_id = NULL, *parent_id = NULL, *name = at;
  size_t trace_id_length = 0, span_id_length = 0, parent_id_length = 0, name_length = 0;
  uint64_t start = 0;
  uint32_t flags = 0, marks = 0, first_attribute = index->attribute_count;
  w->bad_string = w->bad_link = false;
  bool roomy = w->limit - end >= COMMON_ATTRIBUTE_SLACK;
  wire_field field;
  while (at < end) {
    if (roomy && *at == SPAN_ATTRIBUTES_TAG) {
      const uint8_t *next = skip_common_attribute(w, at, end);
      if (__builtin_expect(next != NULL, 1)) {
        at = next;
        continue;
      }
    }
    if (!next_field(w, &at, end, &field))
      return false;
    switch (field.number) {
    case 9:
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_item_attribute(w, &field, span_start, &marks))
        return false;
      break;
    case 1:
      EXPECT(COTLP_WIRE_BYTES);
      trace_id = field.payload;
      trace_id_length = field.length;
      break;
    case 2:
      EXPECT(COTLP_WIRE_BYTES);
      span_id = field.payload;
      span_id_length = field.length;
      break;
    case 3:
      EXPECT(COTLP_WIRE_BYTES);
      check_string(w, field.payload, field.length);
      break;
    case 4:
      EXPECT(COTLP_WIRE_BYTES);
      parent_id = field.payload;
      parent_id_length = field.length;
      break;
    case 5:
      EXPECT(COTLP_WIRE_BYTES);
      check_string(w, field.payload, field.length);
      name = field.payload;
      name_length = field.length;
      break;
    case 7:
      EXPECT(COTLP_WIRE_FIXED64);
      start = wire_fixed64(field.payload);
      break;
    case 8:
      EXPECT(COTLP_WIRE_FIXED64);
      break;
    case 6:
    case 10:
    case 12:
    case 14:
      EXPECT(COTLP_WIRE_VARINT);
      break;
    case 11:
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_event(w, field.payload, field.payload + field.length, 4))
        return false;
      break;
    case 13:
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_link(w, field.payload, field.payload + field.length, 4))
        return false;
      break;
    case 15:
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_status(w, field.payload, field.payload + field.length))
        return false;
      break;
    case 16:
      EXPECT(COTLP_WIRE_FIXED32);
      flags = wire_fixed32(field.payload);
      break;
    }
  }

  int reason = -1;
  if (trace_id_length != 16 || is_zero(trace_id, 16))
    reason = COTLP_BAD_TRACE_ID;
  else if (span_id_length != 8 || is_zero(span_id, 8))
    reason = COTLP_BAD_SPAN_ID;
  else if (parent_id_length != 0 && parent_id_length != 8)
    reason = COTLP_BAD_PARENT_ID;
  else if (w->bad_link)
    reason = COTLP_BAD_LINK_ID;
  else if (w->bad_string)
    reason = COTLP_BAD_STRING;
  if (__builtin_expect(reason >= 0, 0)) {
    index->rejected[reason]++;
    index->attribute_count = first_attribute;
    return true;
  }

  cotlp_span *span = &index->spans[index->span_count++];
  memcpy(span->trace_id, trace_id, 16);
  span->span_id = wire_fixed64(span_id);
  span->parent_id = parent_id_length ? wire_fixed64(parent_id) : 0;
  span->start = start;
  span->offset = (uint32_t)(span_start - w->base);
  span->length = (uint32_t)(end - span_start);
  span->scope = index->scope_count;
  span->attribute = first_attribute;
  span->attribute_count = index->attribute_count - first_attribute;
  if (span->parent_id)
    marks |= COTLP_HAS_PARENT;
  if ((flags & 0x300) == 0x300)
    marks |= COTLP_REMOTE_PARENT;
  const cotlp_rule *wanted = &w->rules->name;
  if (wanted->mark && name_length == wanted->length && memcmp(name, wanted->text, name_length) == 0)
    marks |= wanted->mark;
  span->marks = marks;
  return true;
}

/* The other fields of a ScopeSpans or ResourceSpans are its header. Mostly it lies in one or two pieces, which are noted
 * during the walk; a header in more pieces is collected by a walk of its own. */
typedef struct {
  cotlp_range ranges[4];
  uint32_t count;
  bool overflowed;
} header_pieces;

static void note_piece(walk *w, header_pieces *pieces, const uint8_t *start, const uint8_t *end) {
  uint32_t offset = (uint32_t)(start - w->base), length = (uint32_t)(end - start);
  cotlp_range *last = pieces->count ? &pieces->ranges[pieces->count - 1] : NULL;
  if (last && last->offset + last->length == offset)
    last->length += length;
  else if (pieces->count < 4)
    pieces->ranges[pieces->count++] = (cotlp_range){offset, length};
  else
    pieces->overflowed = true;
}

static bool add_range(walk *w, cotlp_header *header, cotlp_range range) {
  if (!GROW(range))
    return false;
  w->index->ranges[w->index->range_count++] = range;
  header->range_count++;
  header->length += range.length;
  return true;
}

/* Puts a header's ranges behind one another. `at` and `end` are those of its message. */
static bool add_header(walk *w, const header_pieces *pieces, const uint8_t *at, const uint8_t *end,
                       cotlp_header *header) {
  header->range = w->index->range_count;
  if (!pieces->overflowed) {
    for (uint32_t i = 0; i < pieces->count; i++)
      if (!add_range(w, header, pieces->ranges[i]))
        return false;
    return true;
  }
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    cotlp_range range = {(uint32_t)(field.start - w->base), (uint32_t)(at - field.start)};
    if (field.number != 2 && !add_range(w, header, range))
      return false;
  }
  return true;
}

/* How far the index is filled. */
typedef struct {
  uint32_t spans, points, attributes, scopes, ranges;
} position;

static inline position position_of(const cotlp_index *index) {
  return (position){index->span_count, index->point_count, index->attribute_count, index->scope_count, index->range_count};
}

/* What was written since `before` of a scope or resource goes again where no span needs it: its spans are left out when
 * it is not UTF-8, and without a span nobody asks for its header. Returns whether it stays. */
static bool keep_since(walk *w, position before, bool bad) {
  cotlp_index *index = w->index;
  if (bad)
    index->rejected[COTLP_BAD_STRING] +=
        w->signal == COTLP_METRICS ? index->point_count - before.points : index->span_count - before.spans;
  if (!bad && index->span_count > before.spans)
    return true;
  index->span_count = before.spans;
  index->point_count = before.points;
  index->attribute_count = before.attributes;
  index->scope_count = before.scopes;
  index->range_count = before.ranges;
  return false;
}

/* What a scope holds, at level 3. */
static inline bool walk_item(walk *w, const uint8_t *at, const uint8_t *end) {
  if (__builtin_expect(w->signal == COTLP_TRACES, 1))
    return walk_span(w, at, end);
  return w->signal == COTLP_LOGS ? walk_log_record(w, at, end) : walk_metric(w, at, end);
}

static bool walk_scope_spans(walk *w, const uint8_t *at, const uint8_t *end, uint32_t resource) {
  cotlp_index *index = w->index;
  position before = position_of(index);
  cotlp_header header = {.parent = resource};
  header_pieces pieces = {0};
  const uint8_t *start = at;
  if (!GROW(scope))
    return false;
  bool bad = false, marked = false;
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    if (field.number == 2) {
      EXPECT(COTLP_WIRE_BYTES);
      if (!walk_item(w, field.payload, field.payload + field.length))
        return false;
      continue;
    }
    note_piece(w, &pieces, field.start, at);
    if (field.number == 1 || field.number == 3) {
      EXPECT(COTLP_WIRE_BYTES);
      w->bad_string = false;
      if (field.number == 3)
        check_string(w, field.payload, field.length);
      else if (!walk_scope(w, field.payload, field.payload + field.length, &marked))
        return false;
      bad |= w->bad_string;
    }
  }
  if (!keep_since(w, before, bad))
    return true;
  if (marked)
    for (uint32_t i = before.spans; i < index->span_count; i++)
      index->spans[i].marks |= w->rules->scope.mark;
  if (!add_header(w, &pieces, start, end, &header))
    return false;
  index->scopes[index->scope_count++] = header;
  return true;
}

static bool walk_resource_spans(walk *w, const uint8_t *at, const uint8_t *end) {
  cotlp_index *index = w->index;
  position before = position_of(index);
  cotlp_header header = {0};
  header_pieces pieces = {0};
  const uint8_t *start = at;
  if (!GROW(resource))
    return false;
  bool bad = false;
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    if (field.number != 2)
      note_piece(w, &pieces, field.start, at);
    if (field.number < 1 || field.number > 3)
      continue;
    EXPECT(COTLP_WIRE_BYTES);
    const uint8_t *inner_end = field.payload + field.length;
    if (field.number == 2) {
      if (!walk_scope_spans(w, field.payload, inner_end, index->resource_count))
        return false;
      continue;
    }
    w->bad_string = false;
    if (field.number == 3)
      check_string(w, field.payload, field.length);
    else if (!walk_resource(w, field.payload, inner_end))
      return false;
    bad |= w->bad_string;
  }
  if (!keep_since(w, before, bad))
    return true;
  if (!add_header(w, &pieces, start, end, &header))
    return false;
  index->resources[index->resource_count++] = header;
  return true;
}

cotlp_index *cotlp_index_create(void) {
  cotlp_index *index = calloc(1, sizeof(cotlp_index));
  index->span_capacity = index->attribute_capacity = 64;
  index->spans = malloc(index->span_capacity * sizeof *index->spans);
  index->attributes = malloc(index->attribute_capacity * sizeof *index->attributes);
  return index;
}

void cotlp_index_destroy(cotlp_index *index) {
  if (!index)
    return;
  free(index->spans);
  free(index->attributes);
  free(index->resources);
  free(index->scopes);
  free(index->ranges);
  free(index);
}

void cotlp_index_clear(cotlp_index *index) {
  index->span_count = index->point_count = index->attribute_count = 0;
  index->resource_count = index->scope_count = index->range_count = 0;
  memset(index->rejected, 0, sizeof index->rejected);
  index->error = COTLP_OK;
  index->error_offset = 0;
}

void cotlp_index_remove_last(cotlp_index *index) {
  index->attribute_count = index->spans[--index->span_count].attribute;
}

/* The state of a walk over so many bytes. */
static inline walk walk_of(cotlp_index *index, cotlp_signal signal, const cotlp_rules *rules, const void *bytes,
                           size_t length) {
  return (walk){
      .index = index, .signal = signal, .rules = rules, .base = bytes, .limit = (const uint8_t *)bytes + length};
}

cotlp_error cotlp_index_add(cotlp_index *index, cotlp_signal signal, const cotlp_rules *rules, const void *bytes,
                            size_t byte_count, size_t offset, size_t length) {
  walk context = walk_of(index, signal, rules, bytes, byte_count), *w = &context;
  uint32_t attributes = index->attribute_count;
  index->error = COTLP_OK;
  if (byte_count > UINT32_MAX)
    walk_failed(w, COTLP_TOO_LARGE, bytes);
  else if (offset > byte_count || length > byte_count - offset)
    walk_failed(w, COTLP_TRUNCATED, bytes);
  else if (!walk_item(w, w->base + offset, w->base + offset + length))
    index->attribute_count = attributes;
  return index->error;
}

cotlp_error cotlp_index_fill(cotlp_index *index, cotlp_signal signal, const cotlp_rules *rules, const void *bytes,
                             size_t length) {
  cotlp_index_clear(index);
  walk context = walk_of(index, signal, rules, bytes, length), *w = &context;
  if (length > UINT32_MAX) {
    walk_failed(w, COTLP_TOO_LARGE, bytes);
    return index->error;
  }
  const uint8_t *at = bytes, *end = at + length;
  wire_field field;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return index->error;
    if (field.number != 1)
      continue;
    if (field.wire != COTLP_WIRE_BYTES) {
      walk_failed(w, COTLP_BAD_WIRE_TYPE, field.start);
      return index->error;
    }
    if (!walk_resource_spans(w, field.payload, field.payload + field.length))
      return index->error;
  }
  return COTLP_OK;
}

uint32_t cotlp_resource_attributes(const cotlp_rules *rules, const void *header, size_t length,
                                   cotlp_attribute *attributes, uint32_t capacity) {
  cotlp_index scratch = {0};
  walk context = walk_of(&scratch, COTLP_TRACES, rules, header, length), *w = &context;
  const uint8_t *at = header, *end = at + length;
  uint32_t count = 0;
  wire_field field, attribute;
  while (at < end && next_field(w, &at, end, &field)) {
    if (field.number != 1 || field.wire != COTLP_WIRE_BYTES)
      continue;
    const uint8_t *inner = field.payload, *inner_end = inner + field.length;
    while (inner < inner_end && next_field(w, &inner, inner_end, &attribute)) {
      key_value pair = {.key = attribute.payload};
      uint32_t marks = 0;
      if (attribute.number != 1 || attribute.wire != COTLP_WIRE_BYTES ||
          !walk_key_value(w, attribute.payload, attribute.payload + attribute.length, 3, &pair))
        continue;
      uint16_t number = match_attribute(rules, &pair, &marks);
      if (number == COTLP_NO_KEY)
        continue;
      if (count < capacity) {
        attribute.start = attribute.payload;
        fill_attribute(&attributes[count], &attribute, &pair, number, header);
      }
      count++;
    }
  }
  return count;
}
