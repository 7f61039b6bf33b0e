// simdjson's DOM for Swift. No exception is thrown: simdjson is told to leave that out, and its functions are noexcept.

#define SIMDJSON_EXCEPTIONS 0
#include "cjson.h"

#include <cstring>
#include <new>
#include <simdjson.h>
#include <type_traits>

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

struct cjson_document {
  simdjson::dom::parser parser;
};

// An element, and an iterator, is a document and a place on its tape. They go to Swift as these two words.
template <class To, class From> static To words(const From &from) {
  static_assert(sizeof(To) == sizeof(From), "a value is two words");
  static_assert(std::is_trivially_copyable<To>::value && std::is_trivially_copyable<From>::value, "of no more");
  To to;
  std::memcpy(static_cast<void *>(&to), static_cast<const void *>(&from), sizeof to);
  return to;
}

static element element_of(cjson_value value) { return words<element>(value); }

cjson_document *cjson_create(size_t max_depth) {
  auto *document = new (std::nothrow) cjson_document;
  if (document && document->parser.allocate(0, max_depth) != simdjson::SUCCESS) {
    delete document;
    return nullptr;
  }
  return document;
}

void cjson_destroy(cjson_document *document) { delete document; }

cjson_result cjson_parse(cjson_document *document, const uint8_t *text, size_t count, cjson_value *root) {
  // simdjson would copy from null.
  if (count == 0)
    return CJSON_EMPTY;
  element parsed;
  switch (document->parser.parse(text, count, /* copy, to have room behind it */ true).get(parsed)) {
  case simdjson::SUCCESS:
    *root = words<cjson_value>(parsed);
    return CJSON_PARSED;
  case simdjson::EMPTY:
    return CJSON_EMPTY;
  case simdjson::UTF8_ERROR:
    return CJSON_NOT_UTF8;
  case simdjson::DEPTH_ERROR:
    return CJSON_TOO_DEEP;
  case simdjson::NUMBER_ERROR:
  case simdjson::NUMBER_OUT_OF_RANGE:
    return CJSON_BAD_NUMBER;
  case simdjson::CAPACITY:
    return CJSON_TOO_LARGE;
  case simdjson::MEMALLOC:
    return CJSON_OUT_OF_MEMORY;
  default:
    return CJSON_SYNTAX;
  }
}

cjson_kind cjson_kind_of(cjson_value value) {
  switch (element_of(value).type()) {
  case simdjson::dom::element_type::BOOL:
    return CJSON_BOOL;
  case simdjson::dom::element_type::INT64:
    return CJSON_INT;
  case simdjson::dom::element_type::UINT64:
    return CJSON_UINT;
  case simdjson::dom::element_type::DOUBLE:
    return CJSON_DOUBLE;
  case simdjson::dom::element_type::STRING:
    return CJSON_STRING;
  case simdjson::dom::element_type::ARRAY:
    return CJSON_ARRAY;
  case simdjson::dom::element_type::OBJECT:
    return CJSON_OBJECT;
  default:
    return CJSON_NULL;
  }
}

bool cjson_bool(cjson_value value) {
  bool result = false;
  return element_of(value).get_bool().get(result) == simdjson::SUCCESS && result;
}

int64_t cjson_int(cjson_value value) {
  int64_t result = 0;
  return element_of(value).get_int64().get(result) == simdjson::SUCCESS ? result : 0;
}

uint64_t cjson_uint(cjson_value value) {
  uint64_t result = 0;
  return element_of(value).get_uint64().get(result) == simdjson::SUCCESS ? result : 0;
}

double cjson_double(cjson_value value) {
  double result = 0;
  return element_of(value).get_double().get(result) == simdjson::SUCCESS ? result : 0;
}

cjson_text cjson_string(cjson_value value) {
  std::string_view text;
  if (element_of(value).get_string().get(text) != simdjson::SUCCESS)
    return {nullptr, 0};
  return {text.data(), text.size()};
}

cjson_cursor cjson_start(cjson_value container) {
  object members;
  if (element_of(container).get_object().get(members) == simdjson::SUCCESS)
    return {words<cjson_value>(members.begin()), words<cjson_value>(members.end())};
  array elements;
  if (element_of(container).get_array().get(elements) == simdjson::SUCCESS)
    return {words<cjson_value>(elements.begin()), words<cjson_value>(elements.end())};
  return {container, container};
}

bool cjson_next_element(cjson_cursor *cursor, cjson_value *value) {
  auto next = words<array::iterator>(cursor->next);
  if (next == words<array::iterator>(cursor->end))
    return false;
  *value = words<cjson_value>(*next);
  cursor->next = words<cjson_value>(++next);
  return true;
}

bool cjson_next_member(cjson_cursor *cursor, cjson_text *key, cjson_value *value) {
  auto next = words<object::iterator>(cursor->next);
  if (next == words<object::iterator>(cursor->end))
    return false;
  *key = {next.key_c_str(), next.key_length()};
  *value = words<cjson_value>(next.value());
  cursor->next = words<cjson_value>(++next);
  return true;
}
