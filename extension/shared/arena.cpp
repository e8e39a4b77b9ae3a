#include "shared/arena.h"

#include "pg/errors.h"

namespace numpool {

ArenaControl* mapped_arena = nullptr;

void arena_use(ArenaControl* mapped) {
  mapped_arena = mapped;
}

Offset arena_take(std::size_t size) {
  LWLockAcquire(&arena().heap_lock, LW_EXCLUSIVE);
  const Offset offset = arena().heap.allocate(region(), size);
  LWLockRelease(&arena().heap_lock);
  return offset;
}

void arena_free(Offset offset) {
  if (offset == 0) return;
  LWLockAcquire(&arena().heap_lock, LW_EXCLUSIVE);
  arena().heap.release(region(), offset);
  LWLockRelease(&arena().heap_lock);
}

void arena_report_full() {
  report_no_shared_memory(psprintf("The %zu kB that numpool has are full.", arena().size / 1024));
}

}  // namespace numpool
