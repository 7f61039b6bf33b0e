/* What the index looks for while it walks: attribute keys to record, and marks to set on spans. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cotlp_rules cotlp_rules;

/* No key: what cotlp_rules_match answers for a key that nobody asked for. */
enum { COTLP_NO_KEY = 0xffff };

cotlp_rules *cotlp_rules_create(void);
void cotlp_rules_destroy(cotlp_rules *rules);

/* Records attributes with exactly this key under the given number (below COTLP_NO_KEY). */
void cotlp_rules_add_key(cotlp_rules *rules, const char *key, size_t length, uint16_t number);

/* Records attributes whose key begins with this prefix; an exact key goes first, then the earlier prefix. */
void cotlp_rules_add_prefix(cotlp_rules *rules, const char *prefix, size_t length, uint16_t number);

/* Sets `mark` on a span that has an attribute whose key begins with the prefix. */
void cotlp_rules_mark_prefix(cotlp_rules *rules, const char *prefix, size_t length, uint16_t mark);

/* Sets `mark` on a span that has an attribute with this key and the boolean value true. */
void cotlp_rules_mark_true(cotlp_rules *rules, const char *key, size_t length, uint16_t mark);

/* Sets `mark` on a span of this name. One name a mark set; a later call replaces the name. */
void cotlp_rules_mark_name(cotlp_rules *rules, const char *name, size_t length, uint16_t mark);

/* Sets `mark` on the spans of a scope whose name begins with the prefix. A later call replaces it. */
void cotlp_rules_mark_scope(cotlp_rules *rules, const char *prefix, size_t length, uint16_t mark);
