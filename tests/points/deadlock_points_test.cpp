// The check for deadlocks against whatever else can happen to those in one.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "points/scene.h"

using namespace numpool_test;

namespace {

const std::vector<DebugPoint> kSteps = {DebugPoint::kCheckDue, DebugPoint::kLookedOnce,
                                        DebugPoint::kLookedAgain, DebugPoint::kVictimChosen};

// `first` has one pool and waits for the other, `second` the other way round, and is the victim;
// `checker` waits behind it, is in no circle, and looks. Which of the pools is the scene's, who
// wants to be told at the end of all that have a number of it and do not sleep, is for the test.
enum class ScenePool { kOfFirst, kOfSecond };

struct Circle {
  Circle(Scene& scene, const std::vector<DebugPoint>& stops, ScenePool whose = ScenePool::kOfFirst)
      : other(std::make_shared<Pool>(1, "other")),
        first(scene.actor("first")),
        second(scene.actor("second")),
        checker(scene.actor("checker")) {
    first.must("SET deadlock_timeout = '1h'");
    second.must("SET deadlock_timeout = '1h'");
    checker.must("SET deadlock_timeout = '5ms'");
    first.must("BEGIN");
    const Pool& of_first = whose == ScenePool::kOfFirst ? scene.pool() : *other;
    const Pool& of_second = whose == ScenePool::kOfFirst ? *other : scene.pool();
    first.must(acquire_xact(of_first));
    second.must(acquire(of_second));
    scene.asleep(first, acquire(of_second));
    scene.asleep(second, acquire(of_first), stops);
    checker.is_to_check = true;
    scene.part(checker, acquire(of_first), kSteps);
    scene.at_last([other = other, &checker = checker] {
      CHECK(other->idle_within());
      CHECK((!checker.begun || came_to(checker) == "0"));
    });
  }

  std::shared_ptr<Pool> other;
  Actor& first;
  Actor& second;
  Actor& checker;
};

void check_one_of(const Actor& actor, const std::string& one, const std::string& other) {
  const std::string end = came_to(actor);
  CHECK_MESSAGE((end == one || end == other), actor.name(), " came to ", end);
}

}  // namespace

TEST_CASE("a verdict and a cancel of the victim") {
  in_all_orders(1, [](Scene& scene) {
    Circle circle(scene, {DebugPoint::kWoken, DebugPoint::kTurnSeen, DebugPoint::kLeaving},
                  ScenePool::kOfSecond);
    scene.event_cancel(circle.second);
    scene.finally([&second = circle.second] { check_one_of(second, "40P01", "57014"); });
  });
}

TEST_CASE("a verdict and the end of the victim's session") {
  in_all_orders(1, [](Scene& scene) {
    Circle circle(scene, {DebugPoint::kTurnSeen, DebugPoint::kLeaving});
    scene.event_terminate(circle.second);
  });
}

TEST_CASE("a verdict and a grant: the other one in the circle gives up") {
  in_all_orders(1, [](Scene& scene) {
    Circle circle(scene, {DebugPoint::kTurnSeen});
    scene.event_cancel(circle.first);
    scene.finally([&second = circle.second] { check_one_of(second, "0", "40P01"); });
  });
}

TEST_CASE("a verdict and a drop of the pool by force") {
  in_all_orders(1, [](Scene& scene) {
    Circle circle(scene, {DebugPoint::kTurnSeen});
    Actor& dropper = scene.actor("dropper");
    scene.part(dropper, call("drop", scene.pool(), "true"), {DebugPoint::kUnregistered});
    scene.at_last([other = circle.other] { CHECK(other->idle_within()); });
    scene.finally([&second = circle.second] { check_one_of(second, "42704", "40P01"); });
  });
}
