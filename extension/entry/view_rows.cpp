#include "entry/view_rows.h"

#include "backend/pool_cache.h"
#include "backend/token_access.h"
#include "entry/attach.h"
#include "pg/datums.h"
#include "shared/registry.h"

namespace numpool {

namespace {

std::uint32_t count_live_pools() {
  std::uint32_t count = 0;
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  const Offset* buckets = region().at<Offset>(arena().buckets);
  for (std::uint32_t b = 0; b < arena().bucket_count; ++b)
    for (Offset at = buckets[b]; at != 0; at = live_pool_at(at)->next) ++count;
  LWLockRelease(&arena().registry_lock);
  return count;
}

}  // namespace

Rows begin_rows(FunctionCallInfo fcinfo) {
  definitions_enter(fcinfo);
  attach_if_made();
  InitMaterializedSRF(fcinfo, 0);
  return {reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo)};
}

void put_row(Rows& rows, Datum* values, bool* nulls) {
  tuplestore_putvalues(rows.result->setResult, rows.result->setDesc, values, nulls);
}

void copy_token(const TimedRecord& record, TokenRow* row) {
  row->is_token = true;
  row->ends = record.user == 0;
  row->token = record.token;
  row->role = record.role;
  row->left = record.deadline - monotonic_now();
  row->holder_length = record.holder_length;
  if (record.holder_length != 0)
    memcpy(row->holder, region().at<char>(record.holder), record.holder_length);
}

namespace {

// Free text of a stranger's, on somebody's terminal: control characters are shown as \xNN.
Datum escaped_text(const char* bytes, std::size_t length) {
  StringInfoData escaped;
  initStringInfo(&escaped);
  for (std::size_t i = 0; i < length; ++i) {
    const unsigned char c = static_cast<unsigned char>(bytes[i]);
    if (c < 0x20 || c == 0x7f)
      appendStringInfo(&escaped, "\\x%02x", c);
    else
      appendStringInfoChar(&escaped, bytes[i]);
  }
  return PointerGetDatum(cstring_to_text_with_len(escaped.data, escaped.len));
}

}  // namespace

void fill_token_columns(const TokenRow& row, Datum* values, bool* nulls) {
  for (int i = 0; i < 4; ++i) nulls[i] = !row.is_token;
  if (!row.is_token) return;
  nulls[0] = row.holder_length == 0;
  if (row.holder_length != 0) values[0] = escaped_text(row.holder, row.holder_length);
  nulls[1] = !row.ends;
  values[1] = TimestampTzGetDatum(GetCurrentTimestamp() + Max(row.left, 0));
  nulls[2] = !may_use_token(row.role);
  values[2] = uuid_datum(&row.token);
  values[3] = ObjectIdGetDatum(row.role);
}

LivePools list_live_pools() {
  LivePools pools = {};
  if (!arena_attached() || RecoveryInProgress()) return pools;
  const std::uint32_t room = count_live_pools() + kBatch;
  pools.offsets = static_cast<Offset*>(palloc(sizeof(Offset) * room));
  pools.generations = static_cast<std::uint64_t*>(palloc(sizeof(std::uint64_t) * room));
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  const Offset* buckets = region().at<Offset>(arena().buckets);
  for (std::uint32_t b = 0; b < arena().bucket_count; ++b)
    for (Offset at = buckets[b]; at != 0 && pools.count < room; at = live_pool_at(at)->next) {
      const LivePool* live = live_pool_at(at);
      if (live->key.database != MyDatabaseId || live->key.relation != definitions_relation())
        continue;
      pools.offsets[pools.count] = at;
      pools.generations[pools.count++] = live->generation;
    }
  LWLockRelease(&arena().registry_lock);
  return pools;
}

LivePool* lock_listed(const LivePools& pools, std::uint32_t i) {
  LivePool* live = live_pool_at(pools.offsets[i]);
  LWLockAcquire(&live->lock, LW_EXCLUSIVE);
  if (live->generation == pools.generations[i] && live->state == LiveState::kLive &&
      live->maker == 0)
    return live;
  LWLockRelease(&live->lock);
  return nullptr;
}

LivePool* lock_defined(const Definition& definition) {
  if (!arena_attached() || RecoveryInProgress()) return nullptr;
  const PoolKey key = pool_key(definition.identity);
  std::uint64_t generation;
  const Offset offset = find_live_pool(key, &generation);
  if (!lock_pool(offset, key, generation)) return nullptr;
  LivePool* live = live_pool_at(offset);
  if (!is_stub(*live)) return live;
  unlock_pool(live);
  return nullptr;
}

void copy_name(const LivePool& live, Name* name) {
  name->length = live.name_length < sizeof(name->bytes) ? live.name_length : sizeof(name->bytes);
  memcpy(name->bytes, region().at<char>(live.name), name->length);
  name->identity = live.key.identity;
}

void complete_name(Name* name) {
  if (name->length != 0) return;
  Definition definition;
  if (read_definition(name->identity, kNoWait, &definition) != Lookup::kFound) return;
  name->length = static_cast<std::uint32_t>(strlen(definition.name));
  memcpy(name->bytes, definition.name, name->length);
}

Datum name_datum(const Name& name) {
  return PointerGetDatum(cstring_to_text_with_len(name.bytes, static_cast<int>(name.length)));
}

}  // namespace numpool
