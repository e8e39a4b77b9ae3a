#include "shared/database_record.h"

extern "C" {
#include <sys/stat.h>

#include "catalog/pg_tablespace_d.h"
#include "common/relpath.h"
}

namespace numpool {

namespace {

// A catalog cannot be read where memory is looked for.
bool is_gone(const DatabaseRecord& record) {
  char path[MAXPGPATH];
  if (record.tablespace == DEFAULTTABLESPACE_OID)
    snprintf(path, sizeof(path), "base/%u", record.database);
  else
    snprintf(path, sizeof(path), "pg_tblspc/%u/%s/%u", record.tablespace,
             TABLESPACE_VERSION_DIRECTORY, record.database);
  struct stat folder;
  return stat(path, &folder) != 0 && errno == ENOENT;
}

// The record with the least OID above `after`. False: there is none.
bool copy_next(Oid after, DatabaseRecord* next) {
  const DatabaseRecord* least = nullptr;
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  for (Offset at = arena().databases; at != 0; at = region().at<DatabaseRecord>(at)->next) {
    const DatabaseRecord* record = region().at<DatabaseRecord>(at);
    if (record->database > after && (least == nullptr || record->database < least->database))
      least = record;
  }
  if (least != nullptr) *next = *least;
  LWLockRelease(&arena().registry_lock);
  return least != nullptr;
}

}  // namespace

DatabaseRecord* find_database_record(Oid database) {
  for (Offset at = arena().databases; at != 0;) {
    DatabaseRecord* record = region().at<DatabaseRecord>(at);
    if (record->database == database) return record;
    at = record->next;
  }
  return nullptr;
}

Oid find_gone_database(Oid after) {
  DatabaseRecord next = {};
  while (copy_next(after, &next)) {
    if (is_gone(next)) return next.database;
    after = next.database;
  }
  return InvalidOid;
}

}  // namespace numpool
