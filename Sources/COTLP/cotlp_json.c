// Protobuf bytes to OTLP/JSON in two steps a message: notice where each field lies, then write the fields in order.
// Fields may come in any order, repeated ones scattered, singular submessages in pieces; so nothing can be written
// before all of the message was seen, but the second step only visits what the first one found.

#include "cotlp_json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cotlp_tables.h"
#include "cotlp_text.h"
#include "cotlp_wire.h"

enum { MAXIMUM_DEPTH = 64 };

// A piece of the message that is being written, as a range of all bytes.
struct segment {
  uint32_t offset, count;
};

// A message that lies in one piece, or in several when the field that holds it occurs several times.
struct pieces {
  const struct segment *segments;
  uint32_t count;
};

struct writer {
  struct cotlp_text text;
  const uint8_t *base;
};

// Where a member was found.
struct place {
  // A repeated member's first tag; otherwise the payload of the last occurrence (of a submessage, the first).
  const uint8_t *at;
  uint64_t value;
  uint32_t occurrences;
  // The piece that `at` lies in.
  uint32_t segment;
};

static cotlp_json_result write_message(
    struct writer *writer, const struct cotlp_table *table, struct pieces pieces, unsigned depth);

static inline bool holds(const struct cotlp_member *member, const struct cotlp_field *field) {
  return field->wire_type == member->wire_type ||
         (member->packable && field->wire_type == COTLP_WIRE_BYTES && field->value > 0);
}

// Fills `places` and sets a bit in `found` for each slot that has one. A field of another wire type than its member's is
// an unknown field.
static bool find_members(
    const struct writer *writer, const struct cotlp_table *table, struct pieces pieces, struct place *places,
    uint32_t *found) {
  uint32_t mask = 0;
  for (uint32_t index = 0; index < pieces.count; index++) {
    const uint8_t *at = writer->base + pieces.segments[index].offset;
    const uint8_t *end = at + pieces.segments[index].count;
    while (at < end) {
      struct cotlp_field field;
      const uint8_t *tag = at;
      at = cotlp_read_field(at, end, &field);
      if (!at) return false;
      if (field.number > COTLP_MAXIMUM_NUMBER) continue;
      uint8_t slot = table->slots[field.number];
      if (slot == COTLP_NO_SLOT) continue;
      const struct cotlp_member *member = &table->members[slot];
      if (!holds(member, &field)) continue;
      mask &= ~member->siblings;
      struct place *place = &places[slot];
      if (member->gathers && (mask & 1u << slot)) {
        place->occurrences++;
        continue;
      }
      mask |= 1u << slot;
      *place = (struct place){
          .at = member->repeated ? tag : field.payload, .value = field.value, .occurrences = 1, .segment = index};
    }
  }
  *found = mask;
  return true;
}

static inline bool write_scalar(
    struct cotlp_text *text, enum cotlp_form form, uint64_t value, const uint8_t *payload) {
  switch (form) {
    case COTLP_FORM_STRING: return cotlp_text_string(text, payload, value);
    case COTLP_FORM_HEX: return cotlp_text_hex(text, payload, value);
    case COTLP_FORM_BASE64: return cotlp_text_base64(text, payload, value);
    case COTLP_FORM_BOOL: return cotlp_text_bool(text, value != 0);
    case COTLP_FORM_INT32: return cotlp_text_signed(text, (int32_t)value, 0);
    case COTLP_FORM_SINT32: return cotlp_text_signed(text, (int32_t)((uint32_t)value >> 1 ^ (0 - (value & 1))), 0);
    case COTLP_FORM_UINT32: return cotlp_text_unsigned(text, (uint32_t)value, 0);
    case COTLP_FORM_INT64: return cotlp_text_signed(text, (int64_t)value, '"');
    case COTLP_FORM_SINT64: return cotlp_text_signed(text, (int64_t)(value >> 1 ^ (0 - (value & 1))), '"');
    case COTLP_FORM_UINT64: return cotlp_text_unsigned(text, value, '"');
    case COTLP_FORM_DOUBLE: {
      double number;
      memcpy(&number, &value, 8);
      return cotlp_text_double(text, number);
    }
    case COTLP_FORM_MESSAGE: break;
  }
  abort();
}

static bool is_default(enum cotlp_form form, uint64_t value) {
  bool has_32_bits = form == COTLP_FORM_INT32 || form == COTLP_FORM_SINT32 || form == COTLP_FORM_UINT32;
  return has_32_bits ? (uint32_t)value == 0 : value == 0;
}

// Writes the elements of one field, each with a comma before it.
static cotlp_json_result write_elements(
    struct writer *writer, const struct cotlp_member *member, const struct cotlp_field *field, unsigned depth) {
  if (member->form == COTLP_FORM_MESSAGE) {
    struct segment segment = {(uint32_t)(field->payload - writer->base), (uint32_t)field->value};
    if (!cotlp_text_byte(&writer->text, ',')) return COTLP_JSON_FULL;
    return write_message(writer, member->message, (struct pieces){&segment, 1}, depth + 1);
  }
  if (field->wire_type == member->wire_type) {
    bool fits = cotlp_text_byte(&writer->text, ',') &&
                write_scalar(&writer->text, member->form, field->value, field->payload);
    return fits ? COTLP_JSON_WRITTEN : COTLP_JSON_FULL;
  }
  const uint8_t *at = field->payload, *end = at + field->value;
  while (at < end) {
    uint64_t value = 0;
    if (member->wire_type == COTLP_WIRE_VARINT) {
      at = cotlp_read_varint(at, end, &value);
      if (!at) return COTLP_JSON_MALFORMED;
    } else {
      size_t width = member->wire_type == COTLP_WIRE_FIXED64 ? 8 : 4;
      if ((size_t)(end - at) < width) return COTLP_JSON_MALFORMED;
      memcpy(&value, at, width);
      at += width;
    }
    bool fits = cotlp_text_byte(&writer->text, ',') && write_scalar(&writer->text, member->form, value, NULL);
    if (!fits) return COTLP_JSON_FULL;
  }
  return COTLP_JSON_WRITTEN;
}

// Visits the occurrences of a member from `at` on, which lies in the piece number place->segment.
struct visit {
  const struct cotlp_member *member;
  struct pieces pieces;
  uint32_t segment;
  const uint8_t *at;
};

static bool next_occurrence(const struct writer *writer, struct visit *visit, struct cotlp_field *field) {
  for (;;) {
    const struct segment *segment = &visit->pieces.segments[visit->segment];
    const uint8_t *end = writer->base + segment->offset + segment->count;
    while (visit->at < end) {
      visit->at = cotlp_read_field(visit->at, end, field);
      if (!visit->at) return false;
      if (field->number == visit->member->number && holds(visit->member, field)) return true;
    }
    if (++visit->segment == visit->pieces.count) return false;
    visit->at = writer->base + visit->pieces.segments[visit->segment].offset;
  }
}

static cotlp_json_result write_array(
    struct writer *writer, const struct cotlp_member *member, const struct place *place, struct pieces pieces,
    unsigned depth) {
  uint8_t *start = writer->text.at;
  struct visit visit = {member, pieces, place->segment, place->at};
  for (uint32_t left = place->occurrences; left > 0; left--) {
    struct cotlp_field field;
    if (!next_occurrence(writer, &visit, &field)) return COTLP_JSON_MALFORMED;
    cotlp_json_result result = write_elements(writer, member, &field, depth);
    if (result != COTLP_JSON_WRITTEN) return result;
  }
  // The comma before the first element makes room for the bracket.
  *start = '[';
  return cotlp_text_byte(&writer->text, ']') ? COTLP_JSON_WRITTEN : COTLP_JSON_FULL;
}

// A singular submessage. Its occurrences together are the message: protobuf merges them.
static cotlp_json_result write_submessage(
    struct writer *writer, const struct cotlp_member *member, const struct place *place, struct pieces pieces,
    unsigned depth) {
  struct segment first = {(uint32_t)(place->at - writer->base), (uint32_t)place->value};
  if (place->occurrences == 1) {
    return write_message(writer, member->message, (struct pieces){&first, 1}, depth + 1);
  }
  struct segment *segments = malloc(place->occurrences * sizeof *segments);
  if (!segments) return COTLP_JSON_OUT_OF_MEMORY;
  segments[0] = first;
  struct visit visit = {member, pieces, place->segment, place->at + place->value};
  cotlp_json_result result = COTLP_JSON_WRITTEN;
  for (uint32_t index = 1; index < place->occurrences; index++) {
    struct cotlp_field field;
    if (!next_occurrence(writer, &visit, &field)) {
      result = COTLP_JSON_MALFORMED;
      break;
    }
    segments[index] = (struct segment){(uint32_t)(field.payload - writer->base), (uint32_t)field.value};
  }
  if (result == COTLP_JSON_WRITTEN) {
    result = write_message(writer, member->message, (struct pieces){segments, place->occurrences}, depth + 1);
  }
  free(segments);
  return result;
}

static inline bool write_key(struct cotlp_text *text, const struct cotlp_member *member) {
  if (!cotlp_text_has_room(text, COTLP_KEY_ROOM)) return false;
  // All of it: a copy of constant size is one instruction or two.
  memcpy(text->at, member->key, COTLP_KEY_ROOM);
  text->at += member->key_count;
  return true;
}

static cotlp_json_result write_message(
    struct writer *writer, const struct cotlp_table *table, struct pieces pieces, unsigned depth) {
  struct place places[COTLP_MAXIMUM_MEMBERS];
  uint32_t found;
  if (depth > MAXIMUM_DEPTH) return COTLP_JSON_TOO_DEEP;
  if (!find_members(writer, table, pieces, places, &found)) return COTLP_JSON_MALFORMED;
  struct cotlp_text *text = &writer->text;
  uint8_t *start = text->at;
  for (; found; found &= found - 1) {
    unsigned slot = (unsigned)__builtin_ctz(found);
    const struct cotlp_member *member = &table->members[slot];
    const struct place *place = &places[slot];
    cotlp_json_result result = COTLP_JSON_WRITTEN;
    if (member->gathers) {
      if (!write_key(text, member)) return COTLP_JSON_FULL;
      result = member->repeated ? write_array(writer, member, place, pieces, depth)
                                : write_submessage(writer, member, place, pieces, depth);
    } else if (member->always || !is_default(member->form, place->value)) {
      bool fits = write_key(text, member) && write_scalar(text, member->form, place->value, place->at);
      result = fits ? COTLP_JSON_WRITTEN : COTLP_JSON_FULL;
    }
    if (result != COTLP_JSON_WRITTEN) return result;
  }
  // The comma before the first key makes room for the brace.
  bool empty = text->at == start;
  if (empty && !cotlp_text_byte(text, '{')) return COTLP_JSON_FULL;
  *start = '{';
  return cotlp_text_byte(text, '}') ? COTLP_JSON_WRITTEN : COTLP_JSON_FULL;
}

cotlp_json_result cotlp_json_write(
    cotlp_json_message kind, const uint8_t *message, size_t count, uint8_t *output, size_t capacity,
    size_t *written) {
  if (count > INT32_MAX) return COTLP_JSON_MALFORMED;
  // No bytes at all may come as NULL, which knows no arithmetic.
  if (count == 0) message = (const uint8_t *)"";
  struct writer writer = {
      .text = {.at = output, .end = output + capacity, .source_end = message + count}, .base = message};
  struct segment whole = {0, (uint32_t)count};
  cotlp_json_result result = write_message(&writer, cotlp_table_of(kind), (struct pieces){&whole, 1}, 0);
  *written = (size_t)(writer.text.at - output);
  return result;
}
