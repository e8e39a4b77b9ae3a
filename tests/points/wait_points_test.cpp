// A grant against everything that can end the wait for it.
#include <doctest/doctest.h>

#include <thread>

#include "points/scene.h"

using namespace numpool_test;

namespace {

// A holder of the only number, a waiter at the head of the queue, a bystander behind it.
struct Line {
  Line(Scene& scene, const std::vector<DebugPoint>& stops)
      : holder(scene.actor("holder")),
        waiter(scene.actor("waiter")),
        bystander(scene.actor("bystander")) {
    holder.must(acquire(scene.pool()));
    scene.asleep(waiter, acquire(scene.pool()), stops);
    scene.asleep(bystander, acquire(scene.pool()));
    scene.at_last([this_bystander = &bystander] { CHECK(came_to(*this_bystander) == "0"); });
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
  in_all_orders(1, [](Scene& scene) {
    Line line(scene, {DebugPoint::kWoken, DebugPoint::kTurnSeen, DebugPoint::kLeaving,
                      DebugPoint::kGrantToPassOn});
    scene.part(line.holder, release(scene.pool(), 0), {DebugPoint::kWakeDue});
    scene.event_cancel(line.waiter);
    scene.finally([&waiter = line.waiter] { check_one_of(waiter, "0", "57014"); });
  });
}

TEST_CASE("a grant and the waiter's arrival: no wake-up is lost") {
  in_all_orders(1, [](Scene& scene) {
    Actor& holder = scene.actor("holder");
    Actor& waiter = scene.actor("waiter");
    holder.must(acquire(scene.pool()));
    scene.part(waiter, acquire(scene.pool()),
               {DebugPoint::kNamed, DebugPoint::kJoined, DebugPoint::kBeforeSleep});
    scene.part(holder, release(scene.pool(), 0), {DebugPoint::kReleasingOne, DebugPoint::kWakeDue});
    scene.finally([&] { CHECK(came_to(waiter) == "0"); });
  });
}

TEST_CASE("a grant and the waiter's own timeout, lock_timeout and statement_timeout") {
  for (const std::string kind : {"own", "lock_timeout", "statement_timeout"}) {
    CAPTURE(kind);
    in_all_orders(1, [kind](Scene& scene) {
      Actor& holder = scene.actor("holder");
      Actor& waiter = scene.actor("waiter");
      Actor& bystander = scene.actor("bystander");
      const bool own = kind == "own";
      holder.must(acquire(scene.pool()));
      const std::string limit = own ? "" : "SET LOCAL " + kind + " = '5ms'; ";
      scene.part(waiter, limit + acquire(scene.pool(), own ? "5 ms" : ""),
                 {DebugPoint::kBeforeSleep, own ? DebugPoint::kTimedOut : DebugPoint::kWoken,
                  DebugPoint::kLeaving});
      // By then the time is over.
      scene.event(
          "bystander joins",
          [&] {
            std::this_thread::sleep_for(10ms);
            bystander.session().send(acquire(scene.pool()));
            bystander.sent = true;
          },
          [&] { return waiter.doing == ActorDoing::kStanding; });
      scene.part(holder, release(scene.pool(), 0), {DebugPoint::kWakeDue});
      scene.finally([&waiter, kind] {
        const std::string late = kind[0] == 'o' ? "null" : kind[0] == 'l' ? "55P03" : "57014";
        check_one_of(waiter, "0", late);
      });
      scene.at_last([&] { CHECK((!bystander.begun || came_to(bystander) == "0")); });
    });
  }
}

TEST_CASE("a grant and the end of the waiter's session") {
  bool terminate = false;
  SUBCASE("pg_terminate_backend") {
    terminate = true;
  }
  SUBCASE("its client dies") {}
  in_all_orders(1, [terminate](Scene& scene) {
    Line line(scene, {DebugPoint::kTurnSeen, DebugPoint::kLeaving, DebugPoint::kSessionEnds,
                      DebugPoint::kGivingUpOne});
    scene.part(line.holder, release(scene.pool(), 0), {DebugPoint::kWakeDue});
    if (terminate)
      scene.event_terminate(line.waiter);
    else
      scene.event_sever(line.waiter);
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
  in_all_orders(1, [way](Scene& scene) {
    Actor& holder = scene.actor("holder");
    Actor& waiter = scene.actor("waiter");
    const bool session = way == "exit" || way == "DISCARD ALL";
    holder.must(session ? acquire(scene.pool())
                        : "BEGIN; SAVEPOINT s; " + (way == "COMMIT" ? acquire_xact(scene.pool())
                                                                    : acquire(scene.pool())));
    scene.asleep(waiter, acquire(scene.pool()), {DebugPoint::kTurnSeen, DebugPoint::kLeaving});
    if (way == "exit")
      scene.part(holder,
                 [&holder] {
                   holder.gone = true;
                   holder.session().close();
                 },
                 {DebugPoint::kSessionEnds, DebugPoint::kGivingUpOne, DebugPoint::kWakeDue});
    else
      scene.part(holder, way,
                 {DebugPoint::kAborting, DebugPoint::kUndoing, DebugPoint::kReleasingOne,
                  DebugPoint::kWakeDue});
    scene.event_cancel(waiter);
    scene.finally([&] { check_one_of(waiter, "0", "57014"); });
  });
}

TEST_CASE("a take-back and COMMIT, while others join and leave the queue") {
  bool back = false;
  SUBCASE("undone by a savepoint's rollback: released after all") {
    back = true;
  }
  SUBCASE("kept: the lease never ended") {}
  in_all_orders(1, [back](Scene& scene) {
    Actor& holder = scene.actor("holder");
    Actor& waiter = scene.actor("waiter");
    holder.must(acquire(scene.pool()));
    const std::string fence = call("fence", scene.pool(), "0");
    const auto before = holder.session().number(fence);
    holder.must("BEGIN; " + release(scene.pool(), 0) + "; SAVEPOINT s");
    scene.part(holder, acquire(scene.pool()) + (back ? "; ROLLBACK TO s" : "") + "; COMMIT",
               {DebugPoint::kUndoing, DebugPoint::kRowsVisible, DebugPoint::kReleasingOne});
    scene.part(waiter, acquire(scene.pool()), {DebugPoint::kNamed});
    scene.event_cancel(waiter);
    scene.finally([&holder, &waiter, fence, before, back] {
      const std::string end = came_to(waiter);
      CHECK((end == "57014" || (back ? end == "0" : waiter.doing == ActorDoing::kSleeping)));
      CHECK(holder.session().number(fence) == (back ? std::nullopt : before));
    });
  });
}
