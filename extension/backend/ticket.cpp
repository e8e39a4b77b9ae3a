#include "backend/ticket.h"

#include "backend/arrival.h"
#include "backend/ledger_release.h"
#include "backend/ledger_undelivered.h"
#include "backend/pool_cache.h"
#include "backend/pool_rights.h"
#include "backend/undo_log.h"
#include "pg/errors.h"
#include "shared/pool_memory.h"

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
  const Arrival arrival = arrive(ref, entry, true, kNoWait, closing);
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
  return arrive(ref, entry, true, kNoWait, closing);
}

LedgerEntry* with_ticket(LedgerEntry* entry) {
  reserve_ticket(entry);
  entry->ticket_active = true;
  return entry;
}

LedgerEntry* taken_back_with_ticket(LedgerEntry* entry) {
  with_ticket(entry);
  copy_state_to_slot(entry);
  return entry;
}

// The pool is locked, and spare_waiter is there.
LedgerEntry* wait_by_ticket(PoolRef* ref, LedgerEntry* entry) {
  entry->grant_delivered = false;
  join_queue(ref, entry, spare_waiter, WaiterKind::kTicket, true);
  spare_waiter = 0;
  unlock_ref(ref);
  return entry;
}

}  // namespace

LedgerEntry* enqueue_if_ready(text* name) {
  PoolRef* ref = remembered_pool(name);
  if (ref == nullptr || !may_use(ref)) return nullptr;
  if (LedgerEntry* taken_back = take_back(ref, Scope::kSession))
    return taken_back_with_ticket(taken_back);
  LedgerEntry* entry = with_ticket(reserve_entry(ref, Scope::kSession));
  Arrival arrival = arrive_if_ready(ref, entry);
  if (arrival == Arrival::kBusy && spare_waiter == 0) {
    // Allocate with no lock held, and look again.
    unlock_ref(ref);
    spare_waiter = try_allocate_waiter();
    arrival = arrive_if_ready(ref, entry);
  }
  if (arrival == Arrival::kGranted) return entry;
  if (arrival == Arrival::kBusy) {
    if (spare_waiter != 0 && !changed_definitions() && waiting_tickets() < max_tickets_per_session)
      return wait_by_ticket(ref, entry);
    unlock_ref(ref);
  }
  discard_entry(entry);
  return nullptr;
}

LedgerEntry* enqueue(text* name) {
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    LedgerEntry* taken_back;
    PoolRef* ref = enter_pool(name, Scope::kSession, kNoWait, &taken_back);
    if (ref == nullptr) report_being_changed(name);
    if (taken_back != nullptr) return taken_back_with_ticket(taken_back);
    LedgerEntry* entry = with_ticket(reserve_entry(ref, Scope::kSession));
    TransactionId closing = InvalidTransactionId;
    switch (arrive_by_ticket(ref, entry, &closing)) {
      case Arrival::kGranted:
        return entry;
      case Arrival::kBusy:
        return wait_by_ticket(ref, entry);
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

bool cancel(std::int64_t ticket) {
  LedgerEntry* entry = find_ticket(ticket);
  if (entry == nullptr || entry->releasing || entry->timed) return false;
  if (entry->state == EntryState::kDropped ||
      (entry->state == EntryState::kHeld && !still_held(entry))) {
    mark_shown(entry);
    return false;
  }
  release_at_commit(entry);
  return true;
}

void ticket_define_settings() {
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

}  // namespace numpool
