#include "csqlite.h"

int csqlite_bind_text(sqlite3_stmt *statement, int place, const void *bytes, size_t count) {
  /* SQLite takes a null pointer for NULL, whatever the length. */
  return sqlite3_bind_text64(statement, place, count ? bytes : "", count, SQLITE_TRANSIENT, SQLITE_UTF8);
}

int csqlite_bind_blob(sqlite3_stmt *statement, int place, const void *bytes, size_t count) {
  return sqlite3_bind_blob64(statement, place, count ? bytes : "", count, SQLITE_TRANSIENT);
}

int csqlite_lend_blob(sqlite3_stmt *statement, int place, const void *bytes, size_t count) {
  return sqlite3_bind_blob64(statement, place, count ? bytes : "", count, SQLITE_STATIC);
}

int csqlite_defend(sqlite3 *database) {
  int result = sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
  return result != SQLITE_OK ? result : sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)0);
}

int csqlite_forgo_statistics(void) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
