#include "backend/pool_ref.h"

#include "shared/registry.h"

namespace numpool {

bool lock_registered(PoolRef* ref) {
  if (lock_pool(ref->live, ref->key, ref->generation)) return true;
  ref->live = find_live_pool(ref->key, &ref->generation);
  return lock_pool(ref->live, ref->key, ref->generation);
}

bool lock_ref(PoolRef* ref) {
  if (!lock_registered(ref)) return false;
  if (live_of(ref)->state == LiveState::kLive) return true;
  unlock_ref(ref);
  return false;
}

void reserve_releasing(PoolRef* ref, std::uint32_t index) {
  if (index < ref->releasing_capacity) return;
  const std::uint32_t capacity = bitmap_capacity_for(index + 1);
  std::uint64_t* words = static_cast<std::uint64_t*>(MemoryContextAllocZero(
      backend_memory(), sizeof(std::uint64_t) * Bitmap::words_needed(capacity)));
  Bitmap larger(words, capacity);
  if (ref->releasing_words != nullptr) {
    Bitmap old = releasing_set(ref);
    for (std::uint32_t i = old.first(); i != Bitmap::kNone; i = old.first()) {
      old.erase(i);
      larger.insert(i);
    }
    pfree(ref->releasing_words);
  }
  ref->releasing_words = words;
  ref->releasing_capacity = capacity;
}

void report_uncommitted_change(const PoolRef* ref) {
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("cannot wait for pool \"%s\" in a transaction that has changed a pool",
                         ref->name),
                  errhint("Commit first.")));
}

MemoryContext backend_memory() {
  static MemoryContext memory = nullptr;
  if (memory == nullptr)
    memory = AllocSetContextCreate(TopMemoryContext, "numpool", ALLOCSET_DEFAULT_SIZES);
  return memory;
}

}  // namespace numpool
