// The check for deadlocks against whatever else can happen to those in one.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "points/scene.h"
#include "server/database.h"

using namespace numpool_test;

namespace {

// Within this, or a bit more, the checker looks; and a lock must have been waited for as long.
constexpr auto kCheckerWaits = 5ms;
const std::vector<DebugPoint> kSteps = {DebugPoint::kCheckDue, DebugPoint::kLookedOnce,
                                        DebugPoint::kLookedAgain, DebugPoint::kVictimChosen};

// Only the checker looks.
void only_checks(Actor& checker, const std::vector<Actor*>& others) {
  for (Actor* other : others) other->must("SET deadlock_timeout = '1h'");
  checker.must("SET deadlock_timeout = '" + std::to_string(kCheckerWaits.count()) + "ms'");
}

// The checker begins before the play, to wait for the pool, and stands at a point of its check.
void checks(Scene& scene, Actor& checker, const Pool& pool, DebugPoint at,
            const std::vector<DebugPoint>& stops) {
  checker.is_to_check = true;
  scene.standing(checker, acquire(pool), at, stops);
}

// `first` has one pool and waits for the other, `second` the other way round, and is the victim;
// `checker` waits behind it, is in no circle, and looks. Which of the pools is the scene's, who
// wants to be told at the end of all that have a number of it and do not sleep, is for the test.
enum class ScenePool { kOfFirst, kOfSecond };

struct Circle {
  Circle(Scene& scene, ScenePool whose)
      : other(std::make_shared<Pool>(1, "other")),
        of_first(whose == ScenePool::kOfFirst ? scene.pool() : *other),
        of_second(whose == ScenePool::kOfFirst ? *other : scene.pool()),
        first(scene.actor("first")),
        second(scene.actor("second")),
        checker(scene.actor("checker")) {
    only_checks(checker, {&first, &second});
    first.must("BEGIN");
    first.must(acquire_xact(of_first));
    second.must(acquire(of_second));
    scene.asleep(first, acquire(of_second));
    scene.at_last([other = other, &checker = checker] {
      CHECK(other->idle_within());
      CHECK((!checker.begun || came_to(checker) == "0"));
    });
  }

  // The victim sleeps, and the checker is to come.
  Circle(Scene& scene, const std::vector<DebugPoint>& stops, ScenePool whose = ScenePool::kOfFirst)
      : Circle(scene, whose) {
    scene.asleep(second, acquire(of_first), stops);
    checker.is_to_check = true;
    scene.part(checker, acquire(of_first), kSteps);
  }

  // The checker is about to look, and the victim is in the queue with a limit of its wait that is
  // over ("": none, and it sleeps).
  Circle(Scene& scene, const std::string& limit, const std::vector<DebugPoint>& stops,
         ScenePool whose = ScenePool::kOfFirst)
      : Circle(scene, whose) {
    if (limit.empty()) {
      scene.asleep(second, acquire(of_first), stops);
    } else {
      scene.standing(second, "SET LOCAL " + limit + " = '50ms'; " + acquire(of_first),
                     DebugPoint::kBeforeSleep, stops);
      std::this_thread::sleep_for(50ms);
    }
    checks(scene, checker, of_first, DebugPoint::kCheckDue, {DebugPoint::kVictimChosen});
  }

  std::shared_ptr<Pool> other;
  const Pool& of_first;
  const Pool& of_second;
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

TEST_CASE("a verdict and the victim's lock_timeout or statement_timeout") {
  for (const std::string limit : {"lock_timeout", "statement_timeout"}) {
    CAPTURE(limit);
    in_all_orders(1, [limit](Scene& scene) {
      Circle circle(scene, limit, {DebugPoint::kWoken, DebugPoint::kTurnSeen, DebugPoint::kLeaving},
                    ScenePool::kOfSecond);
      scene.finally([&second = circle.second, limit] {
        check_one_of(second, "40P01", limit[0] == 'l' ? "55P03" : "57014");
      });
    });
  }
}

TEST_CASE("a verdict, a grant, and the victim's cancel, lock_timeout or statement_timeout") {
  for (const std::string limit : {"", "lock_timeout", "statement_timeout"}) {
    CAPTURE(limit);
    in_all_orders(1, [limit](Scene& scene) {
      Circle circle(scene, limit, {DebugPoint::kTurnSeen, DebugPoint::kLeaving});
      scene.event_cancel(circle.first);
      if (limit.empty()) scene.event_cancel(circle.second);
      scene.finally([&second = circle.second, limit] {
        const std::string end = came_to(second);
        const std::string late = limit == "lock_timeout" ? "55P03" : "57014";
        CHECK_MESSAGE((end == "0" || end == "40P01" || end == late), "the victim came to ", end);
      });
    });
  }
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

TEST_CASE("a look while a circle opens and one of it waits again: no verdict on the new wait") {
  bool in_second_look = false;
  SUBCASE("the first look") {}
  SUBCASE("the second look") {
    in_second_look = true;
  }
  // Either pool may be the one that is copied first.
  for (const bool first_has_scene_pool : {true, false}) {
    CAPTURE(first_has_scene_pool);
    in_all_orders(1, [in_second_look, first_has_scene_pool](Scene& scene) {
      auto other = std::make_shared<Pool>(1, "other");
      const Pool& of_first = first_has_scene_pool ? scene.pool() : *other;
      const Pool& of_second = first_has_scene_pool ? *other : scene.pool();
      Actor& first = scene.actor("first");
      Actor& second = scene.actor("second");
      Actor& checker = scene.actor("checker");
      only_checks(checker, {&first, &second});
      first.must(acquire(of_first));
      second.must(acquire(of_second));
      scene.asleep(second, acquire(of_first));
      scene.asleep(first, acquire(of_second));
      if (in_second_look)
        checks(scene, checker, of_second, DebugPoint::kLookedOnce,
               {DebugPoint::kPoolCopied, DebugPoint::kLookedAgain});
      else
        checks(scene, checker, of_second, DebugPoint::kPoolCopied,
               {DebugPoint::kLookedOnce, DebugPoint::kLookedAgain});
      auto again = std::make_shared<bool>(false);
      scene.event(
          "cancel first",
          [&first] {
            observer().must("SELECT pg_cancel_backend(" + std::to_string(first.pid()) + ")");
          },
          [&first, again] { return !*again && first.doing == ActorDoing::kSleeping; });
      scene.event(
          "first lets second go on, and waits for it",
          [&first, &of_second, again] {
            first.session().finish();
            first.must("SELECT numpool_release_all()");
            first.session().send(acquire(of_second));
            first.sent = *again = true;
          },
          [&first] { return first.doing == ActorDoing::kIdle; });
      scene.at_last([other, &first, again] {
        CHECK(other->idle_within());
        CHECK((!*again || came_to(first) == "0"));
      });
    });
  }
}

TEST_CASE("a look while a circle opens and one of it waits for its lock again: no verdict") {
  in_all_orders(1, [](Scene& scene) {
    const std::string lock = "SELECT pg_advisory_xact_lock(1)";
    Actor& holder = scene.actor("holder");
    Actor& ahead = scene.actor("ahead");
    Actor& sleeper = scene.actor("sleeper");
    Actor& checker = scene.actor("checker");
    only_checks(checker, {&holder, &ahead, &sleeper});
    // The same lock, in the same transaction: only when the wait began tells it from the one
    // before.
    holder.must("BEGIN; SAVEPOINT s");
    holder.must(acquire(scene.pool()));
    sleeper.must("BEGIN");
    sleeper.must(lock);
    scene.asleep(ahead, acquire(scene.pool()));
    scene.asleep(sleeper, acquire(scene.pool()));
    scene.asleep(holder, lock);
    std::this_thread::sleep_for(4 * kCheckerWaits);
    checks(scene, checker, scene.pool(), DebugPoint::kLookedOnce,
           {DebugPoint::kPoolCopied, DebugPoint::kLookedAgain, DebugPoint::kVictimChosen});
    scene.event_cancel(holder);
    auto open = std::make_shared<bool>(false);
    scene.event(
        "holder lets the one ahead have the number, and waits again",
        [&holder, &checker, lock, open] {
          *open =
              checker.doing == ActorDoing::kStanding && (checker.point == DebugPoint::kLookedOnce ||
                                                         checker.point == DebugPoint::kPoolCopied);
          holder.session().finish();
          holder.must("ROLLBACK TO s");
          holder.session().send(lock);
          holder.sent = true;
          if (!*open) return;
          REQUIRE(waits_for_lock(holder.session()));
          std::this_thread::sleep_for(4 * kCheckerWaits);
        },
        [&holder] { return holder.doing == ActorDoing::kIdle; });
    scene.at_last([&sleeper, open] { CHECK((!*open || came_to(sleeper) == "0")); });
  });
}
