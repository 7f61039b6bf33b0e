#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cotlp_signal {
  COTLP_TRACES,
  COTLP_LOGS,
  COTLP_METRICS,
} cotlp_signal;

/// Bytes that the caller owns and gives back with cotlp_bytes_free.
typedef struct cotlp_bytes {
  uint8_t *data;
  size_t count;
} cotlp_bytes;

void cotlp_bytes_free(cotlp_bytes bytes);

/// Encodes a google.rpc.Status. `message` ends with a NUL and is UTF-8.
cotlp_bytes cotlp_encode_status(int32_t code, const char *message);

/// Encodes a google.rpc.Status whose details are a google.rpc.RetryInfo with that many seconds, 127 at most.
cotlp_bytes cotlp_encode_status_with_retry(int32_t code, const char *message, uint8_t seconds);

/// Encodes an export response of a signal with a partial success in it. `message` ends with a NUL and is UTF-8.
cotlp_bytes cotlp_encode_partial_success(cotlp_signal signal, int64_t rejected, const char *message);

/// A number and a text read from a reply. The text lies within the bytes that were decoded (NULL when empty), need not
/// be UTF-8 and does not end with a NUL.
typedef struct cotlp_reply {
  bool present;
  int64_t number;
  const uint8_t *text;
  size_t text_count;
} cotlp_reply;

/// Reads code and message of a google.rpc.Status. False: the bytes are no protobuf message.
bool cotlp_decode_status(const uint8_t *bytes, size_t count, cotlp_reply *reply);

/// Reads the partial success of any signal's export response: they are alike on the wire. `present` tells whether there
/// is one. False: the bytes are no protobuf message.
bool cotlp_decode_partial_success(const uint8_t *bytes, size_t count, cotlp_reply *reply);

#ifdef __cplusplus
}
#endif
