#include "shared/database_record.h"

extern "C" {
#include <sys/stat.h>

#include "catalog/pg_tablespace_d.h"
#include "common/relpath.h"
}

namespace numpool {

namespace {

// Databases that are looked at together.
constexpr int kBatch = 64;

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
  DatabaseRecord batch[kBatch];
  Offset at = 0;
  do {
    int count = 0;
    LWLockAcquire(&arena().registry_lock, LW_SHARED);
    if (at == 0) at = arena().databases;
    // A record stays where it is, so the walk can go on from it later.
    for (; at != 0 && count < kBatch; at = region().at<DatabaseRecord>(at)->next)
      batch[count++] = *region().at<DatabaseRecord>(at);
    LWLockRelease(&arena().registry_lock);
    for (int i = 0; i < count; ++i)
      if (batch[i].database > after && is_gone(batch[i])) return batch[i].database;
  } while (at != 0);
  return InvalidOid;
}

}  // namespace numpool
