#include "shared/arena.h"

namespace numpool {

namespace {

ArenaControl* control = nullptr;

}  // namespace

void arena_use(ArenaControl* mapped) {
  control = mapped;
}
bool arena_attached() {
  return control != nullptr;
}
ArenaControl& arena() {
  return *control;
}
Region region() {
  return Region(control);
}

Offset arena_take(std::size_t size) {
  LWLockAcquire(&control->heap_lock, LW_EXCLUSIVE);
  const Offset offset = control->heap.allocate(region(), size);
  LWLockRelease(&control->heap_lock);
  return offset;
}

void arena_free(Offset offset) {
  if (offset == 0) return;
  LWLockAcquire(&control->heap_lock, LW_EXCLUSIVE);
  control->heap.release(region(), offset);
  LWLockRelease(&control->heap_lock);
}

void arena_report_full() {
  ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("the shared memory of numpool is full"),
                  errhint("Raise numpool.shared_memory_size and restart the server.")));
}

}  // namespace numpool
