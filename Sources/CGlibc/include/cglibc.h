/* What the C library has and Glibc's module map does not export to Swift. */
#pragma once

#include <stdint.h>

/* Names the calling thread; more than 15 bytes are cut off. */
void cglibc_set_thread_name(const char *name);

/* Gives memory that was freed back to the system. */
void cglibc_trim_memory(void);

/* Columns that a Unicode scalar takes on a terminal, whatever the locale is: 0, 1 or 2; -1 for what cannot be printed. */
int cglibc_column_width(uint32_t scalar);
