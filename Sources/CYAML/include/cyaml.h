#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Reads one YAML stream as a flat list of events. Not safe to use from two threads at once.
typedef struct cyaml_reader cyaml_reader;

/// What an event says.
typedef enum cyaml_kind {
  CYAML_STREAM_END,
  CYAML_DOCUMENT_START,
  CYAML_DOCUMENT_END,
  CYAML_ALIAS,
  CYAML_SCALAR,
  CYAML_SEQUENCE_START,
  CYAML_SEQUENCE_END,
  CYAML_MAPPING_START,
  CYAML_MAPPING_END,
} cyaml_kind;

/// One event. Every pointer belongs to the reader and holds until the next call with it.
typedef struct cyaml_event {
  cyaml_kind kind;
  /// A scalar was written without quotes and is no block scalar.
  bool is_plain;
  /// The scalar's text (UTF-8, not terminated), NULL for any other event.
  const uint8_t *_Nullable text;
  /// Bytes in `text`.
  size_t text_length;
  /// The anchor of a node or the name an alias refers to, or NULL.
  const char *_Nullable anchor;
  /// The tag of a node in its long form, or NULL.
  const char *_Nullable tag;
  /// Where it starts, in lines and characters from 0.
  size_t line;
  size_t column;
} cyaml_event;

/// Why reading stopped. The texts are constants of the library; they hold for ever.
typedef struct cyaml_failure {
  /// The fault in a few words, never NULL.
  const char *_Nonnull problem;
  /// What was being read, or NULL.
  const char *_Nullable context;
  /// The bytes themselves are at fault: `offset` (in bytes) says where, not `line` and `column`.
  bool is_encoding;
  size_t offset;
  /// Where the fault is and where what was being read began, in lines and characters from 0.
  size_t line;
  size_t column;
  size_t context_line;
  size_t context_column;
} cyaml_failure;

/// A reader of `count` bytes of UTF-8, which must outlive it; NULL if there is no memory.
cyaml_reader *_Nullable cyaml_reader_create(const uint8_t *_Nullable bytes, size_t count);

/// Ends a reader and frees what it holds.
void cyaml_reader_destroy(cyaml_reader *_Nonnull reader);

/// Writes the next event to `event`; false when the input is at fault (see `cyaml_reader_failure`).
/// Not to be called again after false or after CYAML_STREAM_END.
bool cyaml_reader_next(cyaml_reader *_Nonnull reader, cyaml_event *_Nonnull event);

/// The fault that made `cyaml_reader_next` return false.
cyaml_failure cyaml_reader_failure(const cyaml_reader *_Nonnull reader);
