#pragma once

// The walk over a JSON text that writes a message's protobuf bytes. C++, with simdjson; no exception is thrown.

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include "cotlp_index.h"
#include "cotlp_json_output.h"
#include "cotlp_json_scalars.h"
#include "cotlp_tables.h"
#include "cotlp_wire.h"

namespace cotlp {

namespace ondemand = simdjson::ondemand;

enum {
  MAXIMUM_UNKNOWN_DEPTH = 256,
  // Of arrays and objects: a list between any two messages.
  MAXIMUM_JSON_DEPTH = 2 * COTLP_MAX_DEPTH + MAXIMUM_UNKNOWN_DEPTH + 8,
  // Room for the tag and length of a message, and what closing it may need.
  MESSAGE_ROOM = 16,
};

class walk {
public:
  // `widths`: how many bytes the length of the last message of each table took, or a guess.
  walk(const char *text, output *out, uint8_t *widths) : text(text), out(out), widths(widths) {}

  // False after a fault, of which the following tell.
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

  // In cotlp_json_walk.cpp: messages and their members.
  bool message(ondemand::object &object, const cotlp_table *table, unsigned depth);
  int find(const cotlp_table *table, const char *key, unsigned likely);
  bool resolve(const char *key, const char **name);
  bool member(ondemand::value &value, const cotlp_member &member, bool again, unsigned depth);
  bool submessage(ondemand::value &value, characters token, const cotlp_member &member, unsigned depth);
  bool array(ondemand::value &value, const cotlp_member &member, unsigned depth);
  bool element(ondemand::value &value, const cotlp_member &member, unsigned depth);
  bool ignore(ondemand::value &value, unsigned depth);

  // In cotlp_json_fields.cpp: what fields hold.
  bool bytes(characters content, const cotlp_member &member, bool must_write);
  bool decode(characters content, const cotlp_member &member, size_t *count);
  bool number(characters token, const cotlp_member &member, uint64_t *value);
  bool integer(characters token, bool in_string, const cotlp_member &member, uint64_t *value);
  bool constant(characters name, const cotlp_member &member, uint64_t *value);

  // A fault that simdjson tells of, near `at`.
  bool fail_syntax(const char *at) { return fail(COTLP_JSON_BAD_SYNTAX, at); }

  static bool is_blank(char character) {
    return character == ' ' || character == '\n' || character == '\r' || character == '\t';
  }

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

  void tag(const cotlp_member &member, unsigned wire_type) { out->varint(member.number << 3 | wire_type); }

  void raw_number(unsigned wire_type, uint64_t value) {
    if (wire_type == COTLP_WIRE_VARINT)
      out->varint(value);
    else
      out->bytes(&value, wire_type == COTLP_WIRE_FIXED64 ? 8 : 4);
  }

  const char *const text;
  output *const out;
  uint8_t *const widths;
};

} // namespace cotlp
