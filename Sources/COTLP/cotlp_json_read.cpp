// OTLP/JSON to protobuf bytes: simdjson checks a text for UTF-8 and cuts it into tokens, a walk over these writes the message.

#include "cotlp_json_read.h"

#include <new>

#include "cotlp_json_walk.h"
#include "cotlp_utf8.h"

using namespace cotlp;

struct cotlp_json_reader {
  ondemand::parser parser;
  // Bytes that the length of the last message of each table took.
  uint8_t widths[COTLP_MAXIMUM_TABLES];
};

// Where the first byte is that is not UTF-8.
static const char *end_of_utf8(const char *text, size_t count) {
  const auto *at = reinterpret_cast<const uint8_t *>(text), *end = at + count;
  while (at < end) {
    const ptrdiff_t length = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
    if (length > end - at || !utf8_rest_is_valid(at, at + length))
      break;
    at += length;
  }
  return reinterpret_cast<const char *>(at);
}

// Where the string begins that has no end, or the control character stands that must be escaped.
static const char *end_of_strings(const char *text, size_t count) {
  const char *end = text + count, *open = nullptr;
  for (const char *at = text; at < end; at++) {
    if (open && static_cast<unsigned char>(*at) < 0x20)
      return at;
    if (open && *at == '\\')
      at++;
    else if (*at == '"')
      open = open ? nullptr : at;
  }
  return open ? open : text;
}


cotlp_json_reader *cotlp_json_reader_create(void) {
  auto *reader = new (std::nothrow) cotlp_json_reader;
  if (reader)
    std::memset(reader->widths, 1, sizeof reader->widths);
  return reader;
}

void cotlp_json_reader_destroy(cotlp_json_reader *reader) { delete reader; }

static cotlp_json_fault begin(cotlp_json_reader *reader, const char *text, size_t count, ondemand::document *document,
                              const char **fault_at) {
  *fault_at = text;
  if (count > simdjson::SIMDJSON_MAXSIZE_BYTES / 2)
    return COTLP_JSON_TOO_LARGE;
  // Some more, since one sender's texts are nearly of one length.
  if (reader->parser.capacity() < count &&
      reader->parser.allocate(count + count / 8, MAXIMUM_JSON_DEPTH) != simdjson::SUCCESS)
    return COTLP_JSON_NO_MEMORY;
  switch (reader->parser.iterate(text, count, count + COTLP_JSON_MARGIN).get(*document)) {
  case simdjson::SUCCESS:
    return COTLP_JSON_SOUND;
  case simdjson::UTF8_ERROR:
    *fault_at = end_of_utf8(text, count);
    return COTLP_JSON_NOT_UTF8;
  case simdjson::MEMALLOC:
    return COTLP_JSON_NO_MEMORY;
  case simdjson::CAPACITY:
    return COTLP_JSON_TOO_LARGE;
  default:
    *fault_at = end_of_strings(text, count);
    return COTLP_JSON_BAD_SYNTAX;
  }
}

cotlp_json_fault cotlp_json_read(cotlp_json_reader *reader, cotlp_json_message kind, const uint8_t *text, size_t count,
                                 size_t limit, cotlp_json_reserve reserve, void *context,
                                 cotlp_json_reading *reading) {
  static_assert(simdjson::SIMDJSON_PADDING <= COTLP_JSON_MARGIN, "simdjson reads no further");
  *reading = {};
  const auto *first = reinterpret_cast<const char *>(text), *start = first;
  // What some editors put before a text.
  if (count >= 3 && !std::memcmp(start, "\xef\xbb\xbf", 3)) {
    start += 3;
    count -= 3;
  }
  ondemand::document document;
  const char *fault_at;
  cotlp_json_fault fault = begin(reader, start, count, &document, &fault_at);
  const cotlp_member *member = nullptr;
  if (fault == COTLP_JSON_SOUND) {
    output out(limit, reserve, context);
    walk walked(start, &out, reader->widths);
    // Hardly any text takes more bytes as a message.
    if (!out.room(count + COTLP_JSON_MARGIN) || (walked.request(document, cotlp_table_of(kind)) && out.count() > limit)) {
      fault = COTLP_JSON_TOO_LARGE;
    } else {
      fault = walked.fault;
      fault_at = walked.fault_at;
      member = walked.fault_member;
    }
    reading->written = out.count();
  }
  if (fault != COTLP_JSON_SOUND)
    reading->offset = static_cast<size_t>(fault_at - first);
  if (member) {
    reading->field = member->key + 2;
    reading->field_count = member->key_count - 4u;
  }
  return fault;
}
