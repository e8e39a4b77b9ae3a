// The SQL functions of timed leases.

#include "backend/clerk_start.h"
#include "backend/token_calls.h"
#include "backend/token_lease.h"
#include "entry/arguments.h"
#include "entry/result_row.h"
#include "pg/datums.h"

extern "C" {
#include "tcop/utility.h"
}

namespace {

using namespace numpool;

std::int64_t ttl_argument(FunctionCallInfo fcinfo, int position) {
  require_argument(fcinfo, position, "ttl");
  const std::int64_t ttl = microseconds_of(PG_GETARG_INTERVAL_P(position));
  if (ttl < kMinTtl || ttl > kMaxTtl)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("ttl must be between 100 milliseconds and 30 days")));
  return ttl;
}

Token token_argument(FunctionCallInfo fcinfo, int position) {
  require_argument(fcinfo, position, "token");
  Token token;
  memcpy(&token, PG_GETARG_UUID_P(position)->data, UUID_LEN);
  return token;
}

// A uuid of version 4, which nobody can guess.
Token random_token() {
  pg_uuid_t uuid;
  if (!pg_strong_random(uuid.data, UUID_LEN))
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
  uuid.data[6] = static_cast<unsigned char>((uuid.data[6] & 0x0f) | 0x40);
  uuid.data[8] = static_cast<unsigned char>((uuid.data[8] & 0x3f) | 0x80);
  Token token;
  memcpy(&token, uuid.data, UUID_LEN);
  return token;
}

void read_holder(FunctionCallInfo fcinfo, int position, TimedRequest* request) {
  if (PG_ARGISNULL(position)) return;
  const text* holder = PG_GETARG_TEXT_PP(position);
  request->holder = VARDATA_ANY(holder);
  request->holder_length = VARSIZE_ANY_EXHDR(holder);
  if (request->holder_length > kMaxHolderLength)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("holder must not be longer than %zu bytes", kMaxHolderLength)));
}

TimedRequest request_of(FunctionCallInfo fcinfo, int ttl_position, int token_position,
                        int holder_position) {
  TimedRequest request = {};
  request.pool = text_argument(fcinfo, 0, "pool");
  request.ttl = ttl_argument(fcinfo, ttl_position);
  request.is_own_token = !PG_ARGISNULL(token_position);
  request.token = request.is_own_token ? token_argument(fcinfo, token_position) : random_token();
  read_holder(fcinfo, holder_position, &request);
  return request;
}

Datum fence_datum(const TokenState& state) {
  return Int64GetDatum(state.fence);
}

Datum expiry_datum(const TokenState& state) {
  return TimestampTzGetDatum(GetCurrentTimestamp() + state.left);
}

}  // namespace

extern "C" {

PG_FUNCTION_INFO_V1(numpool_lease);
PGDLLEXPORT Datum numpool_lease(PG_FUNCTION_ARGS) {
  const TimedRequest request = request_of(fcinfo, 1, 2, 4);
  const Patience patience = patience_argument(fcinfo, 3);
  PreventCommandIfReadOnly("numpool_lease()");
  TokenState state = {};
  if (enter_changing_session(fcinfo, deadline_of(patience))) {
    require_clerk();
    state = lease_by_token(request, patience);
  }
  Datum values[4] = {};
  bool nulls[4] = {};
  nulls[0] = state.has == TokenHas::kNothing && !request.is_own_token;
  values[0] = uuid_datum(&request.token);
  nulls[1] = nulls[2] = state.has != TokenHas::kLease;
  values[1] = Int32GetDatum(static_cast<std::int32_t>(state.index));
  values[2] = fence_datum(state);
  nulls[3] = state.has == TokenHas::kNothing;
  values[3] = expiry_datum(state);
  return make_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(numpool_keep);
PGDLLEXPORT Datum numpool_keep(PG_FUNCTION_ARGS) {
  const TimedRequest request = request_of(fcinfo, 2, 3, 4);
  const std::int32_t index = int_argument(fcinfo, 1, "index");
  PreventCommandIfReadOnly("numpool_keep()");
  enter_changing_session(fcinfo);
  require_clerk();
  const TokenState state = keep_for_token(request, index);
  Datum values[3] = {};
  bool nulls[3] = {};
  nulls[0] = state.has == TokenHas::kNothing && !request.is_own_token;
  values[0] = uuid_datum(&request.token);
  nulls[1] = nulls[2] = state.has != TokenHas::kLease;
  values[1] = fence_datum(state);
  values[2] = expiry_datum(state);
  return make_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(numpool_renew);
PGDLLEXPORT Datum numpool_renew(PG_FUNCTION_ARGS) {
  const Token token = token_argument(fcinfo, 0);
  enter_function(fcinfo);
  const TokenState state = renew_token(token);
  Datum values[3] = {};
  bool nulls[3] = {};
  nulls[0] = state.has != TokenHas::kLease;
  values[0] = fence_datum(state);
  nulls[1] = nulls[2] = state.has == TokenHas::kNothing;
  values[1] = expiry_datum(state);
  values[2] = interval_datum(state.ttl);
  return make_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(numpool_release_token);
PGDLLEXPORT Datum numpool_release_token(PG_FUNCTION_ARGS) {
  const Token token = token_argument(fcinfo, 0);
  PreventCommandIfReadOnly("numpool_release()");
  enter_changing_session(fcinfo);
  if (release_by_token(token)) PG_RETURN_BOOL(true);
  ereport(WARNING, (errmsg("the token does not hold a number")));
  PG_RETURN_BOOL(false);
}

// The rows of numpool_timed are written by the functions, without triggers. Whoever writes them in
// another way would tell of leases that nobody has.
PG_FUNCTION_INFO_V1(numpool_timed_changed);
PGDLLEXPORT Datum numpool_timed_changed(PG_FUNCTION_ARGS) {
  if (!CALLED_AS_TRIGGER(fcinfo))
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("numpool_timed_changed was not called by a trigger")));
  const TriggerData* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  // An error would stop a whole subscription; the publisher's leases are no concern of ours.
  if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA &&
      TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
    return Datum{0};
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("cannot change the rows of timed leases by hand"),
                  errhint("Use numpool_release(token).")));
}

}  // extern "C"
