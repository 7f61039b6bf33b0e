/* One walk over an export request: checks all of it, and writes down where its spans are, or its log records or metrics, which
 * stand in the place of spans: the requests of all signals have the same shape down to there.
 *
 * The walk refuses what a full decoder refuses (field number 0, wire types that don't fit, varints over ten bytes, lengths
 * over five bytes or that leave their message, groups, nesting deeper than COTLP_MAX_DEPTH). A span that is well formed but unusable (ids,
 * UTF-8) is left out and counted. Nothing is copied: offsets count from the first byte of the request, except within an
 * attribute, where they count from the first byte of its span.
 */
#pragma once

#include "cotlp_messages.h"
#include "cotlp_rules.h"

/* The request is level 0, a ResourceSpans level 1, … */
enum { COTLP_MAX_DEPTH = 64 };

/* Marks that the walk itself sets; the marks of cotlp_rules use the bits from COTLP_FIRST_RULE_MARK up. */
enum {
  COTLP_HAS_PARENT = 1,
  COTLP_REMOTE_PARENT = 2, /* flags say that the parent is known to be in another process */
  COTLP_FIRST_RULE_MARK = 4,
};

typedef enum {
  COTLP_OK = 0,
  COTLP_TRUNCATED,       /* a varint, fixed value or field ends outside its message */
  COTLP_BAD_VARINT,      /* over ten bytes; a tag or a length over five; a tag over 32 bits */
  COTLP_BAD_FIELD,       /* field number 0 */
  COTLP_BAD_WIRE_TYPE,   /* a group, a reserved type, or one that the field can't have */
  COTLP_TOO_DEEP,
  COTLP_TOO_LARGE,       /* over 4 GiB: offsets have 32 bits */
  COTLP_NO_MEMORY,
} cotlp_error;

/* Why a well-formed span was left out. */
typedef enum {
  COTLP_BAD_TRACE_ID = 0, /* missing, all zero, or not 16 bytes */
  COTLP_BAD_SPAN_ID,      /* missing, all zero, or not 8 bytes */
  COTLP_BAD_PARENT_ID,    /* neither 0 nor 8 bytes */
  COTLP_BAD_LINK_ID,      /* a link's ids have other lengths than 0, or 16 and 8 */
  COTLP_BAD_STRING,       /* not UTF-8, in the span, its scope or its resource; the one that other signals have */
  COTLP_REASON_COUNT,
} cotlp_reason;

typedef enum {
  COTLP_VALUE_EMPTY = 0,
  COTLP_VALUE_STRING,
  COTLP_VALUE_BOOL,
  COTLP_VALUE_INT,
  COTLP_VALUE_DOUBLE,
  COTLP_VALUE_ARRAY,
  COTLP_VALUE_KVLIST,
  COTLP_VALUE_BYTES,
  COTLP_VALUE_STRING_INDEX, /* into a string table, which only profiles have */
} cotlp_value_type;

typedef struct {
  uint32_t offset, length;
} cotlp_range;

/* An attribute that the rules asked for. Offsets count from the span's first byte. */
typedef struct {
  uint32_t field_offset, field_length; /* the whole field: tag, length, KeyValue */
  uint32_t key_offset, key_length;
  uint32_t value_offset, value_length; /* a string's or bytes' payload; the varint of a bool or an int */
  uint16_t key;                        /* the number given to cotlp_rules */
  uint8_t type;                        /* cotlp_value_type */
} cotlp_attribute;

/* A span. Of a log record: the ids of the span that it names, 0 without (ids of other lengths say nothing, as the schema has
 * it), and no parent. Of a metric: no ids. */
typedef struct {
  uint64_t trace_id[2]; /* this and the other ids: their bytes as they lie in memory */
  uint64_t span_id;
  uint64_t parent_id; /* 0 without a parent */
  uint64_t start;     /* start_time_unix_nano; time_unix_nano of a log record, how many data points a metric has */
  uint32_t offset, length; /* the span's payload, without tag and length */
  uint32_t scope;          /* position in scopes */
  uint32_t attribute;      /* position of its first attribute */
  uint32_t attribute_count;
  uint32_t marks;
} cotlp_span;

/* A ResourceSpans or ScopeSpans without its spans: the ranges of all its other fields, in their order. Those that have no
 * span in the index are not in it either. */
typedef struct {
  uint32_t parent; /* of a scope: position in resources */
  uint32_t range;  /* position of the first range */
  uint32_t range_count;
  uint32_t length; /* of all ranges together */
} cotlp_header;

typedef struct {
  cotlp_span *spans;
  cotlp_attribute *attributes;
  cotlp_header *resources, *scopes;
  cotlp_range *ranges;
  uint32_t span_count, attribute_count, resource_count, scope_count, range_count;
  uint32_t point_count; /* data points of all metrics */
  uint32_t rejected[COTLP_REASON_COUNT];
  cotlp_error error;
  uint32_t error_offset; /* where the walk stopped */
  /* capacities; kept over calls so that a used index costs no allocation */
  uint32_t span_capacity, attribute_capacity, resource_capacity, scope_capacity, range_capacity;
} cotlp_index;

/* An empty index; its arrays are never null. */
cotlp_index *cotlp_index_create(void);
void cotlp_index_destroy(cotlp_index *index);

/* Fills the index from a request of that signal, dropping what it held. Returns index->error. */
cotlp_error cotlp_index_fill(cotlp_index *index, cotlp_signal signal, const cotlp_rules *rules, const void *bytes,
                             size_t length);

/* Drops what the index holds; its last span. */
void cotlp_index_clear(cotlp_index *index);
void cotlp_index_remove_last(cotlp_index *index);

/* Adds one span (log record, metric), as an index has accepted it earlier, that lies by itself somewhere in `bytes`: its
 * payload's `length` bytes from `offset` on, which counts from `bytes`. Its scope is taken to be 0, so marks that scopes set are
 * not there. Returns index->error; one that is malformed or unusable is not added, and leaves the index as it was. */
cotlp_error cotlp_index_add(cotlp_index *index, cotlp_signal signal, const cotlp_rules *rules, const void *bytes,
                            size_t byte_count, size_t offset, size_t length);

/* The attributes of a resource, from the bytes of a ResourceSpans without its spans that an index has accepted. Writes at
 * most `capacity` of them, with offsets from the first byte of `header`; field offsets name the KeyValue alone (no tag and
 * length, which differ from a span's). Returns how many there are. */
uint32_t cotlp_resource_attributes(const cotlp_rules *rules, const void *header, size_t length,
                                   cotlp_attribute *attributes, uint32_t capacity);
