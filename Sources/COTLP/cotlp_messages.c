#include "cotlp_messages.h"

#include <stdlib.h>

#include "cotlp_wire.h"
#include "google/rpc/status.pb-c.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"

void cotlp_bytes_free(cotlp_bytes bytes) {
  free(bytes.data);
}

static cotlp_bytes pack(const ProtobufCMessage *message) {
  cotlp_bytes bytes = {.count = protobuf_c_message_get_packed_size(message)};
  bytes.data = malloc(bytes.count ? bytes.count : 1);
  if (!bytes.data) abort();
  protobuf_c_message_pack(message, bytes.data);
  return bytes;
}

cotlp_bytes cotlp_encode_status(int32_t code, const char *message) {
  Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
  status.code = code;
  status.message = (char *)message;
  return pack(&status.base);
}

cotlp_bytes cotlp_encode_status_with_retry(int32_t code, const char *message, uint8_t seconds) {
  // RetryInfo's field 1 is a Duration, whose field 1 are seconds.
  uint8_t retry_info[] = {0x0A, 0x02, 0x08, seconds};
  if (seconds > 127) abort();
  Google__Protobuf__Any detail = GOOGLE__PROTOBUF__ANY__INIT;
  detail.type_url = "type.googleapis.com/google.rpc.RetryInfo";
  detail.value = (ProtobufCBinaryData){.len = sizeof retry_info, .data = retry_info};
  Google__Protobuf__Any *details[] = {&detail};
  Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
  status.code = code;
  status.message = (char *)message;
  status.n_details = 1;
  status.details = details;
  return pack(&status.base);
}

cotlp_bytes cotlp_encode_partial_success(cotlp_signal signal, int64_t rejected, const char *message) {
  switch (signal) {
    case COTLP_LOGS: {
      Opentelemetry__Proto__Collector__Logs__V1__ExportLogsPartialSuccess partial =
          OPENTELEMETRY__PROTO__COLLECTOR__LOGS__V1__EXPORT_LOGS_PARTIAL_SUCCESS__INIT;
      Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceResponse response =
          OPENTELEMETRY__PROTO__COLLECTOR__LOGS__V1__EXPORT_LOGS_SERVICE_RESPONSE__INIT;
      partial.rejected_log_records = rejected;
      partial.error_message = (char *)message;
      response.partial_success = &partial;
      return pack(&response.base);
    }
    case COTLP_METRICS: {
      Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsPartialSuccess partial =
          OPENTELEMETRY__PROTO__COLLECTOR__METRICS__V1__EXPORT_METRICS_PARTIAL_SUCCESS__INIT;
      Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceResponse response =
          OPENTELEMETRY__PROTO__COLLECTOR__METRICS__V1__EXPORT_METRICS_SERVICE_RESPONSE__INIT;
      partial.rejected_data_points = rejected;
      partial.error_message = (char *)message;
      response.partial_success = &partial;
      return pack(&response.base);
    }
    case COTLP_TRACES:
      break;
  }
  Opentelemetry__Proto__Collector__Trace__V1__ExportTracePartialSuccess partial =
      OPENTELEMETRY__PROTO__COLLECTOR__TRACE__V1__EXPORT_TRACE_PARTIAL_SUCCESS__INIT;
  Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse response =
      OPENTELEMETRY__PROTO__COLLECTOR__TRACE__V1__EXPORT_TRACE_SERVICE_RESPONSE__INIT;
  partial.rejected_spans = rejected;
  partial.error_message = (char *)message;
  response.partial_success = &partial;
  return pack(&response.base);
}

// Status and the partial successes are alike: field 1 a number, field 2 a text. Read in place rather than unpacked, as
// an unpacked message can need a multiple of its bytes, and the peer chose them.
static bool read_number_and_text(const uint8_t *at, size_t count, cotlp_reply *reply) {
  if (count == 0) return true;
  const uint8_t *end = at + count;
  while (at < end) {
    struct cotlp_field field;
    at = cotlp_read_field(at, end, &field);
    if (!at) return false;
    if (field.number == 1 && field.wire_type == COTLP_WIRE_VARINT) {
      reply->number = (int64_t)field.value;
    } else if (field.number == 2 && field.wire_type == COTLP_WIRE_BYTES) {
      reply->text = field.value > 0 ? field.payload : NULL;
      reply->text_count = field.value;
    }
  }
  return true;
}

bool cotlp_decode_status(const uint8_t *bytes, size_t count, cotlp_reply *reply) {
  *reply = (cotlp_reply){.present = true};
  if (!read_number_and_text(bytes, count, reply)) return false;
  reply->number = (int32_t)reply->number;
  return true;
}

bool cotlp_decode_partial_success(const uint8_t *bytes, size_t count, cotlp_reply *reply) {
  *reply = (cotlp_reply){0};
  if (count == 0) return true;
  const uint8_t *at = bytes, *end = bytes + count;
  while (at < end) {
    struct cotlp_field field;
    at = cotlp_read_field(at, end, &field);
    if (!at) return false;
    if (field.number != 1 || field.wire_type != COTLP_WIRE_BYTES) continue;
    reply->present = true;
    if (!read_number_and_text(field.payload, field.value, reply)) return false;
  }
  return true;
}
