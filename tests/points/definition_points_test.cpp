// Changes of a definition against arrivals, loading and each other.
#include <doctest/doctest.h>

#include "points/stage.h"

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
    in_all_orders(1, [statement](Stage& stage) {
      Actor& dropper = stage.actor("dropper");
      Actor& taker = stage.actor("taker");
      stage.part(dropper, drop(stage.pool(), "false"),
                 {DebugPoint::kRowWritten, DebugPoint::kClosing, DebugPoint::kRowsVisible});
      stage.part(taker, call(statement.c_str(), stage.pool()),
                 {DebugPoint::kNamed, DebugPoint::kGrantedAtOnce});
      stage.finally([&dropper, &taker, waits = statement == "acquire"] {
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
  in_all_orders(1, [&other](Stage& stage) {
    Actor& dropper = stage.actor("dropper");
    Actor& taker = stage.actor("taker");
    // The second call gives the drop one more place to stop at, after it has found the pool unused.
    stage.part(dropper, drop(stage.pool(), "false") + ", numpool_try_acquire(" + other.q() + ")",
               {DebugPoint::kPinDue, DebugPoint::kNamed});
    stage.part(taker, call("try_acquire", stage.pool()),
               {DebugPoint::kRowRead, DebugPoint::kRowDiffers});
    stage.finally([&dropper, &taker] {
      const std::string end = came_to(taker);
      if (came_to(dropper) == "t")
        CHECK((end == "42704" || end == "null"));
      else
        CHECK((came_to(dropper) == "55006" && end == "0"));
    });
  });
}

TEST_CASE("a drop that is rolled back and an acquire: the number is had") {
  in_all_orders(1, [](Stage& stage) {
    Actor& dropper = stage.actor("dropper");
    Actor& taker = stage.actor("taker");
    stage.part(dropper, "BEGIN; " + drop(stage.pool(), "true") + "; ROLLBACK",
               {DebugPoint::kClosing, DebugPoint::kAborting, DebugPoint::kUndoing,
                DebugPoint::kChangesDone});
    stage.part(taker, acquire(stage.pool()), {DebugPoint::kNamed, DebugPoint::kRegistered});
    stage.finally([&] { CHECK(came_to(taker) == "0"); });
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
  in_all_orders(1, [way](Stage& stage) {
    Actor& holder = stage.actor("holder");
    Actor& waiter = stage.actor("waiter");
    Actor& dropper = stage.actor("dropper");
    const bool rolls_back = way[0] == 'R';
    holder.must((rolls_back ? "BEGIN; SAVEPOINT s; " : "") + acquire(stage.pool()));
    stage.asleep(waiter, acquire(stage.pool()));
    if (way == "exit")
      stage.part(holder,
                 [&holder] {
                   holder.gone = true;
                   holder.session().close();
                 },
                 {DebugPoint::kGivingUpOne, DebugPoint::kWakeDue});
    else if (way == "resize")
      stage.part(holder, resize(stage.pool(), 2), {DebugPoint::kRowsVisible, DebugPoint::kResized});
    else
      stage.part(holder, rolls_back ? way : release(stage.pool(), 0),
                 {DebugPoint::kUndoing, DebugPoint::kReleasingOne, DebugPoint::kWakeDue});
    stage.part(dropper, drop(stage.pool(), "true"),
               {DebugPoint::kRowsVisible, DebugPoint::kUnregistered, DebugPoint::kDismissed});
    stage.finally([&] {
      const std::string end = came_to(waiter);
      CHECK((end == "42704" || end == "0" || end == "1"));
      CHECK(came_to(dropper) == "t");
    });
  });
}

TEST_CASE("the window of a drop's COMMIT, an arrival, and a new pool of the same name") {
  in_all_orders(1, [](Stage& stage) {
    Actor& dropper = stage.actor("dropper");
    Actor& taker = stage.actor("taker");
    Actor& maker = stage.actor("maker");
    observer().must(acquire(stage.pool()));
    observer().must(release(stage.pool(), 0));
    stage.part(dropper, drop(stage.pool(), "false"), {DebugPoint::kRowsVisible});
    stage.part(maker, create(stage.pool(), 1), {DebugPoint::kRowsVisible});
    stage.part(taker, acquire(stage.pool()), {DebugPoint::kNamed});
    stage.finally([&] {
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
  in_all_orders(1, [what](Stage& stage) {
    Actor& maker = stage.actor("maker");
    Actor& other = stage.actor("other");
    Actor& third = stage.actor("third");
    const Pool& pool = stage.pool();
    observer().must(drop(pool, "true"));
    stage.part(maker, "BEGIN; " + create(pool, 1) + "; " + acquire(pool) + "; COMMIT",
               {DebugPoint::kRowsVisible, DebugPoint::kApplying});
    const std::string use = what == "resize" ? resize(pool, 2)
                            : what == "drop" ? drop(pool, "true")
                                             : try_acquire(pool);
    stage.part(other, "BEGIN; " + use + "; ROLLBACK", {DebugPoint::kAborting});
    stage.part(third, try_acquire(pool));
    stage.finally([&maker, &third, fence = call("fence", pool, "0")] {
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
  in_all_orders(1, [uses](Stage& stage) {
    Actor& first = stage.actor("first");
    Actor& second = stage.actor("second");
    Actor& third = stage.actor("third");
    const Pool& pool = stage.pool();
    observer().must(drop(pool, "true"));
    const std::string make = "INSERT INTO numpool_definitions (name, identity, size) VALUES (" +
                             pool.q() + ", " + std::to_string(++identity) + ", 1); ";
    first.must("BEGIN; " + make + (uses ? acquire(pool) : ""));
    stage.part(first, "ROLLBACK",
               {DebugPoint::kAborting, DebugPoint::kUndoing, DebugPoint::kChangesDone});
    stage.part(second, "BEGIN; " + make + acquire(pool) + "; COMMIT",
               {DebugPoint::kRowWritten, DebugPoint::kRowsVisible, DebugPoint::kChangesDone});
    stage.part(third, try_acquire(pool));
    stage.finally([&second, &third, fence = call("fence", pool, "0")] {
      CHECK(second.session().number(fence).has_value());
      CHECK((came_to(third) == "null" || came_to(third) == "42704"));
    });
  });
}

TEST_CASE("two resizes, each in the other's COMMIT window: the later row is the pool's size") {
  in_all_orders(1, [](Stage& stage) {
    Actor& first = stage.actor("first");
    Actor& second = stage.actor("second");
    stage.part(first, resize(stage.pool(), 3),
               {DebugPoint::kPinned, DebugPoint::kRowsVisible, DebugPoint::kResized});
    stage.part(second, resize(stage.pool(), 2),
               {DebugPoint::kRowWritten, DebugPoint::kRowsVisible, DebugPoint::kResized});
    stage.finally([&] { CHECK((came_to(first) == "1" || came_to(second) == "1")); });
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
  in_all_orders(1, [change](Stage& stage) {
    Actor& taker = stage.actor("taker");
    Actor& changer = stage.actor("changer");
    const Pool& pool = stage.pool();
    const std::string name = pool.q();
    const std::string rename =
        "UPDATE numpool_definitions SET name = name || '_new' WHERE name = " + name;
    const std::string statement = change == "resize"   ? resize(pool, 3)
                                  : change == "rename" ? rename
                                  : change == "drop"   ? drop(pool, "true")
                                                       : "BEGIN; " + resize(pool, 3) + "; ROLLBACK";
    stage.part(taker, acquire(pool),
               {DebugPoint::kRowRead, DebugPoint::kRegistered, DebugPoint::kReadAgain});
    stage.part(changer, statement,
               {DebugPoint::kRowWritten, DebugPoint::kRowsVisible, DebugPoint::kAborting});
    stage.finally([&taker, change, name] {
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
  // Together more than shared memory holds.
  const std::string crowd =
      "SELECT numpool_try_acquire('crowd_' || i) FROM generate_series(1, 9) AS i";
  observer().must("SELECT numpool_create('crowd_' || i, 65536) FROM generate_series(1, 9) AS i");
  in_all_orders(1, [&crowd](Stage& stage) {
    Actor& taker = stage.actor("taker");
    Actor& changer = stage.actor("changer");
    Actor& evictor = stage.actor("evictor");
    stage.part(taker, acquire(stage.pool()), {DebugPoint::kRowRead, DebugPoint::kRegistered});
    stage.part(changer, resize(stage.pool(), 3));
    stage.event(
        "eviction", [&] { CHECK(evictor.session().state(crowd) == "53200"); },
        [&] { return taker.doing == Doing::kStanding && changer.begun; });
    stage.finally([&] { CHECK(came_to(taker) == "0"); });
  });
  observer().must("SELECT numpool_drop('crowd_' || i) FROM generate_series(1, 9) AS i");
}

TEST_CASE("two sessions load at once") {
  in_all_orders(2, [](Stage& stage) {
    for (const char* name : {"first", "second"})
      stage.part(stage.actor(name), acquire(stage.pool()),
                 {DebugPoint::kRowRead, DebugPoint::kRegistered, DebugPoint::kReadAgain});
    stage.finally(
        [&] { CHECK(came_to(stage.actor("first")) + came_to(stage.actor("second")) != "00"); });
  });
}

TEST_CASE("DROP EXTENSION, a sleeper and a grant") {
  in_all_orders(1, [](Stage& stage) {
    Actor& holder = stage.actor("holder");
    Actor& waiter = stage.actor("waiter");
    Actor& dropper = stage.actor("dropper");
    holder.must(acquire(stage.pool()));
    stage.asleep(waiter, acquire(stage.pool()), {DebugPoint::kTurnSeen});
    stage.part(holder, release(stage.pool(), 0), {DebugPoint::kWakeDue});
    stage.part(dropper, "DROP EXTENSION numpool",
               {DebugPoint::kRowsVisible, DebugPoint::kEntriesDone});
    stage.finally([&] {
      observer().must("CREATE EXTENSION numpool");
      // The release may have come to a server that does not know the function any more.
      CHECK((came_to(holder) == "t" || came_to(holder) == "42883"));
    });
    stage.at_last([&] { CHECK((came_to(waiter) == "42704" || came_to(waiter) == "0")); });
  });
}

TEST_CASE("two arrivals take a block of fences at once") {
  in_all_orders(2, [](Stage& stage) {
    Actor& first = stage.actor("first");
    Actor& second = stage.actor("second");
    // Another extension, another sequence: its fences begin with the first arrival.
    observer().must("DROP EXTENSION numpool; CREATE EXTENSION numpool");
    observer().must(create(stage.pool(), 2));
    for (Actor* one : {&first, &second})
      stage.part(*one, acquire(stage.pool()), {DebugPoint::kBlockWanted, DebugPoint::kBlockTaken});
    stage.finally([&stage] {
      CHECK(observer().number("SELECT count(DISTINCT fence) FROM numpool_leases WHERE pool = " +
                              stage.pool().q()) == 2);
      CHECK(observer().number(
                "SELECT count(*) FROM numpool_leases AS a, numpool_leases AS b WHERE a.pool = " +
                stage.pool().q() +
                " AND b.pool = a.pool AND a.acquired_at < b.acquired_at AND "
                "a.fence > b.fence") == 0);
    });
  });
}
