// A number goes out of service or comes back while others release, acquire and wait; and who waits
// until a pool is idle is woken by whoever makes it so.
#include <doctest/doctest.h>

#include "points/scene.h"

using namespace numpool_test;

TEST_CASE("a number comes back in service while another is released: both waiters are served") {
  in_all_orders(2, [](Scene& scene) {
    Actor& op = scene.actor("operator");
    Actor& holder = scene.actor("holder");
    Actor& first = scene.actor("first");
    Actor& second = scene.actor("second");
    op.must(set_service(scene.pool(), 1, false));
    holder.must(acquire(scene.pool()));
    scene.asleep(first, acquire(scene.pool()));
    scene.asleep(second, acquire(scene.pool()));
    op.must("BEGIN; " + set_service(scene.pool(), 1, true));
    scene.part(op, "COMMIT",
               {DebugPoint::kApplying, DebugPoint::kServiceSet, DebugPoint::kWakeDue});
    scene.part(holder, release(scene.pool(), 0), {DebugPoint::kReleasingOne});
    scene.finally([&first, &second] {
      CHECK((came_to(first) == "0" || came_to(first) == "1"));
      CHECK((came_to(second) == "0" || came_to(second) == "1"));
      CHECK(came_to(first) != came_to(second));
    });
  });
}

TEST_CASE("a number goes out of service while it is released: somebody has it, or nobody gets it") {
  in_all_orders(1, [](Scene& scene) {
    Actor& op = scene.actor("operator");
    Actor& holder = scene.actor("holder");
    Actor& next = scene.actor("next");
    holder.must(acquire(scene.pool()));
    scene.asleep(next, acquire(scene.pool()));
    op.must("BEGIN; " + set_service(scene.pool(), 0, false));
    scene.part(op, "COMMIT", {DebugPoint::kApplying, DebugPoint::kServiceSet});
    scene.part(holder, release(scene.pool(), 0), {DebugPoint::kReleasingOne});
    scene.finally([&scene, &next] {
      CHECK(scene.pool().free() == 0);
      CHECK(scene.pool().in_use() == (next.doing == ActorDoing::kSleeping ? 0 : 1));
      observer().must(set_service(scene.pool(), 0, true));
    });
  });
}

TEST_CASE("a pool that nobody has loaded is loaded while a number of it goes out of service") {
  in_all_orders(1, [](Scene& scene) {
    Actor& op = scene.actor("operator");
    Actor& user = scene.actor("user");
    op.must("BEGIN; " + set_service(scene.pool(), 0, false));
    scene.part(op, "COMMIT", {DebugPoint::kRowsVisible, DebugPoint::kApplying});
    scene.part(user, try_acquire(scene.pool()),
               {DebugPoint::kRowRead, DebugPoint::kRegistered, DebugPoint::kReadAgain});
    scene.finally([&scene, &user] {
      // It had it before the COMMIT, or does not get it.
      CHECK(scene.pool().free() == 0);
      CHECK(scene.pool().in_use() == (came_to(user) == "0" ? 1 : 0));
      observer().must(set_service(scene.pool(), 0, true));
    });
  });
}

TEST_CASE("who has seen that a pool is not idle, and sleeps only then, is woken all the same") {
  in_all_orders(1, [](Scene& scene) {
    Actor& holder = scene.actor("holder");
    Actor& watcher = scene.actor("watcher");
    holder.must(acquire(scene.pool()));
    scene.standing(watcher, call("wait_idle", scene.pool()), DebugPoint::kWatching);
    scene.part(holder, release(scene.pool(), 0), {DebugPoint::kReleasingOne});
    scene.finally([&watcher] { CHECK(came_to(watcher) == "t"); });
  });
}
