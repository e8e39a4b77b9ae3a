// Tokens: a lease, a place, an offer, a release, a keep, against each other and against COMMIT,
// abort, cancel, the end of the session, the end by time and a forced drop.
#include <doctest/doctest.h>

#include <thread>

#include "points/scene.h"
#include "server/tokens.h"

using namespace numpool_test;

namespace {

const std::vector<DebugPoint> kTaking = {DebugPoint::kGrantedAtOnce, DebugPoint::kTokenRowDue,
                                         DebugPoint::kTokenRowWritten, DebugPoint::kRowsVisible,
                                         DebugPoint::kEntriesDone};
const std::vector<DebugPoint> kUndone = {DebugPoint::kTokenRowDue, DebugPoint::kTokenRowWritten,
                                         DebugPoint::kAborting, DebugPoint::kUndoing};
constexpr const char* kFails = "; SELECT 1/0";

void check_among(const Actor& actor, const std::vector<std::string>& ends) {
  const std::string end = came_to(actor);
  bool found = false;
  for (const std::string& one : ends) found = found || one == end;
  CHECK_MESSAGE(found, actor.name(), " came to ", end);
}

bool said(const Actor& actor, const std::string& end) {
  return actor.begun && came_to(actor) == end;
}

// The token holds the number, for somebody was told so; and its row is there.
void check_holds(const Pool& pool, const std::string& token) {
  CHECK(has(pool, token));
  CHECK(rows_of(pool) == 1);
  CHECK(observer().value(renew(token)).has_value());
}

void check_unknown(const std::string& token) {
  CHECK(!observer().value(renew(token)).has_value());
  CHECK(observer().number("SELECT count(*) FROM numpool_waiters WHERE token = " + token) == 0);
}

// What was over is over for the views, too, within a moment.
void pass_time() {
  std::this_thread::sleep_for(150ms);
}

}  // namespace

TEST_CASE("a lease by token and another call with it: one number") {
  bool fails = false;
  SUBCASE("COMMIT") {}
  SUBCASE("an error after it") {
    fails = true;
  }
  in_all_orders(2, [fails](Scene& scene) {
    const std::string token = new_token();
    Actor& first = scene.actor("first");
    Actor& second = scene.actor("second");
    scene.part(first, lease(scene.pool(), token) + (fails ? kFails : ""),
               fails ? kUndone : kTaking);
    scene.part(second, lease(scene.pool(), token), {DebugPoint::kGrantedAtOnce});
    scene.finally([&first, &second, fails, token, &pool = scene.pool()] {
      if (fails)
        check_among(first, {"22012", "55006"});
      else
        check_among(first, {"0", "1", "55006"});
      check_among(second, {"0", "1", "55006"});
      const bool one_has = came_to(second) != "55006" || (!fails && came_to(first) != "55006");
      CHECK(rows_of(pool) == (one_has ? 1 : 0));
      CHECK(observer().value(renew(token)).has_value() == one_has);
      if (!fails && came_to(first) != "55006" && came_to(second) != "55006")
        CHECK(came_to(first) == came_to(second));
    });
  });
}

TEST_CASE("a lease by token, its renewal and its release by others") {
  bool releases = false;
  SUBCASE("renew") {}
  SUBCASE("release") {
    releases = true;
  }
  in_all_orders(1, [releases](Scene& scene) {
    const std::string token = new_token();
    Actor& taker = scene.actor("taker");
    Actor& other = scene.actor("other");
    scene.part(taker, lease(scene.pool(), token), kTaking);
    scene.part(other, releases ? release_token(token) : renew(token),
               {DebugPoint::kRowsVisible, DebugPoint::kEntriesDone});
    scene.finally([&taker, &other, releases, token, &pool = scene.pool()] {
      CHECK(came_to(taker) == "0");
      if (releases && came_to(other) == "t") {
        check_unknown(token);
        CHECK(rows_of(pool) == 0);
      } else {
        if (releases) check_among(other, {"f", "55006"});
        check_holds(pool, token);
      }
    });
  });
}

TEST_CASE("a token's release, a call with it and who waits for the number") {
  bool fails = false;
  SUBCASE("COMMIT") {}
  SUBCASE("an error after it") {
    fails = true;
  }
  in_all_orders(1, [fails](Scene& scene) {
    const std::string token = new_token();
    Actor& owner = scene.actor("owner");
    Actor& caller = scene.actor("caller");
    Actor& waiter = scene.actor("waiter");
    owner.must(lease(scene.pool(), token));
    scene.asleep(waiter, acquire(scene.pool()));
    scene.part(owner, release_token(token) + (fails ? kFails : ""),
               {DebugPoint::kRowsVisible, DebugPoint::kAborting, DebugPoint::kChangesDone,
                DebugPoint::kEntriesDone, DebugPoint::kWakeDue});
    scene.part(caller, lease(scene.pool(), token), {DebugPoint::kNamed, DebugPoint::kPlaceDue});
    scene.finally([&, fails, token, this_pool = &scene.pool()] {
      check_among(caller, {"0", "null", "55006"});
      if (fails) {
        CHECK(came_to(owner) == "22012");
        check_holds(*this_pool, token);
        CHECK(waiter.doing == ActorDoing::kSleeping);
      } else {
        CHECK(came_to(owner) == "t");
        CHECK(rows_of(*this_pool) == 0);
        CHECK(waiter.doing == ActorDoing::kIdle);
      }
    });
    scene.at_last([&waiter] { CHECK(came_to(waiter) == "0"); });
  });
}

TEST_CASE("two releases of a token: one is told that it was there") {
  in_all_orders(1, [](Scene& scene) {
    const std::string token = new_token();
    Actor& first = scene.actor("first");
    Actor& second = scene.actor("second");
    first.must(lease(scene.pool(), token));
    const std::vector<DebugPoint> stops = {DebugPoint::kRowsVisible, DebugPoint::kChangesDone,
                                           DebugPoint::kEntriesDone};
    scene.part(first, release_token(token), stops);
    scene.part(second, release_token(token), stops);
    scene.finally([&first, &second, token, &pool = scene.pool()] {
      check_among(first, {"t", "f", "55006"});
      check_among(second, {"t", "f", "55006"});
      CHECK(said(first, "t") + said(second, "t") == 1);
      check_unknown(token);
      CHECK(rows_of(pool) == 0);
    });
  });
}

TEST_CASE("a place that is made and a release: nothing is idle while it waits") {
  in_all_orders(1, [](Scene& scene) {
    const std::string token = new_token();
    Actor& holder = scene.actor("holder");
    Actor& caller = scene.actor("caller");
    Actor& other = scene.actor("other");
    holder.must(acquire(scene.pool()));
    scene.part(caller, lease(scene.pool(), token),
               {DebugPoint::kNamed, DebugPoint::kPlaceDue, DebugPoint::kTokenRowDue});
    scene.part(holder, release(scene.pool(), 0), {DebugPoint::kReleasingOne, DebugPoint::kWakeDue});
    scene.part(other, lease(scene.pool(), token), {DebugPoint::kPlaceDue});
    scene.finally([&caller, &other, token, &pool = scene.pool()] {
      check_among(caller, {"0", "null", "55006"});
      check_among(other, {"0", "null", "55006"});
      CHECK((said(caller, "55006") && said(other, "55006")) == false);
      if (said(caller, "0") || said(other, "0")) check_holds(pool, token);
      // Whoever comes next has it.
      CHECK(observer().number(lease(pool, token)) == 0);
    });
  });
}

TEST_CASE("a call that sleeps on its place: a grant, and a cancel or the end of its session") {
  std::string way;
  SUBCASE("cancel") {
    way = "cancel";
  }
  SUBCASE("pg_terminate_backend") {
    way = "terminate";
  }
  SUBCASE("its client dies") {
    way = "sever";
  }
  in_all_orders(1, [way](Scene& scene) {
    const std::string token = new_token();
    Actor& holder = scene.actor("holder");
    Actor& caller = scene.actor("caller");
    Actor& bystander = scene.actor("bystander");
    holder.must(acquire(scene.pool()));
    // Whatever becomes of the call, the place and the lease are over soon.
    scene.asleep(caller, lease(scene.pool(), token, "100 ms", ""),
                 {DebugPoint::kWoken, DebugPoint::kTokenRowDue, DebugPoint::kTokenRowWritten,
                  DebugPoint::kUndoing});
    scene.asleep(bystander, acquire(scene.pool()));
    scene.part(holder, release(scene.pool(), 0), {DebugPoint::kWakeDue});
    // The bystander's turn comes.
    scene.wait_for([&pool = scene.pool()] { return owner_of(pool) == "session"; });
    if (way == "cancel")
      scene.event_cancel(caller);
    else if (way == "terminate")
      scene.event_terminate(caller);
    else
      scene.event_sever(caller);
    scene.finally([&caller, way] {
      if (way == "cancel") check_among(caller, {"0", "57014"});
    });
    scene.at_last([&bystander, token] {
      CHECK(came_to(bystander) == "0");
      check_unknown(token);
    });
  });
}

TEST_CASE("a call that sleeps on its place, its timeout and a grant") {
  in_all_orders(1, [](Scene& scene) {
    const std::string token = new_token();
    Actor& holder = scene.actor("holder");
    Actor& caller = scene.actor("caller");
    holder.must(acquire(scene.pool()));
    scene.part(caller, lease(scene.pool(), token, "1 h", "5 ms"),
               {DebugPoint::kJoined, DebugPoint::kTimedOut, DebugPoint::kTokenRowDue});
    scene.part(holder, release(scene.pool(), 0), {DebugPoint::kReleasingOne, DebugPoint::kWakeDue});
    scene.finally([&caller, token, &pool = scene.pool()] {
      check_among(caller, {"0", "null"});
      if (said(caller, "0")) check_holds(pool, token);
      CHECK(observer().number(lease(pool, token)) == 0);
    });
  });
}

TEST_CASE("an offer that is picked up does not end by time, and one that is put back does") {
  bool fails = false;
  SUBCASE("COMMIT") {}
  SUBCASE("an error after it") {
    fails = true;
  }
  in_all_orders(1, [fails](Scene& scene) {
    const std::string token = new_token();
    Actor& holder = scene.actor("holder");
    Actor& caller = scene.actor("caller");
    Actor& bystander = scene.actor("bystander");
    holder.must(acquire(scene.pool()));
    observer().must(lease(scene.pool(), token, "1 s"));
    scene.asleep(bystander, acquire(scene.pool()));
    holder.must(release(scene.pool(), 0));
    scene.part(caller, lease(scene.pool(), token, "1 h") + (fails ? kFails : ""),
               fails ? kUndone : kTaking);
    scene.event("time passes", [] { std::this_thread::sleep_for(1100ms); });
    if (fails) scene.wait_for([&pool = scene.pool()] { return owner_of(pool) == "session"; });
    scene.finally([&caller, &bystander, fails, token, &pool = scene.pool()] {
      if (fails) {
        check_among(caller, {"22012"});
        return;
      }
      check_among(caller, {"0", "null"});
      if (said(caller, "0")) {
        check_holds(pool, token);
        CHECK(bystander.doing == ActorDoing::kSleeping);
      }
    });
    scene.at_last([&bystander] { CHECK(came_to(bystander) == "0"); });
  });
}

TEST_CASE("a lease that ends by time, its renewal, its release and who waits for it") {
  std::string sql;
  SUBCASE("renew") {
    sql = "renew";
  }
  SUBCASE("release") {
    sql = "release";
  }
  SUBCASE("a release that is rolled back") {
    sql = "rollback";
  }
  in_all_orders(1, [sql](Scene& scene) {
    const std::string token = new_token();
    Actor& owner = scene.actor("owner");
    Actor& waiter = scene.actor("waiter");
    observer().must(lease(scene.pool(), token, "100 ms"));
    scene.asleep(waiter, acquire(scene.pool()));
    scene.part(owner,
               sql == "renew"     ? renew(token)
               : sql == "release" ? release_token(token)
                                  : release_token(token) + kFails,
               {DebugPoint::kRowsVisible, DebugPoint::kAborting, DebugPoint::kUndoing,
                DebugPoint::kEntriesDone});
    scene.event("time passes", pass_time);
    scene.wait_for([&pool = scene.pool()] { return owner_of(pool) == "session"; });
    scene.at_last([&waiter, token] {
      CHECK(came_to(waiter) == "0");
      check_unknown(token);
    });
  });
}

TEST_CASE("a keep and another call with its token") {
  bool fails = false;
  SUBCASE("COMMIT") {}
  SUBCASE("an error after it") {
    fails = true;
  }
  in_all_orders(1, [fails](Scene& scene) {
    const std::string token = new_token();
    Actor& holder = scene.actor("holder");
    Actor& caller = scene.actor("caller");
    holder.must(acquire(scene.pool()));
    scene.part(holder, keep(scene.pool(), 0, token) + (fails ? kFails : ""),
               {DebugPoint::kTokenRowWritten, DebugPoint::kRowsVisible, DebugPoint::kAborting,
                DebugPoint::kUndoing, DebugPoint::kEntriesDone});
    scene.part(caller, lease(scene.pool(), token), {DebugPoint::kNamed, DebugPoint::kPlaceDue});
    scene.finally([&holder, &caller, fails, token, &pool = scene.pool()] {
      check_among(caller, {"0", "null", "55006"});
      if (fails) {
        CHECK(!said(caller, "0"));
        CHECK(owner_of(pool) == "session");
      } else if (!holder.outcome.ok) {
        // The token had a place already: it is in use, or has something else.
        check_among(holder, {"55006", "22023"});
        CHECK(owner_of(pool) == "session");
      } else {
        check_holds(pool, token);
      }
    });
  });
}

TEST_CASE("a forced drop and a lease by token") {
  std::string what;
  SUBCASE("a lease that is taken") {
    what = "lease";
  }
  SUBCASE("a lease that is kept") {
    what = "keep";
  }
  SUBCASE("a lease that is released") {
    what = "release";
  }
  SUBCASE("a call that sleeps on its place") {
    what = "sleep";
  }
  in_all_orders(1, [what](Scene& scene) {
    const std::string token = new_token();
    Actor& user = scene.actor("user");
    Actor& dropper = scene.actor("dropper");
    Actor& holder = scene.actor("holder");
    const std::vector<DebugPoint> stops = {DebugPoint::kTokenRowDue, DebugPoint::kTokenRowWritten,
                                           DebugPoint::kRowsVisible, DebugPoint::kWoken};
    if (what == "keep") user.must(acquire(scene.pool()));
    if (what == "release") user.must(lease(scene.pool(), token));
    if (what == "sleep") {
      holder.must(acquire(scene.pool()));
      scene.asleep(user, lease(scene.pool(), token, "1 h", ""), stops);
    } else {
      scene.part(user,
                 what == "lease"  ? lease(scene.pool(), token)
                 : what == "keep" ? keep(scene.pool(), 0, token)
                                  : release_token(token),
                 stops);
    }
    scene.part(dropper, "SELECT numpool_drop(" + scene.pool().q() + ", true)",
               {DebugPoint::kClosing, DebugPoint::kRowsVisible, DebugPoint::kUnregistered,
                DebugPoint::kDismissed});
    scene.at_last([&user, &dropper, what, token] {
      CHECK(dropper.outcome.ok);
      if (what == "release")
        check_among(user, {"t", "f"});
      else if (what == "sleep")
        check_among(user, {"42704"});
      else if (what == "lease")
        check_among(user, {"0", "42704", "null"});
      else
        CHECK((user.outcome.ok || said(user, "42704") || said(user, "55P03")));
      check_unknown(token);
      CHECK(observer().number("SELECT count(*) FROM numpool_timed LEFT JOIN numpool_definitions "
                              "USING (identity) WHERE name IS NULL") == 0);
    });
  });
}
