#pragma once

// What writing and reading JSON has to know of each message, worked out once from libprotobuf-c's descriptors.

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "cotlp_json.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  COTLP_MAXIMUM_TABLES = 48,
  COTLP_MAXIMUM_NUMBER = 31,
  COTLP_MAXIMUM_MEMBERS = 20,
  COTLP_KEY_ROOM = 32,
  COTLP_NO_SLOT = 0xff,
};

// How a value is written.
enum cotlp_form {
  COTLP_FORM_MESSAGE,
  COTLP_FORM_STRING,
  COTLP_FORM_HEX,
  COTLP_FORM_BASE64,
  COTLP_FORM_BOOL,
  COTLP_FORM_INT32,
  COTLP_FORM_SINT32,
  COTLP_FORM_UINT32,
  COTLP_FORM_INT64,
  COTLP_FORM_SINT64,
  COTLP_FORM_UINT64,
  COTLP_FORM_DOUBLE,
};

struct cotlp_table;

// As long as a cache line, and found by a shift.
struct cotlp_member {
  // The name as it goes into the text: ,"traceId":
  char key[COTLP_KEY_ROOM];
  uint8_t key_count;
  uint8_t form;
  // Of one element.
  uint8_t wire_type;
  uint8_t number;
  bool repeated;
  // Its occurrences add up, as elements or as pieces of one submessage, rather than the last one counting.
  bool gathers;
  // Elements may also come several in one COTLP_WIRE_BYTES field.
  bool packable;
  // Written even when it holds its default: a member of a oneof, where presence is the message.
  bool always;
  // The other members of its oneof, by slot: at most one of them is set.
  uint32_t siblings;
  // The name as it stands in proto/: trace_id
  const char *original;
  union {
    // For COTLP_FORM_MESSAGE.
    const struct cotlp_table *message;
    // For others: of an enum; else NULL.
    const ProtobufCEnumDescriptor *enumeration;
  };
} __attribute__((aligned(64)));

// The members of a message, in the order in which they are written. The place of a member is its slot.
struct cotlp_table {
  const void *descriptor;
  // Which of all tables this is.
  uint32_t index;
  // By field number.
  uint8_t slots[COTLP_MAXIMUM_NUMBER + 1];
  uint32_t member_count;
  struct cotlp_member members[COTLP_MAXIMUM_MEMBERS];
};

// The table of a message; safe from any thread.
const struct cotlp_table *cotlp_table_of(cotlp_json_message kind);

#ifdef __cplusplus
}
#endif
