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

static sqlite3_file *file_of(sqlite3 *database) {
  sqlite3_file *file = (sqlite3_file *)0;
  int result = sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  return result == SQLITE_OK && file && file->pMethods ? file : (sqlite3_file *)0;
}

int csqlite_read_file(sqlite3 *database, void *bytes, int count, sqlite3_int64 offset) {
  sqlite3_file *file = file_of(database);
  return file ? file->pMethods->xRead(file, bytes, count, offset) : SQLITE_ERROR;
}

int csqlite_zero_file(sqlite3 *database, int count, sqlite3_int64 offset) {
  static const char zeros[4096];
  sqlite3_file *file = file_of(database);
  if (!file) return SQLITE_ERROR;
  while (count > 0) {
    int part = count < (int)sizeof zeros ? count : (int)sizeof zeros;
    int result = file->pMethods->xWrite(file, zeros, part, offset);
    if (result != SQLITE_OK) return result;
    count -= part;
    offset += part;
  }
  return SQLITE_OK;
}

int csqlite_sync_file(sqlite3 *database) {
  sqlite3_file *file = file_of(database);
  return file ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : SQLITE_ERROR;
}
