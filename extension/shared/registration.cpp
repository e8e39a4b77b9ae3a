#include "shared/registration.h"

#include "shared/idle_watch.h"
#include "shared/pool_memory.h"
#include "shared/registry.h"
#include "shared/session.h"
#include "shared/token_table.h"

namespace numpool {

namespace {

// Marks the sessions that hold leases in a dropped pool, and signals those that listen. No lock is
// needed: the pool is out of the registry, so nobody changes its slots any more.
void notify_holders(LivePool& live) {
  const std::uint32_t capacity = chunk::capacity(live.pool.chunk_count);
  for (std::uint32_t index = 0; index < capacity; ++index) {
    const Slot& slot = live.pool.slot(region(), index);
    if (slot.holder == 0) continue;
    Session* session = find_session(slot.holder);
    if (session == nullptr) continue;
    session->lost_leases.store(true, std::memory_order_release);
    if (session->listens.load(std::memory_order_acquire)) signal_session(*session);
  }
}

// Makes a pool of a header, which is locked.
void init_live_pool(LivePool& live, const PoolKey& key, const Definition& definition,
                    PoolParts& parts, std::uint32_t capacity) {
  live.key = key;
  live.state = LiveState::kLoading;
  live.maker = 0;
  live.noted_due = INT64_MAX;
  live.defined_size = static_cast<std::uint32_t>(definition.size);
  live.closing = InvalidTransactionId;
  live.closed_by = 0;
  live.name = parts.name;
  live.name_length = 0;
  live.fences = parts.fences;
  pool_init(region(), live.pool, Max(live.defined_size, capacity), parts.growth,
            GetCurrentTimestamp());
  Growth nothing = {};
  pool_resize(region(), live.pool, live.defined_size, nothing);
  if (!is_stub(live)) set_service(live, definition.out, &parts.service);
  pool_configure(region(), live.pool, definition.settings, GetCurrentTimestamp(), monotonic_now());
  rest_after_start(live, 0);
  if (is_stub(live)) {
    // NB: live at once. A stub never matches a row, so if it were kLoading, whoever loads the pool
    // would drop it.
    live.state = LiveState::kLive;
    close_live_pool(live);
  } else {
    live.name_length = static_cast<std::uint32_t>(strlen(definition.name));
    memcpy(region().at<char>(live.name), definition.name, live.name_length);
  }
}

// Takes the pool out of the registry, if it is still the one meant and, with `only_loading`, if
// nobody has made it live. No numpool lock held.
bool unregister(Offset offset, const PoolKey& key, std::uint64_t generation, bool only_loading) {
  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  bool goes = lock_pool(offset, key, generation);
  if (goes) {
    LivePool* live = live_pool_at(offset);
    goes = !only_loading || live->state == LiveState::kLoading;
    if (goes) {
      Offset* link = chain_of(key);
      while (*link != offset) link = &live_pool_at(*link)->next;
      unregister_at(link);
    }
    LWLockRelease(&live->lock);
  }
  LWLockRelease(&arena().registry_lock);
  return goes;
}

}  // namespace

Offset register_live_pool(const PoolKey& key, const Definition& definition, SessionId maker,
                          std::uint64_t* generation, std::uint32_t capacity) {
  PoolParts parts = {};
  if (!find_parts(parts, definition, capacity)) {
    free_parts(parts);
    arena_report_full();
  }

  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  const Offset found = find_in_chain(key);
  if (found != 0) {
    *generation = live_pool_at(found)->generation;
    LWLockRelease(&arena().registry_lock);
    free_parts(parts);
    return found;
  }
  LivePool* live = live_pool_at(parts.header);
  LWLockAcquire(&live->lock, LW_EXCLUSIVE);
  init_live_pool(*live, key, definition, parts, capacity);
  live->maker = maker;
  *generation = live->generation;
  Offset* chain = chain_of(key);
  live->next = *chain;
  *chain = parts.header;
  LWLockRelease(&live->lock);
  LWLockRelease(&arena().registry_lock);
  return parts.header;
}

void drop_live_pool(Offset offset, const PoolKey& key, std::uint64_t generation) {
  if (!unregister(offset, key, generation, false)) return;
  LivePool* live = live_pool_at(offset);
  debug_point(DebugPoint::kUnregistered);
  WakeList wake;
  bool more = true;
  while (more) {
    LWLockAcquire(&live->lock, LW_EXCLUSIVE);
    more = pool_dismiss(region(), live->pool, wake);
    LWLockRelease(&live->lock);
    wake_all(wake);
  }
  debug_point(DebugPoint::kDismissed);
  notify_holders(*live);
  if (live->watched) wake_watchers(offset);
  end_tokens_of(*live);
  take_apart(offset);
}

void drop_loading_pool(Offset offset, const PoolKey& key, std::uint64_t generation) {
  if (unregister(offset, key, generation, true)) take_apart(offset);
}

}  // namespace numpool
