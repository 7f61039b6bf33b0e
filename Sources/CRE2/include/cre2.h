/*
 * Regular expressions by RE2, whose time is linear to the text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cre2_expression cre2_expression;

/* Compiles a pattern in UTF-8. NULL when it is none: `problem` then has what is wrong with it, cut to its capacity. */
cre2_expression *cre2_compile(const char *pattern, size_t count, char *problem, size_t capacity);

void cre2_free(cre2_expression *expression);

/* The first match that begins at or behind `start` and ends at or before `end`. What stands around the range counts for
   anchors and word boundaries. May be called from several threads. */
bool cre2_find(const cre2_expression *expression, const char *text, size_t count, size_t start, size_t end,
               size_t *match_start, size_t *match_end);

#ifdef __cplusplus
}
#endif
