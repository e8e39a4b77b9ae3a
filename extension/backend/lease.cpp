#include "backend/lease.h"

#include "backend/arrival.h"
#include "backend/deadlock_check.h"
#include "backend/delivery.h"
#include "backend/ledger_end.h"
#include "backend/ledger_release.h"
#include "backend/ledger_undelivered.h"
#include "backend/pool_cache.h"
#include "backend/undo_log.h"
#include "backend/wait.h"
#include "pg/debug_point.h"
#include "pg/errors.h"
#include "shared/session.h"

namespace numpool {

LedgerEntry* acquire(text* name, Scope scope, Patience patience) {
  const bool waits = patience.microseconds != 0;
  const TimestampTz deadline = deadline_of(patience);
  if (scope == Scope::kSession) listen_if_wanted();
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    LedgerEntry* taken_back;
    PoolRef* ref = enter_pool(name, scope, deadline, &taken_back);
    if (ref == nullptr || taken_back != nullptr) return taken_back;
    LedgerEntry* entry = reserve_entry(ref, scope);
    TransactionId closing = InvalidTransactionId;
    switch (arrive(ref, entry, waits, deadline, &closing)) {
      case Arrival::kGranted:
        return entry;
      case Arrival::kGone:
        discard_entry(entry);
        forget_name_of(name);
        continue;
      case Arrival::kClosing:
        discard_entry(entry);
        if (!wait_for_transaction(closing, deadline)) return nullptr;
        continue;
      case Arrival::kLocked:
      case Arrival::kNoFence:
        discard_entry(entry);
        return nullptr;
      case Arrival::kBusy:
        break;
    }
    if (!waits) {
      unlock_ref(ref);
      discard_entry(entry);
      return nullptr;
    }
    if (own_ticket_was_granted()) {
      unlock_ref(ref);
      collect_undelivered();
      discard_entry(entry);
      continue;
    }
    check_may_wait(ref);
    join_queue(ref, entry, region().offset_of(&my_session().sleeper), WaiterKind::kBlocking,
               deadline != DT_NOEND);
    unlock_ref(ref);
    return wait_in_queue(entry, deadline);
  }
}

LedgerEntry* find_lease(text* name, std::int64_t index, bool* in_range) {
  *in_range = true;
  bool locked = false;
  PoolRef* ref = find_pool_of_lease(name, &locked);
  if (ref == nullptr) {
    if (!locked) report_no_pool(text_to_cstring(name));
    return nullptr;
  }
  std::int64_t size = ref->defined_size;
  LedgerEntry* entry = nullptr;
  if (lock_ref(ref)) {
    if (!is_stub(*live_of(ref))) size = live_of(ref)->defined_size;
    if (index >= 0 && index < kMaxPoolSize)
      entry = held_entry(ref, static_cast<std::uint32_t>(index));
    unlock_ref(ref);
  }
  if (entry != nullptr && entry->state == EntryState::kWaiting) collect_undelivered();
  // Whoever asks for it by its number knows of it.
  if (entry != nullptr) entry->learnt = true;
  *in_range = entry != nullptr || (index >= 0 && index < size);
  return entry;
}

void report_out_of_range(text* name, std::int64_t index) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("number %lld is outside pool \"%s\"", static_cast<long long>(index),
                         text_to_cstring(name))));
}

namespace {

// The session's own lease of that index, or nullptr. Errors: 42704, 22023.
LedgerEntry* lease_in_range(text* name, std::int64_t index) {
  bool in_range;
  LedgerEntry* entry = find_lease(name, index, &in_range);
  if (!in_range) report_out_of_range(name, index);
  return entry != nullptr && entry->timed ? nullptr : entry;
}

}  // namespace

void release_fenced(text* name, std::int64_t index, std::int64_t fence) {
  LedgerEntry* entry = lease_in_range(name, index);
  if (entry == nullptr || entry->releasing || entry->fence != fence)
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("this session does not hold number %lld of pool \"%s\" with fence %lld",
                           static_cast<long long>(index), text_to_cstring(name),
                           static_cast<long long>(fence)),
                    errhint("The lease has ended, or belongs to another session.")));
  release_at_commit(entry);
}

bool release_if_held(text* name, std::int64_t index, std::int64_t fence) {
  PoolRef* ref = find_pool_of_lease(name);
  if (ref != nullptr && index >= 0 && index < kMaxPoolSize &&
      release_held_at_commit(ref, static_cast<std::uint32_t>(index), fence))
    return true;
  bool in_range;
  LedgerEntry* entry = find_lease(name, index, &in_range);
  if (entry == nullptr || entry->timed || entry->releasing || entry->fence != fence) return false;
  release_at_commit(entry);
  return true;
}

bool release(text* name, std::int64_t index) {
  PoolRef* ref = find_pool_of_lease(name);
  if (ref != nullptr && index >= 0 && index < kMaxPoolSize &&
      release_held_at_commit(ref, static_cast<std::uint32_t>(index)))
    return true;
  // The fast path did not apply. Either the number is not this session's, or it was granted to a
  // ticket that the session has not collected, or it is being released already.
  LedgerEntry* entry = lease_in_range(name, index);
  if (entry == nullptr || entry->releasing) {
    ereport(WARNING, (errmsg("this session does not hold number %lld of pool \"%s\"",
                             static_cast<long long>(index), text_to_cstring(name))));
    return false;
  }
  release_at_commit(entry);
  return true;
}

std::int32_t release_all() {
  collect_undelivered();
  std::int32_t count = 0;
  dlist_mutable_iter at;
  dlist_foreach_modify(at, all_entries()) {
    LedgerEntry* entry = dlist_container(LedgerEntry, node, at.cur);
    if (entry->releasing || entry->timed || entry->state == EntryState::kNew) continue;
    if (entry->state == EntryState::kDropped ||
        (entry->state == EntryState::kHeld && !still_held(entry))) {
      mark_shown(entry);
      continue;
    }
    release_at_commit(entry);
    ++count;
  }
  return count;
}

}  // namespace numpool
