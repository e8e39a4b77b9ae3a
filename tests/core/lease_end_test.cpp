// The end of a lease by force: of a session's, of a token's, of an offer.
#include "core/lease_end.h"
#include "timed_fixture.h"

using namespace numpool;
using namespace numpool_test;

namespace {

LeaseEnd end_by_force(Tokens& tokens, const TimedRecord& record, SessionId* holder) {
  tokens.wake.clear();
  return pool_end_lease(tokens.region, tokens.pool, record.index, record.fence, tokens.context(),
                        tokens.wake, holder);
}

}  // namespace

TEST_CASE("timed: the end of a lease by force is a release, and leaves the row") {
  Tokens tokens(1);
  TimedRecord& record = tokens.lease();
  SessionId holder = 1;
  CHECK(end_by_force(tokens, record, &holder) == LeaseEnd::kEnded);
  CHECK(holder == 0);
  CHECK(record.state == TimedState::kOver);
  CHECK(tokens.pool.free == 1);
  CHECK(tokens.pool.counters.ended == 1);
  CHECK(tokens.pool.counters.expired == 0);
  CHECK(tokens.left() == 1);
  CHECK(end_by_force(tokens, record, &holder) == LeaseEnd::kGone);
  CHECK(tokens.pool.counters.ended == 1);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE(
    "timed: a lease that is ended while it is used is over when the user is done, renewed or not") {
  Tokens tokens(1);
  TimedRecord& record = tokens.lease();
  record.user = 9;
  SessionId holder = 1;
  CHECK(end_by_force(tokens, record, &holder) == LeaseEnd::kLater);
  CHECK(record.state == TimedState::kHeld);
  CHECK(!tokens.end_due());
  CHECK(record.state == TimedState::kHeld);
  CHECK(end_by_force(tokens, record, &holder) == LeaseEnd::kLater);
  timed_renew(record, tokens.now);
  timed_clear_user(tokens.region, tokens.pool, record);
  CHECK(tokens.check() == nullptr);
  CHECK(tokens.next_due() <= tokens.now);
  CHECK(!tokens.end_due());
  CHECK(record.state == TimedState::kOver);
  CHECK(tokens.pool.counters.ended == 1);
  CHECK(tokens.pool.counters.expired == 0);
  CHECK(tokens.slot(0).last_holder().how == LastEnd::kEnded);
}

TEST_CASE("timed: an offer is ended, and the number goes to the next place") {
  Tokens tokens(1);
  TimedRecord& lease = tokens.lease(0);
  TimedRecord& first = tokens.place();
  TimedRecord& second = tokens.place();
  tokens.end(lease);
  REQUIRE(first.state == TimedState::kOffered);
  SessionId holder = 1;
  CHECK(end_by_force(tokens, first, &holder) == LeaseEnd::kEnded);
  CHECK(first.state == TimedState::kOver);
  CHECK(second.state == TimedState::kOffered);
  CHECK(tokens.check() == nullptr);
}
