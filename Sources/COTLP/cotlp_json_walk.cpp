// Messages and their members, in the order of the text.
//
// A message's length stands before it and is known after it. So as many bytes are left for it as the last message of its
// kind took, and the message is moved where that was wrong.

#include "cotlp_json_walk.h"

namespace cotlp {

enum {
  // Deeper messages are not moved when they turn out longer than thought, so that nothing is moved dozens of times.
  MOVABLE_DEPTH = 12,
  MAXIMUM_LENGTH_WIDTH = 5,
  // Room for a field that is a number: tag and value.
  NUMBER_ROOM = 16,
};

static uint64_t eight(const char *at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Whether a key is this name, and ends there. Eight characters may be read of either.
static inline bool is_key(const char *key, const char *name, size_t count) {
  if (count < 8)
    return (eight(key) ^ eight(name)) << (64 - 8 * count) == 0 && key[count] == '"';
  return eight(key) == eight(name) && eight(key + count - 8) == eight(name + count - 8) && key[count] == '"' &&
         (count <= 16 || !std::memcmp(key + 8, name + 8, count - 16));
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
    const size_t count = std::strlen(original);
    if (!std::strncmp(key, original, count) && key[count] == '"')
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
  const char *rest = text;
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
  uint8_t *known_width = &widths[member.message->index];
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
    if (!element(element_value, member, depth))
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

bool walk::element(ondemand::value &value, const cotlp_member &member, unsigned depth) {
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
  if (!member.packable)
    return *token.at == '"' ? bytes(content, member, true) : fail(COTLP_JSON_WRONG_KIND, token.at, &member);
  uint64_t bits;
  if (!number(token, member, &bits))
    return false;
  if (!out->room(NUMBER_ROOM))
    return fail_full(token.at);
  raw_number(member.wire_type, bits);
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

} // namespace cotlp
