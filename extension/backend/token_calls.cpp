#include "backend/token_calls.h"

#include "backend/arrival.h"
#include "backend/definitions.h"
#include "backend/ledger_release.h"
#include "backend/ledger_undelivered.h"
#include "backend/lease.h"
#include "backend/pool_cache.h"
#include "backend/pool_rights.h"
#include "backend/timed_rows.h"
#include "backend/token_row.h"
#include "backend/token_uses.h"
#include "core/timed_lease.h"
#include "pg/debug_point.h"
#include "pg/errors.h"
#include "shared/pool_unlock.h"
#include "shared/session.h"

namespace numpool {

namespace {

TimedState state_of(const TimedRecord& record) {
  return record.state.load(std::memory_order_relaxed);
}

[[noreturn]] void report_holds_other(text* pool, std::uint32_t index) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("the token has another number, or a place in a queue, already"),
                  errdetail("It was given to keep number %u of pool \"%s\".", index,
                            text_to_cstring(pool)),
                  errhint("Use another token, or release this one.")));
}

[[noreturn]] void report_lost(text* pool, const LedgerEntry* entry) {
  if (!entry->ended) report_no_pool(text_to_cstring(pool));
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("the lease of number %u of pool \"%s\" was ended by force", entry->index,
                         text_to_cstring(pool))));
}

// The session's lease that is to be kept for the token of the key; nullptr: it does not hold the
// index. Errors: 22023, also if the open transaction has kept it for another token.
LedgerEntry* lease_to_keep(text* pool, std::int64_t index, const TokenKey& key) {
  collect_undelivered();
  bool in_range;
  LedgerEntry* entry = find_lease(pool, index, &in_range);
  if (!in_range) report_out_of_range(pool, index);
  if (entry == nullptr || !still_held(entry)) return nullptr;
  const TokenUse* use = entry->timed ? find_use(key) : nullptr;
  if (entry->timed && (use == nullptr || use->entry != entry || use->kind != UseKind::kKept))
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("number %lld of pool \"%s\" was leased or kept by token in this "
                           "transaction",
                           static_cast<long long>(index), text_to_cstring(pool))));
  return entry;
}

}  // namespace

TokenState keep_for_token(const TimedRequest& request, std::int64_t index) {
  const TokenKey key = token_key(request.token);
  LivePool* live;
  TimedRecord* record = require_token(key, &live);
  if (record != nullptr) {
    const TokenUse* use = find_use(key);
    if (record->user != 0 && use == nullptr) report_token_in_use(live);
    // Asked again: it is the token's, or will be at COMMIT.
    const TokenState state = lease_state(*record);
    const bool is_free = record->user == 0 && state_of(*record) == TimedState::kHeld;
    const bool is_lease =
        is_free || (use != nullptr && !use->releases && use->kind != UseKind::kCalled);
    const PoolKey pool = live->key;
    if (is_free) timed_renew(*record, monotonic_now());
    unlock_pool(live);
    const PoolRef* ref = find_pool_of_lease(request.pool);
    if (!is_lease || ref == nullptr || !(ref->key == pool) || state.index != index)
      report_holds_other(request.pool, static_cast<std::uint32_t>(index));
    return state;
  }

  LedgerEntry* entry = lease_to_keep(request.pool, index, key);
  if (entry == nullptr) return {};
  require_use(entry->ref);
  if (lock_ref(entry->ref)) {
    check_ttl(request.ttl, live_of(entry->ref));
    unlock_ref(entry->ref);
  }
  await_fence(entry->ref);  // its row's
  reserve_use();
  const Offset made = make_spare_record(request, false);
  record = region().at<TimedRecord>(made);
  record->index = entry->index;
  record->fence = entry->fence;
  record->pool = entry->ref->live;
  record->generation = entry->ref->generation;
  if (!insert_token(*record)) return keep_for_token(request, index);
  forget_spare_record();
  TokenUse* use = note_use(entry->ref->key, *record, UseKind::kKept, entry);
  // From here on an error undoes the use.
  record_change(entry);
  entry->timed = true;
  set_releasing(entry, false);
  if (entry->undelivered) mark_shown(entry);
  copy_state_to_slot(entry);
  if (!lock_rows_of(use->pool.identity) || !lock_timed_table()) report_rows_locked(request.pool);
  // A forced drop may have come before that lock, or an end by force at any time.
  if (!still_held(entry)) report_lost(request.pool, entry);
  write_token_row(use);
  return lease_state(*record);
}

TokenState renew_token(const Token& token) {
  const TokenKey key = token_key(token);
  LivePool* live;
  TimedRecord* record = require_token(key, &live);
  if (record == nullptr) return {};
  TokenState state = {};
  switch (state_of(*record)) {
    case TimedState::kTaken:
      if (record->user != my_session_id()) report_token_in_use(live);
      state = lease_state(*record);
      unlock_pool(live);
      // It may have been ended by force, of which the record does not know.
      return still_held(find_use(key)->entry) ? state : TokenState{};
    case TimedState::kHeld:
      timed_renew(*record, monotonic_now());
      state = lease_state(*record);
      break;
    case TimedState::kPlace:
      timed_prolong_place(region(), live->pool, *record, monotonic_now());
      state = place_state(*record);
      break;
    case TimedState::kOffered:
      state = place_state(*record);
      break;
    case TimedState::kOver:
      break;
  }
  unlock_pool(live);
  return state;
}

namespace {

// A release of what the open transaction has taken or kept itself, or has released and taken back.
bool release_own_use(TokenUse* use) {
  if (use->releases) return false;
  record_use_change(use);
  delete_token_row(use);
  use->releases = true;
  use->by_force = false;
  return true;
}

}  // namespace

bool release_locked_token(TimedRecord* record, LivePool* live, bool by_force) {
  if (is_due(*record, monotonic_now())) {
    timed_count_end(live->pool, *record);
    end_token(record, live, EndKind::kBad);
    return false;
  }
  record->user = my_session_id();
  live->pool.slot(region(), record->index).state = LeaseState::kReleasing;
  TokenUse* use = note_use(live->key, *record, UseKind::kReleased);
  use->by_force = by_force;
  unlock_pool(live);
  delete_token_row(use);
  return true;
}

bool release_by_token(const Token& token) {
  const TokenKey key = token_key(token);
  if (TokenUse* use = find_use(key)) return release_own_use(use);
  reserve_use();
  LivePool* live;
  TimedRecord* record = require_token(key, &live);
  if (record == nullptr) return false;
  if (record->user != 0) report_token_in_use(live);
  if (state_of(*record) != TimedState::kHeld) {
    ++live->pool.counters.cancels;
    end_token(record, live, EndKind::kReleased);
    return true;
  }
  return release_locked_token(record, live, false);
}

}  // namespace numpool
