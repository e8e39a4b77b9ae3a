#include "shared/fence.h"

#include "pg/compat.h"
#include "shared/arena.h"
#include "shared/standbys.h"

namespace numpool {

namespace {

// A record for so many bytes of the segment: a thousand where it has the default size.
constexpr std::size_t kBytesPerRecord = 16384;
constexpr std::size_t kLeastRecords = 64;
constexpr std::size_t kMostRecords = 1024;

FenceRecord* record_at(Offset record) {
  return region().at<FenceRecord>(record);
}

// Under the registry lock.
Offset find_record() {
  Offset oldest = 0;
  for (std::uint32_t i = 0; i < arena().fence_count; ++i) {
    const Offset at = arena().fences + sizeof(FenceRecord) * i;
    const FenceRecord& record = *record_at(at);
    if (record.database == MyDatabaseId) return at;
    if (record.users == 0 && (oldest == 0 || record.used_at < record_at(oldest)->used_at))
      oldest = at;
  }
  if (oldest == 0) return 0;
  // NB: whoever is about to draw for the database that had it looks whose it is before he notes it.
  new (record_at(oldest)) FenceRecord{};
  record_at(oldest)->database = MyDatabaseId;
  return oldest;
}

FenceRecord* lock_own(Offset offset) {
  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  FenceRecord* record = record_at(offset);
  if (record->database == MyDatabaseId) return record;
  LWLockRelease(&arena().registry_lock);
  return nullptr;
}

}  // namespace

std::uint32_t fence_record_count(std::size_t segment_size) {
  const std::size_t wanted = segment_size / kBytesPerRecord;
  if (wanted < kLeastRecords) return kLeastRecords;
  return static_cast<std::uint32_t>(wanted > kMostRecords ? kMostRecords : wanted);
}

Offset fence_use() {
  const Offset record = find_record();
  if (record == 0) return 0;
  ++record_at(record)->users;
  record_at(record)->used_at = ++arena().fence_uses;
  return record;
}

void fence_disuse(Offset record) {
  if (record == 0) return;
  --record_at(record)->users;
  record_at(record)->used_at = ++arena().fence_uses;
}

Offset fence_find() {
  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  const Offset record = find_record();
  if (record != 0) record_at(record)->used_at = ++arena().fence_uses;
  LWLockRelease(&arena().registry_lock);
  return record;
}

FenceWish fence_wish(Oid sequence, std::int64_t at_least) {
  FenceWish wish = {};
  wish.source = sequence;
  wish.assurance = asked_of_standbys();
  wish.standbys_are_defined = sync_standbys_defined();
  wish.reserve = fence::kPerArrival * (static_cast<std::int64_t>(arena().session_count) +
                                       arena().waiter_records.load(std::memory_order_relaxed) +
                                       arena().place_records.load(std::memory_order_relaxed));
  wish.at_least = at_least;
  return wish;
}

bool fence_covers_arrival(Offset record, Oid sequence) {
  return record_at(record)->block.covers(fence_wish(sequence, 0));
}

bool fence_advise(Offset offset, const FenceWish& wish, FenceAdvice* advice) {
  FenceRecord* record = lock_own(offset);
  if (record == nullptr) return false;
  *advice = record->block.advise(wish);
  LWLockRelease(&arena().registry_lock);
  return true;
}

bool fence_wants_draw(Offset offset, const FenceWish& wish, std::int64_t* floor,
                      std::int64_t* count) {
  FenceRecord* record = lock_own(offset);
  if (record == nullptr) return false;
  const bool wants = record->block.advise(wish).step == FenceStep::kDraw;
  *floor = record->block.floor(wish.at_least);
  *count = record->block.draw_count(wish);
  LWLockRelease(&arena().registry_lock);
  return wants;
}

std::int64_t fence_next(Offset record) {
  return record_at(record)->block.next.load(std::memory_order_relaxed);
}

void fence_drawn(Offset offset, const FenceWish& wish, const FenceDraw& draw, XLogRecPtr position) {
  FenceRecord* record = lock_own(offset);
  if (record == nullptr) return;
  record->block.drawn(draw, wish, position);
  LWLockRelease(&arena().registry_lock);
}

void fence_assured(Offset offset, XLogRecPtr position, Assurance assurance) {
  FenceRecord* record = lock_own(offset);
  if (record == nullptr) return;
  record->block.assured(position, assurance);
  LWLockRelease(&arena().registry_lock);
}

}  // namespace numpool
