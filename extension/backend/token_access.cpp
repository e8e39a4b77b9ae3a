#include "backend/token_access.h"

#include "backend/definitions.h"
#include "core/timed_lease.h"
#include "pg/datums.h"
#include "pg/errors.h"
#include "shared/pool_unlock.h"
#include "shared/session.h"
#include "shared/timed_memory.h"

extern "C" {
#include "utils/acl.h"
}

namespace numpool {

namespace {

Offset spare_record = 0;

TimedRecord& record_at(Offset at) {
  return *region().at<TimedRecord>(at);
}

}  // namespace

TokenState lease_state(const TimedRecord& record) {
  return {TokenHas::kLease, record.index, record.fence, record.ttl, record.ttl};
}

TokenState place_state(const TimedRecord& record) {
  const std::int64_t left = record.deadline - monotonic_now();
  return {TokenHas::kPlace, 0, 0, left > 0 ? left : 0, record.ttl};
}

TokenKey token_key(const Token& token) {
  return {MyDatabaseId, definitions_relation(), token};
}

bool may_use_token(Oid role) {
  return has_privs_of_role(GetUserId(), role) ||
         has_privs_of_role(GetUserId(), definitions_owner());
}

TimedRecord* require_token(const TokenKey& key, LivePool** live) {
  // Privileges are looked up with no lock held; the token may be another role's afterwards.
  Oid checked = InvalidOid;
  for (;;) {
    TimedRecord* record = lock_token(key, live);
    if (record == nullptr) return nullptr;
    if (record->role != checked) {
      checked = record->role;
      unlock_pool(*live);
      if (!may_use_token(checked))
        ereport(ERROR,
                (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for token"),
                 errdetail("Another role has taken its lease.")));
      continue;
    }
    if (record->state.load() == TimedState::kTaken || !is_due(*record, monotonic_now()))
      return record;
    timed_count_end((*live)->pool, *record);
    end_token(record, *live, EndKind::kBad);
    return nullptr;
  }
}

TimedRecord* lock_own_token(const TokenKey& key, LivePool** live) {
  TimedRecord* record = lock_token(key, live);
  if (record == nullptr || record->user == my_session_id()) return record;
  unlock_pool(*live);
  return nullptr;
}

void check_ttl(std::int64_t ttl, LivePool* live) {
  const std::int64_t most = live->pool.settings.max_ttl;
  if (ttl <= most) return;
  unlock_pool(live);
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("ttl is longer than the pool allows"),
           errdetail("Its setting \"max_ttl\" is %s.",
                     DatumGetCString(DirectFunctionCall1(interval_out, interval_datum(most))))));
}

void report_token_in_use(LivePool* live) {
  unlock_pool(live);
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_IN_USE), errmsg("the token is in use"),
           errdetail("Another call waits with it, or an open transaction has taken or released "
                     "its lease."),
           errhint("Try again.")));
}

void end_token(TimedRecord* record, LivePool* live, EndKind end) {
  WakeList wake;
  GrantContext context = grant_context(*live, GetCurrentTimestamp());
  context.last.how = is_due(*record, context.monotonic) ? LastEnd::kExpired : LastEnd::kReleased;
  timed_end(region(), live->pool, *record, end, context, wake);
  unlock_pool(live);
  wake_all(wake);
}

Offset make_spare_record(const TimedRequest& request, bool waits) {
  free_spare_record();
  spare_record =
      try_make_timed_record(token_key(request.token), request.holder, request.holder_length, waits);
  if (spare_record == 0)
    report_no_shared_memory(psprintf("Timed leases may take half of the %zu kB that numpool has.",
                                     arena().size / 1024));
  TimedRecord& record = record_at(spare_record);
  record.ttl = request.ttl;
  record.role = GetUserId();
  record.user = my_session_id();
  return spare_record;
}

void forget_spare_record() {
  spare_record = 0;
}

void free_spare_record() {
  if (spare_record != 0) free_timed_record(spare_record);
  spare_record = 0;
}

}  // namespace numpool
