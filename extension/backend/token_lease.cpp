#include "backend/token_lease.h"

#include "backend/arrival.h"
#include "backend/deadlock_check.h"
#include "backend/ledger_end.h"
#include "backend/ledger_undelivered.h"
#include "backend/pool_cache.h"
#include "backend/pool_loading.h"
#include "backend/pool_rights.h"
#include "backend/timed_rows.h"
#include "backend/token_row.h"
#include "backend/token_uses.h"
#include "backend/wait.h"
#include "core/timed_lease.h"
#include "pg/debug_point.h"
#include "pg/errors.h"
#include "shared/place_sleep.h"
#include "shared/pool_unlock.h"
#include "shared/session.h"

namespace numpool {

namespace {

// How a step of a call ended.
enum class Step : std::uint8_t {
  kDone,     // with what the call's state says
  kAgain,    // something has changed: begin again
  kUnknown,  // the token has nothing
};

struct Call {
  const TimedRequest& request;
  TokenKey key;
  bool waits;
  TimestampTz deadline;
  PoolRef* ref;
  LedgerEntry* entry;  // reserved; kNew until there is a number
  TokenState state;
};

// What a use gives the token at COMMIT.
TokenState state_of(const TokenUse* use) {
  return {TokenHas::kLease, use->index, use->fence, use->ttl, use->ttl};
}

TimedRecord& record_at(Offset at) {
  return *region().at<TimedRecord>(at);
}

Step done_without_number(Call& call) {
  discard_entry(call.entry);
  return Step::kDone;
}

void begin_step(Call& call) {
  reserve_use();
  call.entry = reserve_entry(call.ref, Scope::kTransaction);
}

// The number of a use, the newest thing that the transaction did, goes to the next in line.
void pass_on(TokenUse* use) {
  LedgerEntry* entry = use->entry;
  const bool picked_up = use->kind == UseKind::kPickedUp;
  const TokenKey key = use->key;
  take_back_use(use);
  unlog_created(entry);
  entry->learnt = false;  // the caller is not told of it
  give_up(entry);
  LivePool* live;
  TimedRecord* record = picked_up ? lock_token(key, &live) : nullptr;
  if (record == nullptr) return;
  if (record->state.load() == TimedState::kOffered && record->user == 0)
    end_token(record, live, EndKind::kReleased);
  else
    unlock_pool(live);
}

// Writes the row of a number that the transaction has just got for the token. Nothing may wait
// here: a number that was granted and has no row yet has no deadline either.
Step write_row_or_pass_on(Call& call, TokenUse* use) {
  const std::int64_t identity = use->pool.identity;
  debug_point(DebugPoint::kTokenRowDue);
  if (!lock_rows_of(identity)) {  // the pool is being dropped
    pass_on(use);
    return wait_for_rows_of(identity, call.deadline) ? Step::kAgain : Step::kDone;
  }
  // It may have been, before that lock was there. From now on it cannot be.
  if (!still_held(use->entry)) {
    pass_on(use);
    return Step::kAgain;
  }
  if (!lock_timed_table()) {
    pass_on(use);
    report_rows_locked(call.request.pool);
  }
  write_token_row(use);
  call.state = state_of(use);
  return Step::kDone;
}

// Takes up the offer; its pool is locked.
Step pick_up(Call& call, TimedRecord* record, LivePool* live) {
  LedgerEntry* entry = call.entry;
  timed_pick_up(region(), live->pool, *record,
                {my_session_id(), tag_of(entry), Scope::kTransaction}, monotonic_now());
  record->ttl = call.request.ttl;
  entry->live = record->pool;
  entry->generation = record->generation;
  note_grant(entry, record->index, record->fence);
  entry->learnt = true;
  record_creation(entry);
  entry->timed = true;
  TokenUse* use = note_use(live->key, *record, UseKind::kPickedUp, entry);
  unlock_pool(live);
  return write_row_or_pass_on(call, use);
}

// The call waits for itself, or was chosen to end a deadlock: 40P01, and the place is kept. The
// pool is locked, and unlocked then.
void refuse_deadlock(const Call& call, LivePool* live) {
  const bool is_victim = is_place_victim();
  if (!is_victim && !(call.ref->held != 0 && waits_for_itself(call.ref))) return;
  unlock_pool(live);
  if (is_victim) report_deadlock();
  report_own_deadlock(call.ref);
}

// Sleeps on the token's place, of which this session is the user, until it was offered a number or
// the deadline has come. The record, with its pool locked.
TimedRecord* wait_for_offer(const Call& call, LivePool** live, WaitLog* log) {
  const Deadlines deadlines(call.deadline);
  // As in wait_for_turn.
  TimestampTz check = call.deadline == DT_NOEND ? first_check(GetCurrentTimestamp()) : DT_NOEND;
  debug_point(DebugPoint::kJoined);
  for (bool in_time = true;;) {
    if (own_ticket_was_granted()) collect_undelivered();
    TimedRecord* record = lock_own_token(call.key, live);
    // Only with its pool it goes while it has a user.
    if (record == nullptr) report_dropped(call.ref);
    if (!in_time || record->state.load() == TimedState::kOffered) return record;
    refuse_deadlock(call, *live);
    const bool tells = wait_log_due(*log);
    const WaitFacts facts = tells ? look_at_wait(**live, record->waiter) : WaitFacts{};
    unlock_pool(*live);
    if (tells) log_wait(log, call.ref, facts);
    if (!definitions_exist()) report_dropped(call.ref);
    in_time = !deadlines.passed();
    if (!in_time) {
      debug_point(DebugPoint::kTimedOut);
      continue;
    }
    if (milliseconds_until(check) == 0) {
      check = check_for_deadlocks();
      continue;
    }
    debug_point(DebugPoint::kBeforeSleep);
    sleep_for_turn(Min(Min(deadlines.next(), check), log->due));
    debug_point(DebugPoint::kWoken);
    CHECK_FOR_INTERRUPTS();
  }
}

// `called` notes that this session is the user of the place.
Step wait_in_place(Call& call, TokenUse* called) {
  LivePool* live;
  WaitLog log = begin_wait_log();
  TimedRecord* record = wait_for_offer(call, &live, &log);
  end_place_sleep();
  forget_deadlock();
  forget_use(called);
  if (record->state.load() == TimedState::kOffered && record->ended) {
    end_token(record, live, EndKind::kBad);
    discard_entry(call.entry);
    return Step::kAgain;
  }
  if (record->state.load() == TimedState::kOffered) {
    const Step step = pick_up(call, record, live);
    if (step == Step::kDone && call.state.has == TokenHas::kLease)
      log_wait_over(log, call.ref, call.state.index);
    return step;
  }
  timed_prolong_place(region(), live->pool, *record, monotonic_now());
  timed_clear_user(region(), live->pool, *record);
  call.state = place_state(*record);
  unlock_pool(live);
  return done_without_number(call);
}

// The token has a place; its pool is locked.
Step come_to_place(Call& call, TimedRecord* record, LivePool* live) {
  check_ttl(call.request.ttl, live);
  record->ttl = call.request.ttl;
  if (!call.waits) {
    timed_prolong_place(region(), live->pool, *record, monotonic_now());
    call.state = place_state(*record);
    unlock_pool(live);
    return done_without_number(call);
  }
  check_may_wait(call.ref);
  record->user = my_session_id();
  TokenUse* called = note_use(live->key, *record, UseKind::kCalled);
  begin_place_sleep(*record, *live, call.deadline != DT_NOEND);
  unlock_pool(live);
  return wait_in_place(call, called);
}

[[noreturn]] void report_other_pool(const Call& call) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("the token is not of pool \"%s\"", text_to_cstring(call.request.pool)),
                  errdetail("It has a number, or a place in the queue, of another pool."),
                  errhint("Use another token, or release this one.")));
}

// The open transaction has taken, kept or released a lease of the token itself.
Step come_back_to_own(Call& call, TokenUse* use) {
  if (!(use->pool == call.ref->key)) report_other_pool(call);
  if (use->releases) {
    record_use_change(use);
    if (!use->has_row) {
      if (!lock_rows_of(use->pool.identity) || !lock_timed_table())
        report_rows_locked(call.request.pool);
      write_token_row(use);
    }
    use->releases = false;
  }
  call.state = state_of(use);
  return Step::kDone;
}

Step come_back(Call& call) {
  if (TokenUse* use = find_use(call.key)) return come_back_to_own(call, use);
  begin_step(call);
  LivePool* live;
  TimedRecord* record = require_token(call.key, &live);
  if (record == nullptr) {
    discard_entry(call.entry);
    return Step::kUnknown;
  }
  if (!(live->key == call.ref->key)) {
    unlock_pool(live);
    report_other_pool(call);
  }
  call.ref->live = region().offset_of(live);
  call.ref->generation = live->generation;
  if (record->user != 0) report_token_in_use(live);
  switch (record->state.load()) {
    case TimedState::kPlace:
      return come_to_place(call, record, live);
    case TimedState::kOffered:
      check_ttl(call.request.ttl, live);
      return pick_up(call, record, live);
    default:
      break;
  }
  timed_renew(*record, monotonic_now());
  call.state = lease_state(*record);
  unlock_pool(live);
  return done_without_number(call);
}

void bind_record(const Call& call, TimedRecord* record) {
  record->pool = call.ref->live;
  record->generation = call.ref->generation;
}

// The entry has a number, which is to be the token's.
Step take(Call& call, Offset made) {
  TimedRecord& record = record_at(made);
  LedgerEntry* entry = call.entry;
  bind_record(call, &record);
  record.index = entry->index;
  record.fence = entry->fence;
  if (!insert_token(record)) {
    // Another has come with the same token meanwhile.
    unlog_created(entry);
    entry->learnt = false;
    give_up(entry);
    return Step::kAgain;
  }
  forget_spare_record();
  entry->timed = true;
  TokenUse* use = note_use(call.ref->key, record, UseKind::kTaken, entry);
  return write_row_or_pass_on(call, use);
}

// Nothing is free, and the pool is locked. The token is this call's only, so the session waits.
Step wait_by_session(Call& call, Offset made) {
  if (!call.waits) {
    unlock_ref(call.ref);
    return done_without_number(call);
  }
  if (own_ticket_was_granted()) {
    unlock_ref(call.ref);
    collect_undelivered();
    discard_entry(call.entry);
    return Step::kAgain;
  }
  check_may_wait(call.ref);
  join_queue(call.ref, call.entry, region().offset_of(&my_session().sleeper), WaiterKind::kBlocking,
             call.deadline != DT_NOEND);
  unlock_ref(call.ref);
  return wait_in_queue(call.entry, call.deadline) == nullptr ? Step::kDone : take(call, made);
}

void fill_place(Offset made) {
  TimedRecord& record = record_at(made);
  Waiter& waiter = *region().at<Waiter>(record.waiter);
  waiter.session = kTokenHolder;
  waiter.owner_tag = made;
  waiter.serial.store(arena().next_wait.fetch_add(1, std::memory_order_relaxed),
                      std::memory_order_relaxed);
  waiter.wanted = 1;
  waiter.kind = WaiterKind::kPlace;
  waiter.scope = Scope::kTimed;
  waiter.ends_by_itself = true;
}

// Nothing is free, and the pool is locked: the token gets a place. It is put into the table of
// tokens first, with no lock of the pool held, so the pool is looked at once more.
Step keep_place(Call& call, Offset made) {
  if (changed_definitions()) {
    unlock_ref(call.ref);
    report_uncommitted_change(call.ref);
  }
  if (call.waits) check_may_wait(call.ref);
  unlock_ref(call.ref);
  TimedRecord& record = record_at(made);
  bind_record(call, &record);
  if (!insert_token(record)) {
    discard_entry(call.entry);
    return Step::kAgain;
  }
  forget_spare_record();
  TokenUse* use = note_use(call.ref->key, record, UseKind::kTaken, call.entry);
  debug_point(DebugPoint::kPlaceDue);
  const bool there = lock_pool(record.pool, call.ref->key, record.generation);
  LivePool* live = live_pool_at(record.pool);
  if (!there || live->closing != InvalidTransactionId ||
      (live->pool.queue.length == 0 && live->pool.free != 0)) {
    if (there) unlock_pool(live);
    take_back_use(use);
    discard_entry(call.entry);
    return Step::kAgain;
  }
  fill_place(made);
  timed_prolong_place(region(), live->pool, record, monotonic_now());
  if (!call.waits) record.user = 0;
  timed_join(region(), live->pool, record, GetCurrentTimestamp());
  use->kind = UseKind::kCalled;
  if (call.waits) begin_place_sleep(record, *live, call.deadline != DT_NOEND);
  if (!call.waits) {
    forget_use(use);
    call.state = place_state(record);
  }
  unlock_pool(live);
  return call.waits ? wait_in_place(call, use) : done_without_number(call);
}

Step come_anew(Call& call) {
  require_use(call.ref);
  // The ttl is looked at before there is a number to give back.
  switch (lock_ref_loaded(call.ref, call.deadline)) {
    case Lookup::kFound:
      check_ttl(call.request.ttl, live_of(call.ref));
      unlock_ref(call.ref);
      break;
    case Lookup::kAbsent:
      forget_name_of(call.request.pool);
      return Step::kAgain;
    case Lookup::kLocked:
      return Step::kDone;
  }
  const Offset made = make_spare_record(call.request, call.request.is_own_token);
  begin_step(call);
  TransactionId closing = InvalidTransactionId;
  const bool joins = call.waits || call.request.is_own_token;
  switch (arrive(call.ref, call.entry, joins, call.deadline, &closing)) {
    case Arrival::kGranted:
      return take(call, made);
    case Arrival::kGone:
      discard_entry(call.entry);
      forget_name_of(call.request.pool);
      return Step::kAgain;
    case Arrival::kClosing:
      discard_entry(call.entry);
      return wait_for_transaction(closing, call.deadline) ? Step::kAgain : Step::kDone;
    case Arrival::kLocked:
    case Arrival::kNoFence:
      return done_without_number(call);
    case Arrival::kBusy:
      break;
  }
  return call.request.is_own_token ? keep_place(call, made) : wait_by_session(call, made);
}

}  // namespace

TokenState lease_by_token(const TimedRequest& request, Patience patience) {
  Call call = {request,
               token_key(request.token),
               patience.microseconds != 0,
               deadline_of(patience),
               nullptr,
               nullptr,
               {}};
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    call.ref = require_pool(request.pool, call.deadline);
    if (call.ref == nullptr) return {};
    Step step = request.is_own_token ? come_back(call) : Step::kUnknown;
    if (step == Step::kUnknown) step = come_anew(call);
    if (step == Step::kDone) return call.state;
  }
}

}  // namespace numpool
