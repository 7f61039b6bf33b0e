/* What the C library has and Glibc's module map does not export to Swift. */
#pragma once

/* Names the calling thread; more than 15 bytes are cut off. */
void cglibc_set_thread_name(const char *name);

/* Gives memory that was freed back to the system. */
void cglibc_trim_memory(void);
