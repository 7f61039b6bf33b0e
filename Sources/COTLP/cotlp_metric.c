/* The walk over a metric: which fields its messages have, as tables, and one reader of them all. */
#include "cotlp_items.h"

typedef enum {
  UNKNOWN = 0, /* passes, whatever it is */
  STRING,
  BYTES,
  FIXED64,
  VARINT,
  BOOL, /* libprotobuf-c takes it from any wire type, others see an unknown field: nobody refuses */
  /* Repeated numbers: one by one, or several in a length-delimited field. */
  FIXED64S,
  VARINTS,
  ATTRIBUTE,
  MESSAGE,
  POINT, /* a message that is counted */
} kind;

typedef struct shape shape;
struct shape {
  uint8_t kinds[16];         /* by field number */
  const shape *messages[16]; /* of those that are messages */
};

static const shape exemplar = {.kinds = {[2] = FIXED64, [3] = FIXED64, [4] = BYTES, [5] = BYTES, [6] = FIXED64, [7] = ATTRIBUTE}};

static const shape quantile = {.kinds = {[1] = FIXED64, [2] = FIXED64}};

static const shape buckets = {.kinds = {[1] = VARINT, [2] = VARINTS}};

static const shape number_point = {
    .kinds = {[2] = FIXED64, [3] = FIXED64, [4] = FIXED64, [5] = MESSAGE, [6] = FIXED64, [7] = ATTRIBUTE, [8] = VARINT},
    .messages = {[5] = &exemplar},
};

static const shape histogram_point = {
    .kinds = {[2] = FIXED64, [3] = FIXED64, [4] = FIXED64, [5] = FIXED64, [6] = FIXED64S, [7] = FIXED64S, [8] = MESSAGE,
              [9] = ATTRIBUTE, [10] = VARINT, [11] = FIXED64, [12] = FIXED64},
    .messages = {[8] = &exemplar},
};

static const shape exponential_point = {
    .kinds = {[1] = ATTRIBUTE, [2] = FIXED64, [3] = FIXED64, [4] = FIXED64, [5] = FIXED64, [6] = VARINT, [7] = FIXED64,
              [8] = MESSAGE, [9] = MESSAGE, [10] = VARINT, [11] = MESSAGE, [12] = FIXED64, [13] = FIXED64, [14] = FIXED64},
    .messages = {[8] = &buckets, [9] = &buckets, [11] = &exemplar},
};

static const shape summary_point = {
    .kinds = {[2] = FIXED64, [3] = FIXED64, [4] = FIXED64, [5] = FIXED64, [6] = MESSAGE, [7] = ATTRIBUTE, [8] = VARINT},
    .messages = {[6] = &quantile},
};

static const shape gauge = {.kinds = {[1] = POINT}, .messages = {[1] = &number_point}};
static const shape sum = {.kinds = {[1] = POINT, [2] = VARINT, [3] = BOOL}, .messages = {[1] = &number_point}};
static const shape histogram = {.kinds = {[1] = POINT, [2] = VARINT}, .messages = {[1] = &histogram_point}};
static const shape exponential = {.kinds = {[1] = POINT, [2] = VARINT}, .messages = {[1] = &exponential_point}};
static const shape summary = {.kinds = {[1] = POINT}, .messages = {[1] = &summary_point}};

/* Members of the oneof `data`, of which the last on the wire is the metric's, all occurrences of it together. */
enum { GAUGE = 5, SUM = 7, HISTOGRAM = 9, EXPONENTIAL = 10, SUMMARY = 11 };

static const shape metric = {
    .kinds = {[1] = STRING, [2] = STRING, [3] = STRING, [GAUGE] = MESSAGE, [SUM] = MESSAGE, [HISTOGRAM] = MESSAGE,
              [EXPONENTIAL] = MESSAGE, [SUMMARY] = MESSAGE, [12] = ATTRIBUTE},
    .messages = {[GAUGE] = &gauge, [SUM] = &sum, [HISTOGRAM] = &histogram, [EXPONENTIAL] = &exponential, [SUMMARY] = &summary},
};

/* Numbers behind one another in a length-delimited field. */
static bool walk_numbers(walk *w, const wire_field *field, kind kind) {
  if (kind == FIXED64S)
    return field->length % 8 == 0 || walk_failed(w, COTLP_TRUNCATED, field->start);
  const uint8_t *at = field->payload, *end = at + field->length;
  uint64_t value;
  while (at < end)
    if (!next_number(w, &at, end, 10, field->start, &value))
      return false;
  return true;
}

static bool walk_message(walk *w, const shape *shape, const uint8_t *at, const uint8_t *end, unsigned depth,
                         uint32_t *points) {
  wire_field field;
  uint32_t member = 0;
  while (at < end) {
    if (!next_field(w, &at, end, &field))
      return false;
    kind kind = field.number < 16 ? shape->kinds[field.number] : UNKNOWN;
    switch (kind) {
    case UNKNOWN:
    case BOOL:
      break;
    case FIXED64:
      EXPECT(COTLP_WIRE_FIXED64);
      break;
    case VARINT:
      EXPECT(COTLP_WIRE_VARINT);
      break;
    case FIXED64S:
    case VARINTS:
      if (field.wire == COTLP_WIRE_BYTES) {
        if (!walk_numbers(w, &field, kind))
          return false;
        break;
      }
      EXPECT(kind == FIXED64S ? COTLP_WIRE_FIXED64 : COTLP_WIRE_VARINT);
      break;
    case STRING:
      EXPECT(COTLP_WIRE_BYTES);
      check_string(w, field.payload, field.length);
      break;
    case BYTES:
      EXPECT(COTLP_WIRE_BYTES);
      break;
    case ATTRIBUTE: {
      EXPECT(COTLP_WIRE_BYTES);
      key_value ignored = {0};
      if (!walk_key_value(w, field.payload, field.payload + field.length, depth + 1, &ignored))
        return false;
      break;
    }
    case MESSAGE:
    case POINT:
      EXPECT(COTLP_WIRE_BYTES);
      if (shape == &metric && member != field.number) {
        member = field.number;
        *points = 0;
      }
      if (kind == POINT)
        ++*points;
      if (!walk_message(w, shape->messages[field.number], field.payload, field.payload + field.length, depth + 1, points))
        return false;
      break;
    }
  }
  return true;
}

bool walk_metric(walk *w, const uint8_t *at, const uint8_t *end) {
  cotlp_index *index = w->index;
  if (!GROW(span))
    return false;
  w->bad_string = false;
  uint32_t points = 0;
  if (!walk_message(w, &metric, at, end, 3, &points))
    return false;
  if (__builtin_expect(w->bad_string, 0)) {
    index->rejected[COTLP_BAD_STRING] += points;
    return true;
  }
  index->spans[index->span_count++] = (cotlp_span){
      .start = points,
      .offset = (uint32_t)(at - w->base),
      .length = (uint32_t)(end - at),
      .scope = index->scope_count,
      .attribute = index->attribute_count,
  };
  index->point_count += points;
  return true;
}
