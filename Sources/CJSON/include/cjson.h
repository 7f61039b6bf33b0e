#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A parser and the document that it parsed last. Memory is kept for the next one.
typedef struct cjson_document cjson_document;

/// A value of a document, good until that parses again.
typedef struct cjson_value {
  const void *document;
  size_t position;
} cjson_value;

/// Where a walk through an array or an object is.
typedef struct cjson_cursor {
  cjson_value next, end;
} cjson_cursor;

typedef struct cjson_text {
  const char *bytes;
  size_t count;
} cjson_text;

typedef enum cjson_result {
  CJSON_PARSED,
  /// Anything else that is wrong with the text.
  CJSON_SYNTAX,
  CJSON_EMPTY,
  CJSON_NOT_UTF8,
  CJSON_TOO_DEEP,
  /// A number that no 64-bit number can be.
  CJSON_BAD_NUMBER,
  /// 4 GiB or more.
  CJSON_TOO_LARGE,
  CJSON_OUT_OF_MEMORY,
} cjson_result;

typedef enum cjson_kind {
  CJSON_NULL,
  CJSON_BOOL,
  /// An integer from INT64_MIN to INT64_MAX.
  CJSON_INT,
  /// A larger one, up to UINT64_MAX.
  CJSON_UINT,
  CJSON_DOUBLE,
  CJSON_STRING,
  CJSON_ARRAY,
  CJSON_OBJECT,
} cjson_kind;

/// Null without memory. Arrays and objects may be nested `max_depth` deep.
cjson_document *cjson_create(size_t max_depth);
void cjson_destroy(cjson_document *document);

/// Parses text, which need not outlive the call, nor have room behind it. What was parsed before is gone.
cjson_result cjson_parse(cjson_document *document, const uint8_t *text, size_t count, cjson_value *root);

cjson_kind cjson_kind_of(cjson_value value);

/// The following take values of their kind, and have nothing to say of others: false, 0, an empty text.
bool cjson_bool(cjson_value value);
int64_t cjson_int(cjson_value value);
uint64_t cjson_uint(cjson_value value);
double cjson_double(cjson_value value);
cjson_text cjson_string(cjson_value value);

/// From the first element of an array, or member of an object; of other values, at the end.
cjson_cursor cjson_start(cjson_value container);
/// The next element of an array. False at the end.
bool cjson_next_element(cjson_cursor *cursor, cjson_value *value);
/// The next member of an object. False at the end.
bool cjson_next_member(cjson_cursor *cursor, cjson_text *key, cjson_value *value);

#ifdef __cplusplus
}
#endif
