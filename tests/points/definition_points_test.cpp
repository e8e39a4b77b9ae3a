// Changes of a definition against arrivals, loading and each other.
#include <doctest/doctest.h>

#include <thread>

#include "points/scene.h"

using namespace numpool_test;

namespace {

std::string drop(const Pool& pool, const char* force) {
  return call("drop", pool, force);
}

std::string resize(const Pool& pool, int size) {
  return call("resize", pool, std::to_string(size));
}

std::string create(const Pool& pool, int size) {
  return call("create", pool, std::to_string(size));
}

}  // namespace

TEST_CASE("a drop without force and an acquire: one of them only") {
  for (const std::string statement : {"acquire", "try_acquire"}) {
    CAPTURE(statement);
    in_all_orders(1, [statement](Scene& scene) {
      Actor& dropper = scene.actor("dropper");
      Actor& taker = scene.actor("taker");
      scene.part(dropper, drop(scene.pool(), "false"),
                 {DebugPoint::kRowWritten, DebugPoint::kClosing, DebugPoint::kRowsVisible});
      scene.part(taker, call(statement.c_str(), scene.pool()),
                 {DebugPoint::kNamed, DebugPoint::kGrantedAtOnce});
      scene.finally([&dropper, &taker, waits = statement == "acquire"] {
        const std::string end = came_to(taker);
        if (came_to(dropper) == "t")
          CHECK((end == "42704" || (!waits && end == "null")));
        else
          CHECK((came_to(dropper) == "55006" && end == "0"));
      });
    });
  }
}

TEST_CASE("a drop of a pool that is not loaded, and an arrival that loads it meanwhile") {
  const Pool other(1);
  in_all_orders(1, [&other](Scene& scene) {
    Actor& dropper = scene.actor("dropper");
    Actor& taker = scene.actor("taker");
    // The second call gives the drop one more place to stop at, after it has found the pool unused.
    scene.part(dropper, drop(scene.pool(), "false") + ", numpool_try_acquire(" + other.q() + ")",
               {DebugPoint::kStubDue, DebugPoint::kNamed});
    scene.part(taker, call("try_acquire", scene.pool()),
               {DebugPoint::kRowRead, DebugPoint::kRowDiffers});
    scene.finally([&dropper, &taker] {
      const std::string end = came_to(taker);
      if (came_to(dropper) == "t")
        CHECK((end == "42704" || end == "null"));
      else
        CHECK((came_to(dropper) == "55006" && end == "0"));
    });
  });
}

TEST_CASE("an ephemeral pool that goes when another is created, and an arrival: one of them only") {
  const Pool other(0);
  for (const bool is_loaded : {true, false}) {
    CAPTURE(is_loaded);
    in_all_orders(1, [&other, is_loaded](Scene& scene) {
      Actor& creator = scene.actor("creator");
      Actor& taker = scene.actor("taker");
      observer().must(call("configure", scene.pool(), R"('{"ephemeral": "1 s"}')"));
      if (is_loaded) {
        observer().must(acquire(scene.pool()));
        observer().must(release(scene.pool(), 0));
      }
      std::this_thread::sleep_for(1050ms);
      scene.part(creator, create(other, 1), {DebugPoint::kUnusedSeen, DebugPoint::kClosing});
      scene.part(taker, acquire(scene.pool()),
                 {is_loaded ? DebugPoint::kNamed : DebugPoint::kRowRead});
      scene.finally([&] {
        CHECK(came_to(creator) == "t");
        const auto there = observer().number(
            "SELECT count(*) FROM numpool_definitions WHERE name = " + scene.pool().q());
        CHECK(came_to(taker) == (there == 1 ? "0" : "42704"));
        observer().must(drop(other, "false"));
      });
    });
  }
}

TEST_CASE("an ephemeral pool is there again when its drop comes to nothing") {
  const Pool other(0);
  for (const std::string how : {"cancelled", "terminated", "rolled back to a savepoint"}) {
    CAPTURE(how);
    in_all_orders(1, [&other, how](Scene& scene) {
      Actor& creator = scene.actor("creator");
      observer().must(call("configure", scene.pool(), R"('{"ephemeral": "1 s"}')"));
      std::this_thread::sleep_for(1050ms);
      const bool rolls_back = how[0] == 'r';
      scene.part(creator,
                 rolls_back ? "BEGIN; SAVEPOINT s; " + create(other, 1) + "; ROLLBACK TO s; COMMIT"
                            : create(other, 1),
                 {DebugPoint::kUnusedSeen, DebugPoint::kClosing});
      if (how == "cancelled") scene.event_cancel(creator);
      if (how == "terminated") scene.event_terminate(creator);
      scene.finally([&, rolls_back] {
        const bool goes = !rolls_back && came_to(creator) == "t";
        CHECK(observer().number("SELECT count(*) FROM numpool_definitions WHERE name = " +
                                scene.pool().q()) == (goes ? 0 : 1));
        if (goes) observer().must(drop(other, "false"));
      });
    });
  }
}

TEST_CASE("a drop that is rolled back and an acquire: the number is had") {
  in_all_orders(1, [](Scene& scene) {
    Actor& dropper = scene.actor("dropper");
    Actor& taker = scene.actor("taker");
    scene.part(dropper, "BEGIN; " + drop(scene.pool(), "true") + "; ROLLBACK",
               {DebugPoint::kClosing, DebugPoint::kAborting, DebugPoint::kUndoing,
                DebugPoint::kChangesDone});
    scene.part(taker, acquire(scene.pool()), {DebugPoint::kNamed, DebugPoint::kRegistered});
    scene.finally([&] { CHECK(came_to(taker) == "0"); });
  });
}

TEST_CASE("each way to give a number back, and a drop by force") {
  std::string way;
  SUBCASE("COMMIT of a release") {
    way = "release";
  }
  SUBCASE("the holder's rollback") {
    way = "ROLLBACK";
  }
  SUBCASE("a savepoint's rollback") {
    way = "ROLLBACK TO s";
  }
  SUBCASE("the holder's end") {
    way = "exit";
  }
  SUBCASE("a larger size") {
    way = "resize";
  }
  in_all_orders(1, [way](Scene& scene) {
    Actor& holder = scene.actor("holder");
    Actor& waiter = scene.actor("waiter");
    Actor& dropper = scene.actor("dropper");
    const bool rolls_back = way[0] == 'R';
    holder.must((rolls_back ? "BEGIN; SAVEPOINT s; " : "") + acquire(scene.pool()));
    scene.asleep(waiter, acquire(scene.pool()));
    if (way == "exit")
      scene.part(holder,
                 [&holder] {
                   holder.gone = true;
                   holder.session().close();
                 },
                 {DebugPoint::kGivingUpOne, DebugPoint::kWakeDue});
    else if (way == "resize")
      scene.part(holder, resize(scene.pool(), 2), {DebugPoint::kRowsVisible, DebugPoint::kResized});
    else
      scene.part(holder, rolls_back ? way : release(scene.pool(), 0),
                 {DebugPoint::kUndoing, DebugPoint::kReleasingOne, DebugPoint::kWakeDue});
    scene.part(dropper, drop(scene.pool(), "true"),
               {DebugPoint::kRowsVisible, DebugPoint::kUnregistered, DebugPoint::kDismissed});
    scene.finally([&] {
      const std::string end = came_to(waiter);
      CHECK((end == "42704" || end == "0" || end == "1"));
      CHECK(came_to(dropper) == "t");
    });
  });
}

TEST_CASE("the window of a drop's COMMIT, an arrival, and a new pool of the same name") {
  in_all_orders(1, [](Scene& scene) {
    Actor& dropper = scene.actor("dropper");
    Actor& taker = scene.actor("taker");
    Actor& maker = scene.actor("maker");
    observer().must(acquire(scene.pool()));
    observer().must(release(scene.pool(), 0));
    scene.part(dropper, drop(scene.pool(), "false"), {DebugPoint::kRowsVisible});
    scene.part(maker, create(scene.pool(), 1), {DebugPoint::kRowsVisible});
    scene.part(taker, acquire(scene.pool()), {DebugPoint::kNamed});
    scene.finally([&] {
      const std::string end = came_to(taker);
      CHECK((end == "0" || end == "42704"));
      CHECK((came_to(maker) == "t" || came_to(maker) == "42710"));
      // Whoever got in first keeps the other out.
      CHECK((came_to(dropper) == "t" || (came_to(dropper) == "55006" && end == "0")));
    });
  });
}

TEST_CASE("the window of a create's COMMIT, and others who use the pool and roll back") {
  std::string what;
  SUBCASE("an acquire") {
    what = "try_acquire";
  }
  SUBCASE("a resize") {
    what = "resize";
  }
  SUBCASE("a drop") {
    what = "drop";
  }
  in_all_orders(1, [what](Scene& scene) {
    Actor& maker = scene.actor("maker");
    Actor& other = scene.actor("other");
    Actor& third = scene.actor("third");
    const Pool& pool = scene.pool();
    observer().must(drop(pool, "true"));
    scene.part(maker, "BEGIN; " + create(pool, 1) + "; " + acquire(pool) + "; COMMIT",
               {DebugPoint::kRowsVisible, DebugPoint::kApplying});
    const std::string use = what == "resize" ? resize(pool, 2)
                            : what == "drop" ? drop(pool, "true")
                                             : try_acquire(pool);
    scene.part(other, "BEGIN; " + use + "; ROLLBACK", {DebugPoint::kAborting});
    scene.part(third, try_acquire(pool));
    scene.finally([&maker, &third, fence = call("fence", pool, "0")] {
      CHECK(maker.session().number(fence).has_value());
      CHECK((came_to(third) == "null" || came_to(third) == "42704"));
    });
  });
}

TEST_CASE("an identity that is made anew while its first maker rolls back") {
  static int identity = 1000000;
  bool uses = false;
  SUBCASE("who has used the pool") {
    uses = true;
  }
  SUBCASE("who has not") {}
  in_all_orders(1, [uses](Scene& scene) {
    Actor& first = scene.actor("first");
    Actor& second = scene.actor("second");
    Actor& third = scene.actor("third");
    const Pool& pool = scene.pool();
    observer().must(drop(pool, "true"));
    const std::string make = "INSERT INTO numpool_definitions (name, identity, size) VALUES (" +
                             pool.q() + ", " + std::to_string(++identity) + ", 1); ";
    first.must("BEGIN; " + make + (uses ? acquire(pool) : ""));
    scene.part(first, "ROLLBACK",
               {DebugPoint::kAborting, DebugPoint::kUndoing, DebugPoint::kChangesDone});
    scene.part(second, "BEGIN; " + make + acquire(pool) + "; COMMIT",
               {DebugPoint::kRowWritten, DebugPoint::kRowsVisible, DebugPoint::kChangesDone});
    scene.part(third, try_acquire(pool));
    scene.finally([&second, &third, fence = call("fence", pool, "0")] {
      CHECK(second.session().number(fence).has_value());
      CHECK((came_to(third) == "null" || came_to(third) == "42704"));
    });
  });
}

TEST_CASE("two resizes, each in the other's COMMIT window: the later row is the pool's size") {
  in_all_orders(1, [](Scene& scene) {
    Actor& first = scene.actor("first");
    Actor& second = scene.actor("second");
    scene.part(first, resize(scene.pool(), 3),
               {DebugPoint::kSizeNoted, DebugPoint::kRowsVisible, DebugPoint::kResized});
    scene.part(second, resize(scene.pool(), 2),
               {DebugPoint::kRowWritten, DebugPoint::kRowsVisible, DebugPoint::kResized});
    scene.finally([&] { CHECK((came_to(first) == "1" || came_to(second) == "1")); });
  });
}

TEST_CASE("loading, while another session changes the definition") {
  std::string change;
  SUBCASE("its size") {
    change = "resize";
  }
  SUBCASE("its name") {
    change = "rename";
  }
  SUBCASE("it goes") {
    change = "drop";
  }
  SUBCASE("its size, and back again") {
    change = "rollback";
  }
  in_all_orders(1, [change](Scene& scene) {
    Actor& taker = scene.actor("taker");
    Actor& changer = scene.actor("changer");
    const Pool& pool = scene.pool();
    const std::string name = pool.q();
    const std::string rename =
        "UPDATE numpool_definitions SET name = name || '_new' WHERE name = " + name;
    const std::string statement = change == "resize"   ? resize(pool, 3)
                                  : change == "rename" ? rename
                                  : change == "drop"   ? drop(pool, "true")
                                                       : "BEGIN; " + resize(pool, 3) + "; ROLLBACK";
    scene.part(taker, acquire(pool),
               {DebugPoint::kRowRead, DebugPoint::kRegistered, DebugPoint::kReadAgain});
    scene.part(changer, statement,
               {DebugPoint::kRowWritten, DebugPoint::kRowsVisible, DebugPoint::kAborting});
    scene.finally([&taker, change, name] {
      const std::string end = came_to(taker);
      CHECK((end == "0" || (end == "42704" && (change == "drop" || change == "rename"))));
      // A drop by force leaves nothing to release. A lease that was granted after the drop would be
      // found here.
      if (change == "drop") CHECK(taker.session().number("SELECT numpool_release_all()") == 0);
      if (change != "rename") return;
      const std::string renamed = "SELECT count(*) FROM numpool_leases WHERE pool = " + name;
      CHECK(observer().number(renamed + " || '_new'") == (end == "0" ? 1 : 0));
      observer().must("UPDATE numpool_definitions SET name = " + name + " WHERE name = " + name +
                      " || '_new'");
      CHECK(observer().number(renamed) == (end == "0" ? 1 : 0));
    });
  });
}

TEST_CASE("loading, while another session changes the size and the pool is evicted") {
  // Together more than shared memory holds: each takes 3 MB.
  const auto memory = observer().number(
      "SELECT pg_size_bytes(current_setting('numpool.shared_memory_size')) FROM numpool_memory");
  const std::string pools =
      " FROM generate_series(1, " + std::to_string(2 + memory.value() / 3000000) + ") AS i";
  const std::string crowd = "SELECT numpool_try_acquire('crowd_' || i)" + pools;
  observer().must("SELECT numpool_create('crowd_' || i, 65536)" + pools);
  in_all_orders(1, [&crowd](Scene& scene) {
    Actor& taker = scene.actor("taker");
    Actor& changer = scene.actor("changer");
    Actor& evictor = scene.actor("evictor");
    scene.part(taker, acquire(scene.pool()), {DebugPoint::kRowRead, DebugPoint::kRegistered});
    scene.part(changer, resize(scene.pool(), 3));
    scene.event(
        "eviction", [&] { CHECK(evictor.session().state(crowd) == "53200"); },
        [&] { return taker.doing == ActorDoing::kStanding && changer.begun; });
    scene.finally([&] { CHECK(came_to(taker) == "0"); });
  });
  observer().must("SELECT numpool_drop('crowd_' || i)" + pools);
}

TEST_CASE("two sessions load at once") {
  in_all_orders(2, [](Scene& scene) {
    for (const char* name : {"first", "second"})
      scene.part(scene.actor(name), acquire(scene.pool()),
                 {DebugPoint::kRowRead, DebugPoint::kRegistered, DebugPoint::kReadAgain});
    scene.finally(
        [&] { CHECK(came_to(scene.actor("first")) + came_to(scene.actor("second")) != "00"); });
  });
}

TEST_CASE("DROP EXTENSION, a sleeper and a grant") {
  in_all_orders(1, [](Scene& scene) {
    Actor& holder = scene.actor("holder");
    Actor& waiter = scene.actor("waiter");
    Actor& dropper = scene.actor("dropper");
    holder.must(acquire(scene.pool()));
    scene.asleep(waiter, acquire(scene.pool()), {DebugPoint::kTurnSeen});
    scene.part(holder, release(scene.pool(), 0), {DebugPoint::kWakeDue});
    scene.part(dropper, "DROP EXTENSION numpool",
               {DebugPoint::kRowsVisible, DebugPoint::kEntriesDone});
    scene.finally([&] {
      observer().must("CREATE EXTENSION numpool");
      // The release may have come to a server that does not know the function any more.
      CHECK((came_to(holder) == "t" || came_to(holder) == "42883"));
    });
    scene.at_last([&] { CHECK((came_to(waiter) == "42704" || came_to(waiter) == "0")); });
  });
}

TEST_CASE("two arrivals take a block of fences at once") {
  in_all_orders(2, [](Scene& scene) {
    Actor& first = scene.actor("first");
    Actor& second = scene.actor("second");
    // Another extension, another sequence: its fences begin with the first arrival.
    observer().must("DROP EXTENSION numpool; CREATE EXTENSION numpool");
    observer().must(create(scene.pool(), 2));
    for (Actor* one : {&first, &second})
      scene.part(*one, acquire(scene.pool()), {DebugPoint::kBlockWanted, DebugPoint::kBlockTaken});
    scene.finally([&scene] {
      CHECK(observer().number("SELECT count(DISTINCT fence) FROM numpool_leases WHERE pool = " +
                              scene.pool().q()) == 2);
      CHECK(observer().number(
                "SELECT count(*) FROM numpool_leases AS a, numpool_leases AS b WHERE a.pool = " +
                scene.pool().q() +
                " AND b.pool = a.pool AND a.acquired_at < b.acquired_at AND "
                "a.fence > b.fence") == 0);
    });
  });
}
