#include "backend/ticket.h"

#include "backend/arrival.h"
#include "backend/delivery.h"
#include "backend/pool_cache.h"
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

}  // namespace

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
