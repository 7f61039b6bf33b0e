#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cotlp_json.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Bytes that have to follow a text that is read. They must be zeros.
enum { COTLP_JSON_MARGIN = 64 };

/// Reads texts, one at a time, and keeps what memory that took: an index of the text, of four bytes for each bracket, brace,
/// comma, colon and scalar.
typedef struct cotlp_json_reader cotlp_json_reader;

typedef enum cotlp_json_fault {
  COTLP_JSON_SOUND = 0,
  /// The text is no JSON.
  COTLP_JSON_BAD_SYNTAX,
  COTLP_JSON_NOT_UTF8,
  /// An escape that JSON does not have, or one of half a surrogate pair.
  COTLP_JSON_BAD_ESCAPE,
  /// Not the kind of value that the field has: a number for a text, an object for a list.
  COTLP_JSON_WRONG_KIND,
  /// No number, or none that the field can hold.
  COTLP_JSON_BAD_NUMBER,
  /// No constant of the field's enum has this name.
  COTLP_JSON_BAD_NAME,
  COTLP_JSON_BAD_HEX,
  COTLP_JSON_BAD_BASE64,
  /// Messages more than 64 levels below the request; unknown values more than 256 levels deep.
  COTLP_JSON_NESTED,
  /// The message would have more bytes than is allowed.
  COTLP_JSON_TOO_LARGE,
  COTLP_JSON_NO_MEMORY,
} cotlp_json_fault;

/// Where the message goes: memory of at least so many bytes, which begins with what was written to it before. Its real
/// size goes to `capacity`.
typedef uint8_t *(*cotlp_json_reserve)(void *context, size_t wanted, size_t *capacity);

/// How a text was read.
typedef struct cotlp_json_reading {
  /// Bytes of the message.
  size_t written;
  /// Where the fault lies, in bytes from the beginning of the text.
  size_t offset;
  /// The field that the fault is in, as JSON names it; not ended by a NUL. NULL where there is none.
  const char *field;
  size_t field_count;
} cotlp_json_reading;

/// NULL without memory.
cotlp_json_reader *cotlp_json_reader_create(void);
void cotlp_json_reader_destroy(cotlp_json_reader *reader);

/// Writes an OTLP/JSON text of at most 2 GiB as the message's protobuf bytes.
cotlp_json_fault cotlp_json_read(
    cotlp_json_reader *reader, cotlp_json_message kind, const uint8_t *text, size_t count, size_t limit,
    cotlp_json_reserve reserve, void *context, cotlp_json_reading *reading);

#ifdef __cplusplus
}
#endif
