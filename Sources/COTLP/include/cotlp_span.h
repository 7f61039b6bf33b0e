/* What one span says, beside the ids that an index has of it: for those who look into a few spans, or into all of them but
 * ask for more than an index records, which everybody pays for.
 */
#pragma once

#include "cotlp_index.h"

/* Offsets count from the span's first byte. A field that is not there is 0. */
typedef struct {
  uint64_t end; /* end_time_unix_nano */
  cotlp_range name, status_message;
  cotlp_range events; /* from the first of its events to the last one's end, with what is between; empty without any */
  uint64_t status_code;
  uint32_t attribute_count; /* how many the rules ask for, those that had no room included */
} cotlp_span_fields;

/* Reads spans by rules, which last as long, and learns how they look. For one thread at a time. */
typedef struct cotlp_span_reader cotlp_span_reader;

cotlp_span_reader *cotlp_span_reader_create(const cotlp_rules *rules);
void cotlp_span_reader_destroy(cotlp_span_reader *reader);

/* Reads a span's payload, which an index has accepted; anything else is read as far as it goes, and never beyond. Writes at
 * most `capacity` attributes, in their order, like those of an index. */
void cotlp_read_span(cotlp_span_reader *reader, const void *payload, size_t length, cotlp_span_fields *fields,
                     cotlp_attribute *attributes, uint32_t capacity);
