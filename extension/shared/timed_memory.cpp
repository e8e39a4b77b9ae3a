#include "shared/timed_memory.h"

#include "shared/pool_memory.h"

namespace numpool {

namespace {

// Counts bytes that tokens take. False: they may not take so many more.
bool reserve_timed_bytes(std::int64_t bytes) {
  const std::int64_t most = static_cast<std::int64_t>(arena().heap.block_count) *
                            static_cast<std::int64_t>(SlabHeap::kBlockSize) / 2;
  do {
    if (arena().timed_bytes.fetch_add(bytes) + bytes <= most) return true;
    arena().timed_bytes.fetch_sub(bytes);
  } while (evict_pools_of_gone_database());
  return false;
}

Offset try_allocate_timed(std::size_t size) {
  const std::int64_t bytes = static_cast<std::int64_t>(SlabHeap::object_size_for(size));
  if (!reserve_timed_bytes(bytes)) return 0;
  const Offset object = arena_try_allocate(size);
  if (object == 0) arena().timed_bytes.fetch_sub(bytes);
  return object;
}

}  // namespace

Offset try_make_timed_record(const TokenKey& key, const char* holder, std::size_t holder_length,
                             bool waits) {
  const Offset at = try_allocate_timed(sizeof(TimedRecord));
  if (at == 0) return 0;
  TimedRecord& record = *new (region().at<TimedRecord>(at)) TimedRecord{};
  record.token = key.token;
  record.database = key.database;
  record.relation = key.relation;
  record.state.store(TimedState::kTaken, std::memory_order_relaxed);
  if (holder_length != 0) record.holder = try_allocate_timed(holder_length);
  if (record.holder != 0) {
    record.holder_length = static_cast<std::uint16_t>(holder_length);
    memcpy(region().at<char>(record.holder), holder, holder_length);
  }
  // A grant to it takes a fence, which is kept for it as for a ticket (F2).
  if (waits) {
    arena().place_records.fetch_add(1);
    record.waiter = try_allocate_timed(sizeof(Waiter));
    if (record.waiter == 0) arena().place_records.fetch_sub(1);
  }
  if ((holder_length == 0 || record.holder != 0) && (!waits || record.waiter != 0)) return at;
  free_timed_record(at);
  return 0;
}

}  // namespace numpool
