/* SQLite, and what of it Swift cannot see: its macros for destructors and its functions with variable arguments. */
#pragma once

#include <sqlite3.h>
#include <stddef.h>

/* Binds a copy of text or bytes to the place, which counts from 1. */
int csqlite_bind_text(sqlite3_stmt *statement, int place, const void *bytes, size_t count);
int csqlite_bind_blob(sqlite3_stmt *statement, int place, const void *bytes, size_t count);
/* Copies nothing: the bytes must stay until the statement was run and something else is bound. */
int csqlite_lend_blob(sqlite3_stmt *statement, int place, const void *bytes, size_t count);

/* Lets nothing in the file, which others may have written, do more than hold data. */
int csqlite_defend(sqlite3 *database);

/* Has SQLite not count the memory that it takes. To be called before anything else. */
int csqlite_forgo_statistics(void);

/* Reads, overwrites with zeros and syncs the file beneath a database's pages, past the cache and the log: only for who knows that
   the log is empty and holds the lock that writers take. SQLite's own handle, since closing another one would drop its locks. */
int csqlite_read_file(sqlite3 *database, void *bytes, int count, sqlite3_int64 offset);
int csqlite_zero_file(sqlite3 *database, int count, sqlite3_int64 offset);
int csqlite_sync_file(sqlite3 *database);
