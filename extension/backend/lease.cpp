#include "backend/lease.h"

#include "backend/deadlock_check.h"
#include "backend/delivery.h"
#include "backend/fence_draw.h"
#include "backend/ledger_end.h"
#include "backend/ledger_release.h"
#include "backend/ledger_undelivered.h"
#include "backend/pool_cache.h"
#include "backend/pool_loading.h"
#include "backend/undo_log.h"
#include "backend/wait.h"
#include "pg/debug_point.h"
#include "pg/errors.h"
#include "shared/pool_growth.h"
#include "shared/pool_memory.h"
#include "shared/session.h"

namespace numpool {

namespace {

[[noreturn]] void report_being_changed(text* name) {
  ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
                  errmsg("could not wait for pool \"%s\" by ticket while it is being changed",
                         text_to_cstring(name)),
                  errdetail("A transaction that is still open has locked its definition."),
                  errhint("Try again when that transaction is over.")));
}

[[noreturn]] void report_no_fences() {
  ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
                  errmsg("could not wait by ticket: synchronous standbys have not confirmed the "
                         "fences of this database"),
                  errhint("Try again when the standbys are back.")));
}

[[noreturn]] void report_dropped(const PoolRef* ref) {
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                  errmsg("pool \"%s\" was dropped while waiting for it", ref->name)));
}

// Makes the grant the session's: the ledger has the lease, and a rollback gives it up.
void become_held(LedgerEntry* entry, std::uint32_t index) {
  const Slot& slot = live_of(entry->ref)->pool.slot(region(), index);
  note_grant(entry, index, slot.fence);
  record_creation(entry);
}

std::uint32_t grant_now(PoolRef* ref, LedgerEntry* entry) {
  LivePool* live = live_of(ref);
  // Our uncommitted resize does not count yet; but do not hand out numbers that our own shrink will
  // remove.
  std::uint32_t limit = live->pool.size;
  if (ref->change.size != 0 && static_cast<std::uint32_t>(ref->change.size) < limit)
    limit = static_cast<std::uint32_t>(ref->change.size);
  const Claim claim = {my_session_id(), tag_of(entry), entry->scope, entry->ticket};
  return pool_acquire(region(), live->pool, claim, limit,
                      grant_context(*live, GetCurrentTimestamp()));
}

// The waiter at `offset` joins the queue on behalf of `entry`. The pool is locked; cannot fail.
void join_queue(PoolRef* ref, LedgerEntry* entry, Offset offset, WaiterKind kind,
                bool ends_by_itself) {
  Waiter* waiter = region().at<Waiter>(offset);
  waiter->inbox = region().offset_of(&my_session().inbox);
  waiter->session = my_session_id();
  waiter->owner_tag = tag_of(entry);
  waiter->ticket = entry->ticket;
  waiter->serial.store(arena().next_wait.fetch_add(1, std::memory_order_relaxed),
                       std::memory_order_relaxed);
  waiter->wanted = 1;
  waiter->kind = kind;
  waiter->scope = entry->scope;
  waiter->ends_by_itself = ends_by_itself;
  if (kind == WaiterKind::kBlocking)
    my_session().sleeps_in.store(ref->live, std::memory_order_relaxed);
  pool_join(region(), live_of(ref)->pool, *waiter, GetCurrentTimestamp());
  entry->waiter = offset;
  entry->live = ref->live;
  entry->state = EntryState::kWaiting;
  record_creation(entry);
}

enum class Arrival {
  kGranted,  // entry is kHeld
  kBusy,     // nothing free: the pool is locked
  kClosing,  // another transaction is dropping the pool; *closing is its id
  kGone,     // the name has to be looked up again
  kLocked,   // the table of definitions has to be read, and was locked until the deadline
  kNoFence,  // there was no fence until the deadline
};

// Who does not wait gives the standbys so long to confirm fences, as his COMMIT would.
constexpr std::int64_t kPatienceWithStandbys = 1000000;

// Sees to fences for one arrival more, with the pool unlocked.
FenceEnd get_fences(Offset record, TimestampTz deadline) {
  const TimestampTz until =
      deadline == kNoWait ? GetCurrentTimestamp() + kPatienceWithStandbys : deadline;
  return await_fences(record, definitions_fence_sequence(), 0, until);
}

// Tries for an immediate grant, in a pool whose definition is current.
Arrival arrive(PoolRef* ref, LedgerEntry* entry, TimestampTz deadline, TransactionId* closing) {
  debug_point(DebugPoint::kNamed);
  LivePool* live;
  bool is_short = false;  // of memory for numbers that the pool should have
  for (;;) {
    const Lookup lookup = lock_ref_loaded(ref, deadline);
    if (lookup != Lookup::kFound)
      return lookup == Lookup::kLocked ? Arrival::kLocked : Arrival::kGone;
    live = live_of(ref);
    if (live->closing != InvalidTransactionId) {
      const bool own = live->closed_by == my_session_id();
      *closing = live->closing;
      unlock_pool(live);
      // We deleted this pool in this transaction, and the name still finds it: the row was inserted
      // again, or our deletion is not visible yet.
      if (own) report_uncommitted_change(ref);
      return Arrival::kClosing;
    }
    if (live->defined_size > live->pool.size && !is_short) {
      unlock_pool(live);
      is_short = !catch_up(ref->live, ref->key, ref->generation, nullptr);
      continue;
    }
    const Offset fences = live->fences;
    if (fence_covers_arrival(fences, definitions_fence_sequence())) break;
    unlock_pool(live);
    const FenceEnd end = get_fences(fences, deadline);
    if (end != FenceEnd::kReady)
      return end == FenceEnd::kTimeout ? Arrival::kNoFence : Arrival::kGone;
  }
  const std::uint32_t index = grant_now(ref, entry);
  if (index == Bitmap::kNone && is_short) {
    unlock_pool(live);
    arena_report_full();
  }
  if (index == Bitmap::kNone) return Arrival::kBusy;
  become_held(entry, index);
  unlock_pool(live);
  debug_point(DebugPoint::kGrantedAtOnce);
  return Arrival::kGranted;
}

// Refuses a wait that could never end. The pool is locked; it is unlocked before an error.
void check_may_wait(PoolRef* ref) {
  if (changed_definitions()) {
    unlock_ref(ref);
    report_uncommitted_change(ref);
  }
  if (waits_for_itself(ref)) {
    unlock_ref(ref);
    report_own_deadlock(ref);
  }
}

// Sleeps in the queue; nullptr at the deadline.
LedgerEntry* wait_in_queue(LedgerEntry* entry, TimestampTz deadline) {
  const WaitEnd end = wait_for_turn(entry, deadline);
  debug_point(end == WaitEnd::kTimeout ? DebugPoint::kTimedOut : DebugPoint::kTurnSeen);
  // If one of these ends in an error, the undo log gives the entry up.
  if (!definitions_exist()) report_dropped(entry->ref);
  if (end == WaitEnd::kTimeout && leave_queue(entry, Leave::kTimeout)) {
    unlog_created(entry);
    discard_entry(entry);
    return nullptr;
  }
  const Waiter& waiter = *region().at<Waiter>(entry->waiter);
  const WaiterState state = waiter.state.load(std::memory_order_acquire);
  if (state == WaiterState::kDropped) report_dropped(entry->ref);
  if (state == WaiterState::kVictim) report_deadlock();
  note_grant(entry, waiter.index, waiter.fence);
  return entry;
}

// Waiter record left over from an enqueue that was granted at once; the next one uses it. 0: none.
Offset spare_waiter = 0;

int max_tickets_per_session = 10000;

// Tickets of this session that are in a queue, or have left it and were not collected yet.
int waiting_tickets() {
  return own_waiter_records() - (spare_waiter == 0 ? 0 : 1);
}

[[noreturn]] void report_too_many_tickets() {
  ereport(ERROR,
          (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
           errmsg("this session has %d tickets that wait, and may have no more", waiting_tickets()),
           errhint("Cancel some, or raise numpool.max_tickets_per_session.")));
}

// Arrives; where that finds the pool busy, spare_waiter is there to wait with.
Arrival arrive_by_ticket(PoolRef* ref, LedgerEntry* entry, TransactionId* closing) {
  const Arrival arrival = arrive(ref, entry, kNoWait, closing);
  if (arrival != Arrival::kBusy) return arrival;
  if (changed_definitions()) {
    unlock_ref(ref);
    report_uncommitted_change(ref);
  }
  if (waiting_tickets() >= max_tickets_per_session) {
    unlock_ref(ref);
    discard_entry(entry);
    report_too_many_tickets();
  }
  if (spare_waiter != 0) return arrival;
  // Allocate with no lock held, and look again.
  unlock_ref(ref);
  spare_waiter = try_allocate_waiter();
  if (spare_waiter == 0) {
    discard_entry(entry);
    arena_report_full();
  }
  return arrive(ref, entry, kNoWait, closing);
}

bool own_ticket_was_granted() {
  return my_session().inbox.head.load(std::memory_order_relaxed) != 0;
}

}  // namespace

namespace {

// The pool of that name and, in *taken_back, a number of it that the transaction had released, or
// nullptr. A lock of the definitions does not keep a session from what it still holds: the pool
// that it knows by the name will do for that. nullptr: they were locked until the deadline.
PoolRef* enter_pool(text* name, Scope scope, TimestampTz deadline, LedgerEntry** taken_back) {
  PoolRef* ref = require_pool(name, kNoWait);
  if (ref == nullptr && (ref = find_pool_of_lease(name)) != nullptr) {
    *taken_back = take_back(ref, scope);
    if (*taken_back != nullptr) return ref;
    ref = nullptr;
  }
  if (ref == nullptr) ref = require_pool(name, deadline);
  *taken_back = ref == nullptr ? nullptr : take_back(ref, scope);
  return ref;
}

}  // namespace

LedgerEntry* acquire(text* name, Scope scope, Patience patience) {
  const bool waits = patience.microseconds != 0;
  const TimestampTz deadline = deadline_of(patience);
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    LedgerEntry* taken_back;
    PoolRef* ref = enter_pool(name, scope, deadline, &taken_back);
    if (ref == nullptr || taken_back != nullptr) return taken_back;
    LedgerEntry* entry = reserve_entry(ref, scope);
    TransactionId closing = InvalidTransactionId;
    switch (arrive(ref, entry, deadline, &closing)) {
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

LedgerEntry* enqueue(text* name) {
  listen_to_own_channel();
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    LedgerEntry* taken_back;
    PoolRef* ref = enter_pool(name, Scope::kSession, kNoWait, &taken_back);
    if (ref == nullptr) report_being_changed(name);
    if (taken_back != nullptr) {
      reserve_ticket(taken_back);
      taken_back->ticket_active = true;
      copy_state_to_slot(taken_back);
      return taken_back;
    }
    LedgerEntry* entry = reserve_entry(ref, Scope::kSession);
    reserve_ticket(entry);
    entry->ticket_active = true;
    TransactionId closing = InvalidTransactionId;
    switch (arrive_by_ticket(ref, entry, &closing)) {
      case Arrival::kGranted:
        return entry;
      case Arrival::kBusy:
        entry->grant_delivered = false;
        join_queue(ref, entry, spare_waiter, WaiterKind::kTicket, true);
        spare_waiter = 0;
        unlock_ref(ref);
        return entry;
      case Arrival::kGone:
        discard_entry(entry);
        forget_name_of(name);
        break;
      case Arrival::kClosing:
      case Arrival::kLocked:
        discard_entry(entry);
        report_being_changed(name);
      case Arrival::kNoFence:
        discard_entry(entry);
        report_no_fences();
    }
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
  *in_range = entry != nullptr || (index >= 0 && index < size);
  return entry;
}

namespace {

// The session's lease of that index, or nullptr. Errors: 42704, 22023.
LedgerEntry* lease_in_range(text* name, std::int64_t index) {
  bool in_range;
  LedgerEntry* entry = find_lease(name, index, &in_range);
  if (!in_range)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("number %lld is outside pool \"%s\"", static_cast<long long>(index),
                           text_to_cstring(name))));
  return entry;
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

void lease_define_settings() {
  DefineCustomIntVariable("numpool.max_tickets_per_session",
                          "Sets how many tickets of one session may wait at the same time.",
                          "A ticket takes 96 bytes of numpool's shared memory while it waits.",
                          &max_tickets_per_session, 10000, 0, INT_MAX, PGC_SUSET, 0, nullptr,
                          nullptr, nullptr);
}

void free_spare_waiter() {
  free_waiter(spare_waiter);
  spare_waiter = 0;
}

std::int32_t release_all() {
  collect_undelivered();
  std::int32_t count = 0;
  dlist_mutable_iter at;
  dlist_foreach_modify(at, all_entries()) {
    LedgerEntry* entry = dlist_container(LedgerEntry, node, at.cur);
    if (entry->releasing || entry->state == EntryState::kNew) continue;
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
