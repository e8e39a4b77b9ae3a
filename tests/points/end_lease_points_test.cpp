// The end of a lease by force against all that its holder, another operator and a drop do
// meanwhile.
#include <doctest/doctest.h>

#include <memory>

#include "points/scene.h"

using namespace numpool_test;

namespace {

// A holder of the only number, two who wait for it, and an operator whose COMMIT is to end the
// holder's lease.
struct Play {
  explicit Play(Scene& scene)
      : holder(scene.actor("holder")), next(scene.actor("next")), last(scene.actor("last")) {
    holder.must(acquire(scene.pool()));
    scene.asleep(next, acquire(scene.pool()));
    scene.asleep(last, acquire(scene.pool()));
    Actor& op = scene.actor("operator");
    op.must("BEGIN; " + end_lease(scene.pool()));
    scene.part(op, "COMMIT", {DebugPoint::kEndingOne, DebugPoint::kWakeDue});
  }

  Actor& holder;
  Actor& next;
  Actor& last;
};

}  // namespace

TEST_CASE("the end of a lease and the holder's release, in a transaction or not: one hand-off") {
  std::string end;
  SUBCASE("release") {}
  SUBCASE("COMMIT of a release") {
    end = "COMMIT";
  }
  SUBCASE("ROLLBACK of a release") {
    end = "ROLLBACK";
  }
  in_all_orders(1, [end](Scene& scene) {
    Play play(scene);
    if (!end.empty()) play.holder.must("BEGIN; " + release(scene.pool(), 0));
    scene.part(play.holder, end.empty() ? release(scene.pool(), 0) : end,
               {DebugPoint::kReleasingOne, DebugPoint::kUndoing, DebugPoint::kWakeDue});
    scene.finally([&next = play.next, &last = play.last] {
      CHECK(came_to(next) == "0");
      CHECK(last.doing == ActorDoing::kSleeping);
    });
  });
}

TEST_CASE("the end of a lease and of its holder's session: one hand-off") {
  in_all_orders(1, [](Scene& scene) {
    Play play(scene);
    scene.gate(play.holder, {DebugPoint::kGivingUpOne});
    scene.event("exit", [&holder = play.holder] {
      holder.gone = true;
      holder.session().sever();
    });
    scene.finally([&next = play.next, &last = play.last] {
      CHECK(came_to(next) == "0");
      CHECK(last.doing == ActorDoing::kSleeping);
    });
  });
}

TEST_CASE("the end of a lease, by two: one hand-off") {
  in_all_orders(1, [](Scene& scene) {
    Play play(scene);
    Actor& other = scene.actor("other");
    other.must("BEGIN; " + end_lease(scene.pool()));
    scene.part(other, "COMMIT", {DebugPoint::kEndingOne, DebugPoint::kWakeDue});
    scene.finally([&next = play.next, &last = play.last] {
      CHECK(came_to(next) == "0");
      CHECK(last.doing == ActorDoing::kSleeping);
    });
  });
}

TEST_CASE("the end of a lease and a drop by force") {
  in_all_orders(1, [](Scene& scene) {
    Play play(scene);
    scene.part(scene.actor("dropper"), call("drop", scene.pool(), "true"),
               {DebugPoint::kApplying, DebugPoint::kUnregistered, DebugPoint::kDismissed});
  });
}

TEST_CASE("the end of a lease and its keeping for a token") {
  std::string end;
  SUBCASE("COMMIT") {
    end = "COMMIT";
  }
  SUBCASE("ROLLBACK") {
    end = "ROLLBACK";
  }
  in_all_orders(1, [end](Scene& scene) {
    Play play(scene);
    const std::string keep = "SELECT fence FROM numpool_keep(" + scene.pool().q() + ", 0, '1 h')";
    play.holder.must("BEGIN; " + keep);
    scene.part(play.holder, end,
               {DebugPoint::kRowsVisible, DebugPoint::kChangesDone, DebugPoint::kUndoing});
    scene.finally([&next = play.next] { CHECK(came_to(next) == "0"); });
  });
}

TEST_CASE(
    "the end of a lease that a sleeper has been granted and has not seen: told all the same") {
  in_all_orders(1, [](Scene& scene) {
    Actor& holder = scene.actor("holder");
    Actor& waiter = scene.actor("waiter");
    Actor& op = scene.actor("operator");
    holder.must(acquire(scene.pool()));
    waiter.must("SELECT numpool_channel()");
    scene.asleep(waiter, acquire(scene.pool()), {DebugPoint::kWoken, DebugPoint::kTurnSeen});
    scene.part(holder, release(scene.pool(), 0), {DebugPoint::kWakeDue});
    scene.part(op, end_lease(scene.pool()), {DebugPoint::kEndingOne});
    const auto lost = std::make_shared<int>();
    scene.finally([&scene, &waiter, lost] { *lost = scene.pool().holder() != waiter.pid(); });
    scene.at_last([&waiter, lost] {
      int told = 0;
      for (const Notification& one : waiter.told)
        told += one.payload.find("\"error\":\"ended\"") != std::string::npos;
      CHECK(told == *lost);
    });
  });
}
