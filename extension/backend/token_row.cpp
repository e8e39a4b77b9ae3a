#include "backend/token_row.h"

#include "backend/timed_rows.h"
#include "backend/token_uses.h"
#include "core/timed_lease.h"
#include "pg/debug_point.h"
#include "shared/pool_unlock.h"
#include "shared/session.h"

namespace numpool {

namespace {

// Rows that are left of leases, that one call deletes at most.
constexpr int kSweptAtOnce = 16;

// Marks the next row that is left in the pool, and that nobody is deleting, for this transaction.
// False: there is none.
bool mark_left_row(const TokenUse* for_use) {
  reserve_use();
  if (!lock_pool(for_use->live, for_use->pool, for_use->generation)) return false;
  LivePool* live = live_pool_at(for_use->live);
  TokenUse* use = nullptr;
  for (Offset at = live->pool.tokens.left; at != 0 && use == nullptr;) {
    TimedRecord& record = *region().at<TimedRecord>(at);
    at = record.left_next;
    if (record.user != 0 || record.in_over_list.load(std::memory_order_acquire)) continue;
    record.user = my_session_id();
    use = note_use(for_use->pool, record, UseKind::kRowLeft);
  }
  unlock_pool(live);
  if (use == nullptr) return false;
  delete_timed_row(use->pool.identity, use->index, use->row_fence);
  return true;
}

// Others may look at many that are marked, but not for long.
void sweep_left_rows(const TokenUse* use) {
  for (int i = 0; i < kSweptAtOnce && mark_left_row(use); ++i) {
  }
}

// The fence of a row that is about to be written. Number and token are both this transaction's, so
// rows of either are in the order of their fences. The lease's own may be older than a row that the
// token has left, but for an offer, of which the token was in the queue when it was granted.
void give_row_its_fence(TokenUse* use) {
  if (use->kind != UseKind::kTaken && use->kind != UseKind::kKept) return;
  if (use->row_fence != use->fence || !lock_pool(use->live, use->pool, use->generation)) return;
  LivePool* live = live_pool_at(use->live);
  use->row_fence = take_fence(*live);
  unlock_pool(live);
}

}  // namespace

void write_token_row(TokenUse* use) {
  give_row_its_fence(use);
  const TimedRecord& record = *region().at<TimedRecord>(use->record);
  insert_timed_row({use->pool.identity, use->index, use->row_fence, use->key.token, record.ttl,
                    record.role, region().at<char>(record.holder), record.holder_length});
  use->has_row = true;
  debug_point(DebugPoint::kTokenRowWritten);
  ForceSyncCommit();
  sweep_left_rows(use);
}

void delete_token_row(TokenUse* use) {
  if (!lock_rows_of(use->pool.identity) || !lock_timed_table()) return;
  delete_timed_row(use->pool.identity, use->index, use->row_fence);
  use->has_row = false;
  sweep_left_rows(use);
}

void report_rows_locked(text* pool) {
  ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
                  errmsg("could not lease a number of pool \"%s\" by token", text_to_cstring(pool)),
                  errdetail("Another session has locked the table of timed leases."),
                  errhint("Try again when it is done.")));
}

}  // namespace numpool
