#include "cyaml.h"

#include <stdlib.h>
#include <yaml.h>

struct cyaml_reader {
  yaml_parser_t parser;
  /// The event handed out last; zeroed when there is none.
  yaml_event_t current;
};

cyaml_reader *cyaml_reader_create(const uint8_t *bytes, size_t count) {
  cyaml_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return NULL;
  if (!yaml_parser_initialize(&reader->parser)) {
    free(reader);
    return NULL;
  }
  // libyaml asserts that there is an input, also when it is empty.
  static const uint8_t nothing[1] = {0};
  yaml_parser_set_input_string(&reader->parser, count ? bytes : nothing, count);
  // Otherwise a byte order mark would make it read UTF-16.
  yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
  return reader;
}

void cyaml_reader_destroy(cyaml_reader *reader) {
  yaml_event_delete(&reader->current);
  yaml_parser_delete(&reader->parser);
  free(reader);
}

bool cyaml_reader_next(cyaml_reader *reader, cyaml_event *event) {
  yaml_event_t *from = &reader->current;
  do {
    yaml_event_delete(from);
    if (!yaml_parser_parse(&reader->parser, from)) return false;
  } while (from->type == YAML_STREAM_START_EVENT);

  *event = (cyaml_event){.line = from->start_mark.line, .column = from->start_mark.column};
  switch (from->type) {
  case YAML_DOCUMENT_START_EVENT: event->kind = CYAML_DOCUMENT_START; break;
  case YAML_DOCUMENT_END_EVENT: event->kind = CYAML_DOCUMENT_END; break;
  case YAML_SEQUENCE_END_EVENT: event->kind = CYAML_SEQUENCE_END; break;
  case YAML_MAPPING_END_EVENT: event->kind = CYAML_MAPPING_END; break;
  case YAML_ALIAS_EVENT:
    event->kind = CYAML_ALIAS;
    event->anchor = (const char *)from->data.alias.anchor;
    break;
  case YAML_SCALAR_EVENT:
    event->kind = CYAML_SCALAR;
    event->is_plain = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    event->text = from->data.scalar.value;
    event->text_length = from->data.scalar.length;
    event->anchor = (const char *)from->data.scalar.anchor;
    event->tag = (const char *)from->data.scalar.tag;
    break;
  case YAML_SEQUENCE_START_EVENT:
    event->kind = CYAML_SEQUENCE_START;
    event->anchor = (const char *)from->data.sequence_start.anchor;
    event->tag = (const char *)from->data.sequence_start.tag;
    break;
  case YAML_MAPPING_START_EVENT:
    event->kind = CYAML_MAPPING_START;
    event->anchor = (const char *)from->data.mapping_start.anchor;
    event->tag = (const char *)from->data.mapping_start.tag;
    break;
  case YAML_STREAM_START_EVENT:
  case YAML_STREAM_END_EVENT:
  case YAML_NO_EVENT: event->kind = CYAML_STREAM_END; break;
  }
  return true;
}

cyaml_failure cyaml_reader_failure(const cyaml_reader *reader) {
  const yaml_parser_t *parser = &reader->parser;
  return (cyaml_failure){
    .problem = parser->problem ? parser->problem : "out of memory",
    .context = parser->context,
    .is_encoding = parser->error == YAML_READER_ERROR,
    .offset = parser->problem_offset,
    .line = parser->problem_mark.line,
    .column = parser->problem_mark.column,
    .context_line = parser->context_mark.line,
    .context_column = parser->context_mark.column,
  };
}
