// A grant against everything that can end the wait for it.
#include <doctest/doctest.h>

#include <thread>

#include "points/stage.h"

using namespace numpool_test;

namespace {

// A holder of the only number, a waiter at the head of the queue, a bystander behind it.
struct Line {
  Line(Stage& stage, const std::vector<DebugPoint>& stops)
      : holder(stage.actor("holder")),
        waiter(stage.actor("waiter")),
        bystander(stage.actor("bystander")) {
    holder.must(acquire(stage.pool()));
    stage.asleep(waiter, acquire(stage.pool()), stops);
    stage.asleep(bystander, acquire(stage.pool()));
    stage.at_last([this_bystander = &bystander] { CHECK(came_to(*this_bystander) == "0"); });
  }

  Actor& holder;
  Actor& waiter;
  Actor& bystander;
};

void check_one_of(const Actor& actor, const std::string& one, const std::string& other) {
  const std::string end = came_to(actor);
  CHECK_MESSAGE((end == one || end == other), actor.name(), " came to ", end);
}

}  // namespace

TEST_CASE("a grant and a cancel of the waiter") {
  in_all_orders(1, [](Stage& stage) {
    Line line(stage, {DebugPoint::kWoken, DebugPoint::kTurnSeen, DebugPoint::kLeaving,
                      DebugPoint::kGrantToPassOn});
    stage.part(line.holder, release(stage.pool(), 0), {DebugPoint::kWakeDue});
    stage.event_cancel(line.waiter);
    stage.finally([&waiter = line.waiter] { check_one_of(waiter, "0", "57014"); });
  });
}

TEST_CASE("a grant and the waiter's arrival: no wake-up is lost") {
  in_all_orders(1, [](Stage& stage) {
    Actor& holder = stage.actor("holder");
    Actor& waiter = stage.actor("waiter");
    holder.must(acquire(stage.pool()));
    stage.part(waiter, acquire(stage.pool()),
               {DebugPoint::kNamed, DebugPoint::kJoined, DebugPoint::kBeforeSleep});
    stage.part(holder, release(stage.pool(), 0), {DebugPoint::kReleasingOne, DebugPoint::kWakeDue});
    stage.finally([&] { CHECK(came_to(waiter) == "0"); });
  });
}

TEST_CASE("a grant and the waiter's own timeout, lock_timeout and statement_timeout") {
  for (const std::string kind : {"own", "lock_timeout", "statement_timeout"}) {
    CAPTURE(kind);
    in_all_orders(1, [kind](Stage& stage) {
      Actor& holder = stage.actor("holder");
      Actor& waiter = stage.actor("waiter");
      Actor& bystander = stage.actor("bystander");
      const bool own = kind == "own";
      holder.must(acquire(stage.pool()));
      const std::string limit = own ? "" : "SET LOCAL " + kind + " = '5ms'; ";
      stage.part(waiter, limit + acquire(stage.pool(), own ? "5 ms" : ""),
                 {DebugPoint::kBeforeSleep, own ? DebugPoint::kTimedOut : DebugPoint::kWoken,
                  DebugPoint::kLeaving});
      // By then the time is over.
      stage.event(
          "bystander joins",
          [&] {
            std::this_thread::sleep_for(10ms);
            bystander.session().send(acquire(stage.pool()));
            bystander.sent = true;
          },
          [&] { return waiter.doing == Doing::kStanding; });
      stage.part(holder, release(stage.pool(), 0), {DebugPoint::kWakeDue});
      stage.finally([&waiter, kind] {
        const std::string late = kind[0] == 'o' ? "null" : kind[0] == 'l' ? "55P03" : "57014";
        check_one_of(waiter, "0", late);
      });
      stage.at_last([&] { CHECK((!bystander.begun || came_to(bystander) == "0")); });
    });
  }
}

TEST_CASE("a grant and the end of the waiter's session") {
  bool terminate = false;
  SUBCASE("pg_terminate_backend") {
    terminate = true;
  }
  SUBCASE("its client dies") {}
  in_all_orders(1, [terminate](Stage& stage) {
    Line line(stage, {DebugPoint::kTurnSeen, DebugPoint::kLeaving, DebugPoint::kSessionEnds,
                      DebugPoint::kGivingUpOne});
    stage.part(line.holder, release(stage.pool(), 0), {DebugPoint::kWakeDue});
    if (terminate)
      stage.event_terminate(line.waiter);
    else
      stage.event_sever(line.waiter);
  });
}

TEST_CASE("each way to give a number back, and a cancel of the waiter") {
  std::string way;
  SUBCASE("the holder's rollback") {
    way = "ROLLBACK";
  }
  SUBCASE("a savepoint's rollback") {
    way = "ROLLBACK TO s";
  }
  SUBCASE("the holder's end") {
    way = "exit";
  }
  SUBCASE("the end of a transaction's lease") {
    way = "COMMIT";
  }
  SUBCASE("DISCARD ALL") {
    way = "DISCARD ALL";
  }
  in_all_orders(1, [way](Stage& stage) {
    Actor& holder = stage.actor("holder");
    Actor& waiter = stage.actor("waiter");
    const bool session = way == "exit" || way == "DISCARD ALL";
    holder.must(session ? acquire(stage.pool())
                        : "BEGIN; SAVEPOINT s; " + (way == "COMMIT" ? acquire_xact(stage.pool())
                                                                    : acquire(stage.pool())));
    stage.asleep(waiter, acquire(stage.pool()), {DebugPoint::kTurnSeen, DebugPoint::kLeaving});
    if (way == "exit")
      stage.part(holder,
                 [&holder] {
                   holder.gone = true;
                   holder.session().close();
                 },
                 {DebugPoint::kSessionEnds, DebugPoint::kGivingUpOne, DebugPoint::kWakeDue});
    else
      stage.part(holder, way,
                 {DebugPoint::kAborting, DebugPoint::kUndoing, DebugPoint::kReleasingOne,
                  DebugPoint::kWakeDue});
    stage.event_cancel(waiter);
    stage.finally([&] { check_one_of(waiter, "0", "57014"); });
  });
}

TEST_CASE("a take-back and COMMIT, while others join and leave the queue") {
  bool back = false;
  SUBCASE("undone by a savepoint's rollback: released after all") {
    back = true;
  }
  SUBCASE("kept: the lease never ended") {}
  in_all_orders(1, [back](Stage& stage) {
    Actor& holder = stage.actor("holder");
    Actor& waiter = stage.actor("waiter");
    holder.must(acquire(stage.pool()));
    const std::string fence = call("fence", stage.pool(), "0");
    const auto before = holder.session().number(fence);
    holder.must("BEGIN; " + release(stage.pool(), 0) + "; SAVEPOINT s");
    stage.part(holder, acquire(stage.pool()) + (back ? "; ROLLBACK TO s" : "") + "; COMMIT",
               {DebugPoint::kUndoing, DebugPoint::kRowsVisible, DebugPoint::kReleasingOne});
    stage.part(waiter, acquire(stage.pool()), {DebugPoint::kNamed});
    stage.event_cancel(waiter);
    stage.finally([&holder, &waiter, fence, before, back] {
      const std::string end = came_to(waiter);
      CHECK((end == "57014" || (back ? end == "0" : waiter.doing == Doing::kSleeping)));
      CHECK(holder.session().number(fence) == (back ? std::nullopt : before));
    });
  });
}
