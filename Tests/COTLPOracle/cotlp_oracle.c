#include "cotlp_oracle.h"

#include <stdlib.h>

#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"

static ProtobufCMessage *unpack(cotlp_signal signal, const uint8_t *bytes, size_t count) {
  const ProtobufCMessageDescriptor *descriptor = NULL;
  switch (signal) {
    case COTLP_TRACES:
      descriptor = &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor;
      break;
    case COTLP_LOGS:
      descriptor = &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor;
      break;
    case COTLP_METRICS:
      descriptor = &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor;
      break;
  }
  return protobuf_c_message_unpack(descriptor, NULL, count, bytes);
}

bool cotlp_oracle_accepts(cotlp_signal signal, const uint8_t *bytes, size_t count) {
  ProtobufCMessage *message = unpack(signal, bytes, count);
  protobuf_c_message_free_unpacked(message, NULL);
  return message != NULL;
}

bool cotlp_oracle_repack(cotlp_signal signal, const uint8_t *bytes, size_t count, cotlp_bytes *output) {
  ProtobufCMessage *message = unpack(signal, bytes, count);
  if (!message) return false;
  output->count = protobuf_c_message_get_packed_size(message);
  output->data = malloc(output->count ? output->count : 1);
  if (!output->data) abort();
  protobuf_c_message_pack(message, output->data);
  protobuf_c_message_free_unpacked(message, NULL);
  return true;
}
