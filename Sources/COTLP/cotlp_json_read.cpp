// OTLP/JSON to protobuf bytes in one walk over the text, which simdjson has checked for UTF-8 and cut into tokens.
//
// A message's length stands before it and is known after it. So as many bytes are left for it as the last message of its
// kind took, and the message is moved where that was wrong.

#define SIMDJSON_EXCEPTIONS 0
#include "cotlp_json_read.h"

#include <new>
#include <simdjson.h>

#include "cotlp_index.h"
#include "cotlp_json_output.h"
#include "cotlp_json_scalars.h"
#include "cotlp_tables.h"
#include "cotlp_utf8.h"
#include "cotlp_wire.h"

using namespace cotlp;
namespace ondemand = simdjson::ondemand;

struct cotlp_json_reader {
  ondemand::parser parser;
  // Bytes that the length of the last message of each table took.
  uint8_t widths[COTLP_MAXIMUM_TABLES];
};

namespace {

enum {
  MAXIMUM_UNKNOWN_DEPTH = 256,
  // Of arrays and objects: a list between any two messages.
  MAXIMUM_JSON_DEPTH = 2 * COTLP_MAX_DEPTH + MAXIMUM_UNKNOWN_DEPTH + 8,
  // Deeper messages are not moved when they turn out longer than thought, so that nothing is moved dozens of times.
  MOVABLE_DEPTH = 12,
  MAXIMUM_LENGTH_WIDTH = 5,
  // A field that is a number: tag and value.
  NUMBER_ROOM = 16,
  // Tag and length, and what closing the message may need.
  MESSAGE_ROOM = 16,
  // No name of a constant is longer.
  NAME_ROOM = 64,
};

bool is_blank(char character) {
  return character == ' ' || character == '\n' || character == '\r' || character == '\t';
}

class walk {
public:
  walk(cotlp_json_reader *reader, const char *text, output *out) : reader(reader), text(text), out(out) {}

  bool request(ondemand::document &document, const cotlp_table *table);

  cotlp_json_fault fault = COTLP_JSON_SOUND;
  const char *fault_at = nullptr;
  const cotlp_member *fault_member = nullptr;

private:
  bool fail(cotlp_json_fault what, const char *at, const cotlp_member *member = nullptr) {
    if (fault == COTLP_JSON_SOUND) {
      fault = what;
      fault_at = at;
      fault_member = member;
    }
    return false;
  }
  // Where the output has no room.
  bool fail_full(const char *at) { return fail(COTLP_JSON_TOO_LARGE, at); }

  bool message(ondemand::object &object, const cotlp_table *table, unsigned depth);
  bool member(ondemand::value &value, const cotlp_member &member, bool again, unsigned depth);
  bool submessage(ondemand::value &value, characters token, const cotlp_member &member, unsigned depth);
  bool array(ondemand::value &value, const cotlp_member &member, unsigned depth);
  bool element(ondemand::value &value, const cotlp_member &member, bool is_packed, unsigned depth);
  bool bytes(characters content, const cotlp_member &member, bool must_write);
  bool decode(characters content, const cotlp_member &member, size_t *count);
  bool number(characters token, const cotlp_member &member, uint64_t *value);
  bool integer(characters token, bool in_string, const cotlp_member &member, uint64_t *value);
  bool constant(characters name, const cotlp_member &member, uint64_t *value);
  bool ignore(ondemand::value &value, unsigned depth);

  // A fault that simdjson tells of, near `at`.
  bool fail_syntax(const char *at) { return fail(COTLP_JSON_BAD_SYNTAX, at); }

  // The characters of a scalar, or an opening bracket or brace.
  static characters token_of(ondemand::value &value) {
    const std::string_view token = value.raw_json_token();
    size_t count = token.size();
    while (count > 0 && is_blank(token[count - 1]))
      count--;
    return {token.data(), count};
  }

  // What stands between the quotes of a string, whose token this is. The value counts as read.
  bool content_of(ondemand::value &value, characters token, characters *content) {
    ondemand::raw_json_string raw;
    if (value.get_raw_json_string().get(raw) != simdjson::SUCCESS || token.count < 2 || token.end()[-1] != '"')
      return fail_syntax(token.at);
    *content = {token.at + 1, token.count - 2};
    return true;
  }

  int find(const cotlp_table *table, const char *key, unsigned likely);
  bool resolve(const char *key, const char **name);

  void tag(const cotlp_member &member, unsigned wire_type) { out->varint(member.number << 3 | wire_type); }

  void raw_number(unsigned wire_type, uint64_t value) {
    if (wire_type == COTLP_WIRE_VARINT)
      out->varint(value);
    else
      out->bytes(&value, wire_type == COTLP_WIRE_FIXED64 ? 8 : 4);
  }

  cotlp_json_reader *const reader;
  const char *const text;
  output *const out;
};

bool is_key(const char *key, const char *name, size_t count) {
  return key[0] == name[0] && !std::memcmp(key, name, count) && key[count] == '"';
}

// The slot of a key, whose first character this is; -1 for a field that OTLP does not have. Senders keep to an order, so
// what follows the last one is tried first.
int walk::find(const cotlp_table *table, const char *key, unsigned likely) {
  for (unsigned tried = 0, slot = likely; tried < table->member_count; tried++, slot++) {
    if (slot >= table->member_count)
      slot = 0;
    const cotlp_member &member = table->members[slot];
    // ,"name": without what stands around the name.
    if (is_key(key, member.key + 2, member.key_count - 4u))
      return static_cast<int>(slot);
  }
  for (unsigned slot = 0; slot < table->member_count; slot++) {
    const char *original = table->members[slot].original;
    if (is_key(key, original, std::strlen(original)))
      return static_cast<int>(slot);
  }
  return -1;
}

// A key with its escapes resolved, which hardly any has: itself without.
bool walk::resolve(const char *key, const char **name) {
  const char *end = key;
  bool has_escapes = false;
  for (; *end != '"'; end++) {
    if (*end == '\\') {
      has_escapes = true;
      end++;
    }
  }
  *name = key;
  if (!has_escapes)
    return true;
  const characters content{key, static_cast<size_t>(end - key)};
  if (!out->room(content.count + TEXT_MARGIN + COTLP_KEY_ROOM))
    return fail_full(key);
  uint8_t *behind = out->end();
  const char *at = key;
  const cotlp_json_fault what = copy_text(content, &behind, &at);
  if (what != COTLP_JSON_SOUND)
    return fail(what, at);
  *behind = '"';
  *name = reinterpret_cast<const char *>(out->end());
  return true;
}

bool walk::request(ondemand::document &document, const cotlp_table *table) {
  ondemand::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS)
    return fail_syntax(text);
  if (!message(object, table, 0))
    return false;
  const char *rest;
  return document.current_location().get(rest) == simdjson::OUT_OF_BOUNDS || fail_syntax(rest);
}

bool walk::message(ondemand::object &object, const cotlp_table *table, unsigned depth) {
  uint32_t seen = 0;
  unsigned likely = 0;
  const char *last = text;
  for (auto next : object) {
    ondemand::field field;
    if (std::move(next).get(field) != simdjson::SUCCESS)
      return fail_syntax(last);
    const char *key = field.key().raw();
    last = key;
    int slot = find(table, key, likely);
    if (slot < 0) {
      const char *name;
      if (!resolve(key, &name))
        return false;
      if (name != key)
        slot = find(table, name, 0);
    }
    if (slot < 0) {
      if (!ignore(field.value(), 1))
        return false;
      continue;
    }
    likely = static_cast<unsigned>(slot) + 1;
    if (!member(field.value(), table->members[slot], seen >> slot & 1, depth))
      return false;
    seen |= UINT32_C(1) << slot;
  }
  return true;
}

// `again`: a value that stands for nothing has to be written too, as it replaces an earlier one.
bool walk::member(ondemand::value &value, const cotlp_member &member, bool again, unsigned depth) {
  const characters token = token_of(value);
  if (*token.at == 'n')
    return token.equals("null", 4) || fail_syntax(token.at);
  if (member.repeated)
    return array(value, member, depth);
  if (member.form == COTLP_FORM_MESSAGE)
    return submessage(value, token, member, depth);

  const bool must_write = member.always || again;
  if (member.wire_type == COTLP_WIRE_BYTES) {
    characters content;
    if (*token.at != '"')
      return fail(COTLP_JSON_WRONG_KIND, token.at, &member);
    return content_of(value, token, &content) && bytes(content, member, must_write);
  }
  uint64_t bits;
  if (*token.at == '"') {
    characters content;
    if (!content_of(value, token, &content))
      return false;
  }
  if (!number(token, member, &bits))
    return false;
  if (bits == 0 && !must_write)
    return true;
  if (!out->room(NUMBER_ROOM))
    return fail_full(token.at);
  tag(member, member.wire_type);
  raw_number(member.wire_type, bits);
  return true;
}

bool walk::submessage(ondemand::value &value, characters token, const cotlp_member &member, unsigned depth) {
  if (depth == COTLP_MAX_DEPTH)
    return fail(COTLP_JSON_NESTED, token.at);
  ondemand::object object;
  if (*token.at != '{')
    return fail(COTLP_JSON_WRONG_KIND, token.at, &member);
  if (value.get_object().get(object) != simdjson::SUCCESS)
    return fail_syntax(token.at);
  if (!out->room(MESSAGE_ROOM))
    return fail_full(token.at);
  uint8_t *known_width = &reader->widths[member.message->index];
  const unsigned width = depth < MOVABLE_DEPTH ? *known_width : unsigned{MAXIMUM_LENGTH_WIDTH};
  tag(member, COTLP_WIRE_BYTES);
  out->skip(width);
  const size_t start = out->count();
  if (!message(object, member.message, depth + 1))
    return false;
  if (!out->room(MESSAGE_ROOM))
    return fail_full(token.at);
  *known_width = static_cast<uint8_t>(out->put_length(start, width));
  return true;
}

bool walk::array(ondemand::value &value, const cotlp_member &member, unsigned depth) {
  const characters token = token_of(value);
  ondemand::array elements;
  if (*token.at != '[')
    return fail(COTLP_JSON_WRONG_KIND, token.at, &member);
  if (value.get_array().get(elements) != simdjson::SUCCESS)
    return fail_syntax(token.at);
  if (!out->room(MESSAGE_ROOM))
    return fail_full(token.at);
  const size_t before = out->count();
  if (member.packable) {
    tag(member, COTLP_WIRE_BYTES);
    out->skip(1);
  }
  const size_t start = out->count();
  for (auto next : elements) {
    ondemand::value element_value;
    if (std::move(next).get(element_value) != simdjson::SUCCESS)
      return fail_syntax(token.at);
    if (!element(element_value, member, member.packable, depth))
      return false;
  }
  if (!member.packable)
    return true;
  if (out->count() == start) {
    out->cut(before);
    return true;
  }
  if (!out->room(MESSAGE_ROOM))
    return fail_full(token.at);
  out->put_length(start, 1);
  return true;
}

bool walk::element(ondemand::value &value, const cotlp_member &member, bool is_packed, unsigned depth) {
  const characters token = token_of(value);
  if (member.form == COTLP_FORM_MESSAGE) {
    if (!token.equals("null", 4))
      return submessage(value, token, member, depth);
    // An element that says nothing, as the value of an attribute may.
    if (!out->room(MESSAGE_ROOM))
      return fail_full(token.at);
    tag(member, COTLP_WIRE_BYTES);
    out->byte(0);
    return true;
  }
  characters content;
  if (*token.at == '"' && !content_of(value, token, &content))
    return false;
  if (!is_packed)
    return *token.at == '"' ? bytes(content, member, true) : fail(COTLP_JSON_WRONG_KIND, token.at, &member);
  uint64_t bits;
  if (!number(token, member, &bits))
    return false;
  if (!out->room(NUMBER_ROOM))
    return fail_full(token.at);
  raw_number(member.wire_type, bits);
  return true;
}

// A text, an id or other bytes.
bool walk::bytes(characters content, const cotlp_member &member, bool must_write) {
  if (content.count == 0 && !must_write)
    return true;
  if (!out->room(content.count + MESSAGE_ROOM + TEXT_MARGIN))
    return fail_full(content.at);
  tag(member, COTLP_WIRE_BYTES);
  // Without escapes, and that is mostly, a text has the length that it has in JSON.
  const unsigned width = varint_size(member.form == COTLP_FORM_STRING ? content.count : content.count / 2);
  out->skip(width);
  const size_t start = out->count();
  size_t count;
  if (!decode(content, member, &count))
    return false;
  out->skip(count);
  out->put_length(start, width);
  return true;
}

// Writes what the characters between two quotes stand for to the end of the output, and tells how many bytes that is.
bool walk::decode(characters content, const cotlp_member &member, size_t *count) {
  uint8_t *const to = out->end();
  const bool is_hex = member.form == COTLP_FORM_HEX;
  const auto read = is_hex ? read_hex : read_base64;
  const bool is_text = member.form == COTLP_FORM_STRING;
  if (!is_text && read(content, to, count))
    return true;
  // Escapes may stand everywhere, even a slash's in base64.
  uint8_t *end = to;
  const char *at = content.at;
  const cotlp_json_fault what = copy_text(content, &end, &at);
  if (what != COTLP_JSON_SOUND)
    return fail(what, at, &member);
  *count = static_cast<size_t>(end - to);
  return is_text || read({reinterpret_cast<const char *>(to), *count}, to, count) ||
         fail(is_hex ? COTLP_JSON_BAD_HEX : COTLP_JSON_BAD_BASE64, content.at, &member);
}

// The bits of a number, bool or constant as they go on the wire.
bool walk::number(characters token, const cotlp_member &member, uint64_t *value) {
  const bool in_string = *token.at == '"';
  if (member.form == COTLP_FORM_BOOL) {
    *value = token.equals("true", 4);
    return *value || token.equals("false", 5) || fail(COTLP_JSON_WRONG_KIND, token.at, &member);
  }
  if (*token.at != '-' && !in_string && static_cast<unsigned char>(*token.at - '0') >= 10)
    return fail(COTLP_JSON_WRONG_KIND, token.at, &member);
  if (in_string)
    token = {token.at + 1, token.count - 2};
  if (member.form == COTLP_FORM_DOUBLE) {
    double number;
    if (!read_double(token, in_string, &number))
      return fail(COTLP_JSON_BAD_NUMBER, token.at, &member);
    std::memcpy(value, &number, sizeof number);
    return true;
  }
  if (in_string && member.form == COTLP_FORM_INT32 && member.enumeration && !is_number(token, true))
    return constant(token, member, value);
  return integer(token, in_string, member, value);
}

bool walk::integer(characters token, bool in_string, const cotlp_member &member, uint64_t *value) {
  bool negative;
  uint64_t magnitude;
  if (!read_integer(token, in_string, &negative, &magnitude))
    return fail(COTLP_JSON_BAD_NUMBER, token.at, &member);
  const bool is_short = member.form == COTLP_FORM_INT32 || member.form == COTLP_FORM_SINT32;
  const bool is_signed = is_short || member.form == COTLP_FORM_INT64 || member.form == COTLP_FORM_SINT64;
  const uint64_t half = is_short ? UINT64_C(1) << 31 : UINT64_C(1) << 63;
  const uint64_t most = is_signed ? half - !negative : member.form == COTLP_FORM_UINT32 ? UINT32_MAX : UINT64_MAX;
  if (magnitude > (is_signed || !negative ? most : 0))
    return fail(COTLP_JSON_BAD_NUMBER, token.at, &member);
  *value = negative ? 0 - magnitude : magnitude;
  if (member.form == COTLP_FORM_SINT32 || member.form == COTLP_FORM_SINT64)
    *value = *value << 1 ^ (negative && magnitude ? UINT64_MAX : 0);
  return true;
}

bool walk::constant(characters name, const cotlp_member &member, uint64_t *value) {
  char ended[NAME_ROOM];
  if (name.count >= sizeof ended)
    return fail(COTLP_JSON_BAD_NAME, name.at, &member);
  std::memcpy(ended, name.at, name.count);
  ended[name.count] = 0;
  const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value_by_name(member.enumeration, ended);
  if (!known)
    return fail(COTLP_JSON_BAD_NAME, name.at, &member);
  *value = static_cast<uint64_t>(static_cast<int64_t>(known->value));
  return true;
}

// Reads a value that means nothing to OTLP, and has to be JSON nevertheless.
bool walk::ignore(ondemand::value &value, unsigned depth) {
  const characters token = token_of(value);
  if (depth > MAXIMUM_UNKNOWN_DEPTH)
    return fail(COTLP_JSON_NESTED, token.at);
  switch (*token.at) {
  case '{': {
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS)
      return fail_syntax(token.at);
    for (auto next : object) {
      ondemand::field field;
      if (std::move(next).get(field) != simdjson::SUCCESS)
        return fail_syntax(token.at);
      const char *name;
      if (!resolve(field.key().raw(), &name) || !ignore(field.value(), depth + 1))
        return false;
    }
    return true;
  }
  case '[': {
    ondemand::array elements;
    if (value.get_array().get(elements) != simdjson::SUCCESS)
      return fail_syntax(token.at);
    for (auto next : elements) {
      ondemand::value element;
      if (std::move(next).get(element) != simdjson::SUCCESS)
        return fail_syntax(token.at);
      if (!ignore(element, depth + 1))
        return false;
    }
    return true;
  }
  case '"': {
    characters content;
    if (!content_of(value, token, &content))
      return false;
    if (!out->room(content.count + TEXT_MARGIN))
      return fail_full(token.at);
    uint8_t *scratch = out->end();
    const char *at = content.at;
    const cotlp_json_fault what = copy_text(content, &scratch, &at);
    return what == COTLP_JSON_SOUND || fail(what, at);
  }
  default:
    return is_number(token, false) || token.equals("true", 4) || token.equals("false", 5) || token.equals("null", 4) ||
           fail_syntax(token.at);
  }
}

// Where the first byte is that is not UTF-8.
const char *end_of_utf8(const char *text, size_t count) {
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
const char *end_of_strings(const char *text, size_t count) {
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

} // namespace

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
  if (reader->parser.capacity() < count &&
      reader->parser.allocate(count, MAXIMUM_JSON_DEPTH) != simdjson::SUCCESS)
    return count > simdjson::SIMDJSON_MAXSIZE_BYTES ? COTLP_JSON_TOO_LARGE : COTLP_JSON_NO_MEMORY;
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
    walk walked(reader, start, &out);
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
