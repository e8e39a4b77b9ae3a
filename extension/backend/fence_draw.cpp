#include "backend/fence_draw.h"

#include "backend/definitions.h"
#include "backend/patience.h"
#include "backend/sequence_page.h"
#include "backend/wait.h"
#include "pg/debug_point.h"
#include "pg/errors.h"
#include "shared/fence.h"
#include "shared/standbys.h"

namespace numpool {

namespace {

// Beyond this no fence is given; see the README for why nothing comes near it.
constexpr std::int64_t kLastFence = PG_INT64_MAX / 2;

FenceOrigin this_origin() {
  std::uint64_t mixed = GetSystemIdentifier() * 0x9e3779b97f4a7c15u;
  mixed ^= mixed >> 32;
  // It lies in a column of a sequence that is never negative, and is not 0.
  const std::uint32_t system = (static_cast<std::uint32_t>(mixed) & 0x7fffffffu) | 1;
  return {system, GetWALInsertionTimeLine()};
}

// The sequence's own column for what it has logged in advance, which is nothing here, says who
// drew.
FenceSource read_source(Buffer buffer) {
  const SequenceState state = read_sequence_page(buffer);
  const std::uint64_t origin = static_cast<std::uint64_t>(state.logged_ahead);
  return {state.last_value,
          {static_cast<std::uint32_t>(origin >> 32), static_cast<std::uint32_t>(origin)},
          state.is_called};
}

XLogRecPtr log_draw(Relation sequence, Buffer buffer, const FenceOrigin& origin,
                    const FenceDraw& draw) {
  const std::uint64_t drawer = static_cast<std::uint64_t>(origin.system) << 32 | origin.timeline;
  return write_sequence_page(sequence, buffer,
                             {draw.limit, static_cast<std::int64_t>(drawer), true});
}

[[noreturn]] void report_used_up() {
  ereport(ERROR, (errcode(ERRCODE_SEQUENCE_GENERATOR_LIMIT_EXCEEDED),
                  errmsg("the fences of this database are used up")));
}

// The lock on the sequence's page makes the draws of a database one at a time: whoever has it sees
// what the one before has noted.
void draw_from_page(Relation sequence, Offset record, const FenceWish& wish) {
  const FenceOrigin drawer = this_origin();
  const std::int64_t clock = GetCurrentTimestamp();
  Buffer buffer = lock_sequence_page(sequence);
  std::int64_t floor;
  std::int64_t count;
  if (fence_wants_draw(record, wish, &floor, &count)) {
    const FenceDraw draw = plan_draw(read_source(buffer), drawer, clock, floor, count);
    if (draw.limit > kLastFence) report_used_up();
    fence_drawn(record, wish, draw, log_draw(sequence, buffer, drawer, draw));
  }
  unlock_sequence_page(buffer);
}

// The lock is given back at once: a wait in a queue may follow (rule D7). False at the deadline.
bool draw(Offset record, const FenceWish& wish, TimestampTz deadline) {
  const Oid sequence = wish.source;
  if (!lock_relation_until(sequence, RowExclusiveLock, deadline)) return false;
  if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(sequence))) report_not_installed();
  Relation relation = relation_open(sequence, NoLock);
  draw_from_page(relation, record, wish);
  relation_close(relation, RowExclusiveLock);
  return true;
}

// Sleeps once, at most until `until`, unless `position` has the assurance by now.
void sleep_for_standbys(XLogRecPtr position, Assurance assurance, TimestampTz until) {
  if (!listen_to_standbys(position, assurance)) return;
  PG_TRY();
  { sleep_once(until, WAIT_EVENT_SYNC_REP); }
  PG_FINALLY();
  {
    // NB: the next COMMIT would enter it a second time.
    stop_listening_to_standbys();
  }
  PG_END_TRY();
}

// Who does not wait gives the standbys so long to confirm fences, as his COMMIT would.
constexpr std::int64_t kPatienceWithStandbys = 1000000;

// One step of waiting. False at the deadline.
bool await_step(Offset record, const FenceAdvice& advice, const Deadlines& deadlines) {
  if (advice.step == FenceStep::kAwait) {
    XLogFlush(advice.position);
    const Assurance reached = assurance_of(advice.position);
    if (reached >= advice.assurance) {
      fence_assured(record, advice.position, advice.assurance);
      return true;
    }
  }
  if (deadlines.passed()) return false;
  if (advice.step == FenceStep::kAwait)
    sleep_for_standbys(advice.position, advice.assurance, deadlines.next());
  else
    sleep_once(Min(deadlines.next(), advice.until), WAIT_EVENT_SYNC_REP);
  return true;
}

}  // namespace

FenceEnd await_fences(Offset record, Oid sequence, std::int64_t at_least, TimestampTz deadline) {
  debug_point(DebugPoint::kBlockWanted);
  if (deadline == kNoWait) deadline = GetCurrentTimestamp() + kPatienceWithStandbys;
  const Deadlines deadlines(deadline);
  TimestampTz undefined_since = 0;
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    FenceWish wish = fence_wish(sequence, at_least);
    wish.now = GetCurrentTimestamp();
    if (wish.standbys_are_defined)
      undefined_since = 0;
    else if (undefined_since == 0)
      undefined_since = wish.now;
    wish.undefined_since = undefined_since;
    FenceAdvice advice;
    if (!fence_advise(record, wish, &advice)) return FenceEnd::kGone;
    if (advice.step == FenceStep::kCovered) return FenceEnd::kReady;
    if (advice.step == FenceStep::kDraw) {
      if (!draw(record, wish, deadline)) return FenceEnd::kTimeout;
      debug_point(DebugPoint::kBlockTaken);
    } else if (!await_step(record, advice, deadlines)) {
      return FenceEnd::kTimeout;
    }
  }
}

}  // namespace numpool
