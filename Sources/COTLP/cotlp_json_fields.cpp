// What fields hold: texts, ids, bytes, numbers, constants.

#include "cotlp_json_walk.h"

namespace cotlp {

// No name of a constant is longer.
enum { NAME_ROOM = 64 };

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

} // namespace cotlp
