#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The messages that can be written as OTLP/JSON.
typedef enum cotlp_json_message {
  COTLP_JSON_TRACES_REQUEST,
  COTLP_JSON_LOGS_REQUEST,
  COTLP_JSON_METRICS_REQUEST,
  COTLP_JSON_TRACES_RESPONSE,
  COTLP_JSON_LOGS_RESPONSE,
  COTLP_JSON_METRICS_RESPONSE,
  COTLP_JSON_STATUS,
} cotlp_json_message;

typedef enum cotlp_json_result {
  COTLP_JSON_WRITTEN,
  /// The output has no room for the whole text.
  COTLP_JSON_FULL,
  /// The bytes are no such message.
  COTLP_JSON_MALFORMED,
  /// A submessage lies more than 64 levels below the message.
  COTLP_JSON_TOO_DEEP,
  COTLP_JSON_OUT_OF_MEMORY,
} cotlp_json_result;

/// Writes an encoded message as one line of OTLP/JSON, without decoding it into objects.
///
/// At most 2 GiB of message. `written` tells the length of the text; what `output` holds after a failure has no meaning.
/// Needs no memory of its own but for a submessage that is split into several occurrences of its field.
cotlp_json_result cotlp_json_write(
    cotlp_json_message kind, const uint8_t *message, size_t count, uint8_t *output, size_t capacity, size_t *written);

#ifdef __cplusplus
}
#endif
