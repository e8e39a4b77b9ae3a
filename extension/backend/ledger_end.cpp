#include "backend/ledger_end.h"

#include "backend/shutdown.h"

#include "backend/deadlock_check.h"
#include "backend/death_log.h"
#include "backend/ledger_undelivered.h"
#include "pg/debug_point.h"
#include "shared/pool_memory.h"
#include "shared/session.h"
#include "shared/untimed_context.h"

namespace numpool {

namespace {

LastEnd how_it_ends(const LedgerEntry* entry, bool died) {
  if (died) return LastEnd::kDied;
  if (proc_exit_inprogress) return LastEnd::kSession;
  if (entry->releasing) return LastEnd::kReleased;
  return entry->scope == Scope::kTransaction ? LastEnd::kTransaction : LastEnd::kRollback;
}

// What is kept of the lease, which ends. It is one of many, so it need not look at the clock.
LastHolder own_end(const LedgerEntry* entry, bool died) {
  const TimestampTz until =
      proc_exit_inprogress ? GetCurrentTimestamp() : GetCurrentStatementStartTimestamp();
  return {until, MyProcPid, GetSessionUserId(), how_it_ends(entry, died)};
}

// `died`: the lease ends with a process that does not end well.
// NB: the abort of a killed session's transaction comes before its end, and is the end of what the
// transaction has leased. So it is the process that is asked, whichever callback this is in.
EndKind end_of(const LedgerEntry* entry) {
  if (!entry->learnt) return EndKind::kUnlearnt;
  return process_ends_badly() ? EndKind::kBad : EndKind::kReleased;
}

void release_slot(LedgerEntry* entry, bool died) {
  if (lock_slot(entry) == nullptr) return;
  LivePool* live = live_of(entry->ref);
  if (died) {
    ++live->pool.counters.deaths;
    note_death(entry->ref);
  }
  WakeList wake;
  // Only a hand-off and a rest look at the clock, and at the other one only a rest, and where a
  // token may have a place.
  const Pool& pool = live->pool;
  const TimestampTz now = release_wants_time(pool) ? GetCurrentTimestamp() : 0;
  GrantContext context = pool.tokens.records == 0 && !pool.has_rest ? untimed_context(*live, now)
                                                                    : grant_context(*live, now);
  context.last = own_end(entry, died);
  pool_release(region(), live->pool, entry->index, end_of(entry), context, wake);
  unlock_pool(live);
  wake_all(wake);
}

// Applies what the transaction that has ended decided about an entry that it touched.
void finish_entry(LedgerEntry* entry) {
  dlist_delete(&entry->touched_node);
  entry->touched = false;
  entry->logged = InvalidSubTransactionId;
  if (entry->state == EntryState::kNew) {
    free_entry(entry);
  } else if (entry->state == EntryState::kDropped) {
    if (!entry->undelivered || entry->releasing || entry->shown ||
        entry->scope == Scope::kTransaction)
      free_entry(entry);
  } else if (entry->releasing || entry->scope == Scope::kTransaction) {
    debug_point(DebugPoint::kReleasingOne);
    give_up(entry);
  } else if (entry->shown) {
    entry->shown = false;
    mark_delivered(entry);
  }
}

}  // namespace

bool leave_queue(LedgerEntry* entry, Leave why) {
  debug_point(DebugPoint::kLeaving);
  // NB: locked without comparing the generation. If the record is still queued, its pool's header
  // cannot have been reused (rule H3). If it is not, pool_leave changes nothing, whichever pool
  // this has become.
  LivePool* live = live_pool_at(entry->live);
  LWLockAcquire(&live->lock, LW_EXCLUSIVE);
  const bool left = pool_leave(region(), live->pool, *region().at<Waiter>(entry->waiter), why);
  if (left)
    unlock_pool(live);
  else
    LWLockRelease(&live->lock);
  if (!left) return false;
  if (entry->ticket != 0) free_waiter(entry->waiter);
  entry->waiter = 0;
  entry->state = EntryState::kNew;
  return true;
}

void give_up(LedgerEntry* entry) {
  // What is passed on without anybody having learnt of it was never anybody's.
  const bool died =
      entry->state == EntryState::kHeld && entry->grant_delivered && process_ends_badly();
  if (entry->state == EntryState::kWaiting && !leave_queue(entry, Leave::kCancel)) {
    if (entry->ticket != 0) {
      collect_inbox();
    } else {
      const Waiter& waiter = *region().at<Waiter>(entry->waiter);
      const WaiterState state = waiter.state.load(std::memory_order_acquire);
      if (state == WaiterState::kGranted) note_grant(entry, waiter.index, waiter.fence);
      if (state == WaiterState::kVictim) forget_deadlock();
    }
    debug_point(DebugPoint::kGrantToPassOn);
  }
  if (entry->state == EntryState::kHeld) release_slot(entry, died);
  free_entry(entry);
}

void finish_entries() {
  // Cancels first; or a release would hand its number to a ticket that is about to be cancelled.
  dlist_mutable_iter at;
  dlist_foreach_modify(at, touched_entries()) {
    LedgerEntry* entry = dlist_container(LedgerEntry, touched_node, at.cur);
    if (entry->state == EntryState::kWaiting && entry->releasing) finish_entry(entry);
  }
  dlist_foreach_modify(at, touched_entries())
      finish_entry(dlist_container(LedgerEntry, touched_node, at.cur));
}

void ledger_end_session() {
  debug_point(DebugPoint::kSessionEnds);
  let_shutdown_reach_all();
  // Waiters first; or each lease would be handed to another ticket of this session.
  dlist_mutable_iter at;
  dlist_foreach_modify(at, all_entries()) {
    LedgerEntry* entry = dlist_container(LedgerEntry, node, at.cur);
    if (entry->state != EntryState::kWaiting) continue;
    debug_point(DebugPoint::kGivingUpOne);
    give_up(entry);
  }
  while (!dlist_is_empty(all_entries())) {
    debug_point(DebugPoint::kGivingUpOne);
    give_up(dlist_container(LedgerEntry, node, dlist_head_node(all_entries())));
  }
}

}  // namespace numpool
