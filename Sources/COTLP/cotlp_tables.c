#include "cotlp_tables.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cotlp_wire.h"
#include "google/rpc/status.pb-c.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"

enum { MESSAGE_KINDS = COTLP_JSON_STATUS + 1 };

static struct cotlp_table tables[COTLP_MAXIMUM_TABLES];
static unsigned table_count;
static const struct cotlp_table *roots[MESSAGE_KINDS];

// A schema that outgrows the tables or has a type that OTLP never had: our own mistake, seen by every test.
static void require(bool condition) {
  if (!condition) abort();
}

static bool is_id(const char *name) {
  return !strcmp(name, "trace_id") || !strcmp(name, "span_id") || !strcmp(name, "parent_span_id");
}

static void set_form(struct cotlp_member *member, enum cotlp_form form, enum cotlp_wire_type wire_type) {
  member->form = (uint8_t)form;
  member->wire_type = (uint8_t)wire_type;
}

static void choose_form(struct cotlp_member *member, const ProtobufCFieldDescriptor *field) {
  switch (field->type) {
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_INT32: set_form(member, COTLP_FORM_INT32, COTLP_WIRE_VARINT); return;
    case PROTOBUF_C_TYPE_SINT32: set_form(member, COTLP_FORM_SINT32, COTLP_WIRE_VARINT); return;
    case PROTOBUF_C_TYPE_SFIXED32: set_form(member, COTLP_FORM_INT32, COTLP_WIRE_FIXED32); return;
    case PROTOBUF_C_TYPE_UINT32: set_form(member, COTLP_FORM_UINT32, COTLP_WIRE_VARINT); return;
    case PROTOBUF_C_TYPE_FIXED32: set_form(member, COTLP_FORM_UINT32, COTLP_WIRE_FIXED32); return;
    case PROTOBUF_C_TYPE_INT64: set_form(member, COTLP_FORM_INT64, COTLP_WIRE_VARINT); return;
    case PROTOBUF_C_TYPE_SINT64: set_form(member, COTLP_FORM_SINT64, COTLP_WIRE_VARINT); return;
    case PROTOBUF_C_TYPE_SFIXED64: set_form(member, COTLP_FORM_INT64, COTLP_WIRE_FIXED64); return;
    case PROTOBUF_C_TYPE_UINT64: set_form(member, COTLP_FORM_UINT64, COTLP_WIRE_VARINT); return;
    case PROTOBUF_C_TYPE_FIXED64: set_form(member, COTLP_FORM_UINT64, COTLP_WIRE_FIXED64); return;
    case PROTOBUF_C_TYPE_DOUBLE: set_form(member, COTLP_FORM_DOUBLE, COTLP_WIRE_FIXED64); return;
    case PROTOBUF_C_TYPE_BOOL: set_form(member, COTLP_FORM_BOOL, COTLP_WIRE_VARINT); return;
    case PROTOBUF_C_TYPE_STRING: set_form(member, COTLP_FORM_STRING, COTLP_WIRE_BYTES); return;
    case PROTOBUF_C_TYPE_BYTES:
      set_form(member, is_id(field->name) ? COTLP_FORM_HEX : COTLP_FORM_BASE64, COTLP_WIRE_BYTES);
      return;
    case PROTOBUF_C_TYPE_MESSAGE: set_form(member, COTLP_FORM_MESSAGE, COTLP_WIRE_BYTES); return;
    case PROTOBUF_C_TYPE_FLOAT: break;
  }
  require(false);
}

// dropped_links_count → ,"droppedLinksCount":
static void set_key(struct cotlp_member *member, const char *name) {
  unsigned count = 0;
  member->key[count++] = ',';
  member->key[count++] = '"';
  for (; *name; name++) {
    require(count + 3 <= COTLP_KEY_ROOM);
    bool hump = *name == '_' && name[1] >= 'a' && name[1] <= 'z';
    member->key[count++] = hump ? (char)(*++name - 'a' + 'A') : *name;
  }
  member->key[count++] = '"';
  member->key[count++] = ':';
  member->key_count = (uint8_t)count;
}

static bool is_in_oneof(const ProtobufCFieldDescriptor *field) {
  return field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
}

static bool share_oneof(const ProtobufCFieldDescriptor *one, const ProtobufCFieldDescriptor *other) {
  return is_in_oneof(one) && is_in_oneof(other) && one->quantifier_offset == other->quantifier_offset;
}

// Where a field is written: sorts like its declaration in proto/, which is the order of the OpenTelemetry Collector.
// Descriptors come sorted by number; but the members of the generated structs lie in declaration order, save for oneofs,
// which lie at the end: these are written after the last plain field declared with a lower number than theirs.
static uint64_t declaration_order(const ProtobufCMessageDescriptor *descriptor, const ProtobufCFieldDescriptor *field) {
  if (!is_in_oneof(field)) return (uint64_t)field->offset << 32;
  const ProtobufCFieldDescriptor *first = descriptor->fields;
  while (!share_oneof(first, field)) first++;
  uint64_t before = 0;
  for (unsigned index = 0; index < descriptor->n_fields; index++) {
    const ProtobufCFieldDescriptor *other = &descriptor->fields[index];
    if (!is_in_oneof(other) && other->id < first->id && other->offset > before) before = other->offset;
  }
  return before << 32 | field->id;
}

static const struct cotlp_table *build(const ProtobufCMessageDescriptor *descriptor) {
  for (unsigned index = 0; index < table_count; index++) {
    if (tables[index].descriptor == descriptor) return &tables[index];
  }
  require(table_count < COTLP_MAXIMUM_TABLES && descriptor->n_fields <= COTLP_MAXIMUM_MEMBERS);
  struct cotlp_table *table = &tables[table_count];
  table->index = table_count++;
  table->descriptor = descriptor;
  table->member_count = descriptor->n_fields;
  memset(table->slots, COTLP_NO_SLOT, sizeof table->slots);

  const ProtobufCFieldDescriptor *ordered[COTLP_MAXIMUM_MEMBERS];
  for (unsigned index = 0; index < descriptor->n_fields; index++) {
    const ProtobufCFieldDescriptor *field = &descriptor->fields[index];
    unsigned slot = index;
    for (; slot > 0; slot--) {
      if (declaration_order(descriptor, ordered[slot - 1]) < declaration_order(descriptor, field)) break;
      ordered[slot] = ordered[slot - 1];
    }
    ordered[slot] = field;
  }

  for (unsigned slot = 0; slot < table->member_count; slot++) {
    const ProtobufCFieldDescriptor *field = ordered[slot];
    struct cotlp_member *member = &table->members[slot];
    require(field->id <= COTLP_MAXIMUM_NUMBER);
    table->slots[field->id] = (uint8_t)slot;
    member->number = (uint8_t)field->id;
    set_key(member, field->name);
    member->original = field->name;
    choose_form(member, field);
    member->repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    member->gathers = member->repeated || member->form == COTLP_FORM_MESSAGE;
    member->packable = member->repeated && member->wire_type != COTLP_WIRE_BYTES;
    member->always = is_in_oneof(field);
    for (unsigned other = 0; other < table->member_count; other++) {
      if (other != slot && share_oneof(field, ordered[other])) member->siblings |= 1u << other;
    }
    if (member->form == COTLP_FORM_MESSAGE) member->message = build(field->descriptor);
    if (field->type == PROTOBUF_C_TYPE_ENUM) member->enumeration = field->descriptor;
  }
  return table;
}

static void build_all(void) {
  roots[COTLP_JSON_TRACES_REQUEST] =
      build(&opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor);
  roots[COTLP_JSON_LOGS_REQUEST] =
      build(&opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor);
  roots[COTLP_JSON_METRICS_REQUEST] =
      build(&opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor);
  roots[COTLP_JSON_TRACES_RESPONSE] =
      build(&opentelemetry__proto__collector__trace__v1__export_trace_service_response__descriptor);
  roots[COTLP_JSON_LOGS_RESPONSE] =
      build(&opentelemetry__proto__collector__logs__v1__export_logs_service_response__descriptor);
  roots[COTLP_JSON_METRICS_RESPONSE] =
      build(&opentelemetry__proto__collector__metrics__v1__export_metrics_service_response__descriptor);
  roots[COTLP_JSON_STATUS] = build(&google__rpc__status__descriptor);
}

const struct cotlp_table *cotlp_table_of(cotlp_json_message kind) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, build_all);
  return roots[kind];
}
