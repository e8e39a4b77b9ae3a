// ephemeral: whoever creates a pool drops those that nobody has used for as long as theirs says.
#include <doctest/doctest.h>

#include <memory>
#include <thread>
#include <vector>

#include "server/database.h"
#include "server/hold.h"
#include "server/role.h"
#include "server/tokens.h"

using namespace numpool_test;

namespace {

// Long enough for a pool that may go after a second.
constexpr Milliseconds kLong{1150};

std::string settings(const std::string& more = "") {
  return "NULL, false, '{\"ephemeral\": \"1 s\"" + more + "}'";
}

struct EphemeralPool : Pool {
  explicit EphemeralPool(const std::string& more = "", int size = 1) : Pool(0) {
    observer().must(call("create", *this, std::to_string(size) + ", " + settings(more)));
  }
  bool is_there() const {
    return *observer().number("SELECT count(*) FROM numpool_definitions WHERE name = " + q()) == 1;
  }
  std::string configuring(const std::string& what) const {
    return call("configure", *this, "'" + what + "'");
  }
};

void use_once(const Pool& pool) {
  Session session;
  session.must(release(pool, *session.number(acquire(pool))));
}

void wait_long() {
  std::this_thread::sleep_for(kLong);
}

// What is not to go for a second stays, as far as the machine lets one see it.
struct Fresh {
  Clock::time_point since = Clock::now();
  void check(const EphemeralPool& pool) const {
    const Pool creation(1);
    const bool is_there = pool.is_there();
    if (Clock::now() - since < 1s) CHECK(is_there);
  }
};

}  // namespace

TEST_CASE("ephemeral: an unused pool goes, and every use keeps one") {
  EphemeralPool never_used, used, grown_old, hour(R"(, "ephemeral": true)");
  EphemeralPool leased, in_transaction, timed, waited_for, place, ticket,
      cooled(R"(, "cooldown": "1 h")");
  EphemeralPool locked;
  use_once(used);
  Session holder, transaction, waiter, queued, locker, token_holder;
  token_holder.must(lease(grown_old, new_token(), "100 ms"));
  holder.must(acquire(leased));
  transaction.must("BEGIN; " + acquire_xact(in_transaction));
  const std::string token = new_token();
  token_holder.must(lease(timed, token));
  for (const Pool* pool : {&waited_for, &place, &ticket}) observer().must(drain(*pool, true));
  wait_in_queue(waiter, waited_for, 1);
  token_holder.must(lease(place, new_token()));
  enqueue_ticket(queued, ticket);
  use_once(cooled);
  locker.must("BEGIN; " + call("xact_lock", locked));
  REQUIRE(eventually([&] { return grown_old.in_use() == 0; }));
  wait_long();
  const Pool creation(1);
  for (const EphemeralPool* pool : {&never_used, &used, &grown_old}) CHECK_FALSE(pool->is_there());
  for (const EphemeralPool* pool :
       {&hour, &leased, &in_transaction, &timed, &waited_for, &place, &ticket, &cooled, &locked}) {
    CAPTURE(pool->name());
    CHECK(pool->is_there());
  }
  // The rows of its leases went with it.
  CHECK(observer().number("SELECT count(*) FROM numpool_timed AS t WHERE NOT EXISTS (SELECT FROM "
                          "numpool_definitions AS d WHERE d.identity = t.identity)") == 0);

  // Its time begins when the last use is over.
  const Fresh fresh;
  holder.must(release(leased, 0));
  token_holder.must(release_token(token));
  transaction.must("ROLLBACK");
  for (const EphemeralPool* pool : {&leased, &timed, &in_transaction}) fresh.check(*pool);
  wait_long();
  const Pool next_creation(1);
  for (const EphemeralPool* pool : {&leased, &timed, &in_transaction})
    CHECK_FALSE(pool->is_there());
}

TEST_CASE("ephemeral: the time of a new pool, or a new setting, begins with its COMMIT") {
  const Fresh fresh;
  EphemeralPool made;
  fresh.check(made);
  Pool plain(1);
  EphemeralPool changed;
  use_once(changed);
  observer().must(changed.configuring(R"({"ephemeral": false})"));
  use_once(changed);
  wait_long();
  const Fresh again;
  observer().must(changed.configuring(R"({"ephemeral": "1 s"})"));
  again.check(changed);
  // One that is not loaded, and one that was put back by hand.
  EphemeralPool by_hand;
  const std::string row = "identity, name, size, owner, settings";
  Session hand;
  hand.must("CREATE TEMP TABLE kept AS SELECT " + row +
            " FROM numpool_definitions WHERE name = " + by_hand.q());
  wait_long();
  const Fresh last;
  hand.must("BEGIN; DELETE FROM numpool_definitions WHERE name = " + by_hand.q() +
            "; INSERT INTO numpool_definitions (" + row + ") SELECT * FROM kept; COMMIT");
  last.check(by_hand);
}

TEST_CASE("ephemeral: a pool whose creation is being committed is new, however long that takes") {
  Session maker;
  auto hold = std::make_unique<Hold>(maker);
  EphemeralPool pool;
  observer().must(call("drop", pool));
  maker.must("BEGIN; " + call("create", pool, "1, " + settings()));
  commit_until(maker, *hold, pool.q() + " IN (SELECT numpool_list())");
  wait_long();
  {
    const Pool creation(1);
    CHECK(pool.is_there());
  }
  const Fresh fresh;
  hold.reset();
  CHECK(maker.finish().ok);
  fresh.check(pool);
}

TEST_CASE("ephemeral: as part of the transaction that creates") {
  EphemeralPool loaded, unloaded;
  use_once(loaded);
  const Pool made(0);
  wait_long();
  for (const bool commits : {false, true}) {
    CAPTURE(commits);
    Session creator;
    creator.must("BEGIN; " + call("create", made, "1"));
    CHECK(creator.number("SELECT count(*) FROM numpool_list() AS name WHERE name IN (" +
                         loaded.q() + ", " + unloaded.q() + ")") == 0);
    for (const EphemeralPool* pool : {&loaded, &unloaded}) {
      CAPTURE(pool->name());
      CHECK(pool->is_there());
      Session taker, ticket;
      CHECK(ticket.state(enqueue(*pool)) == "55P03");
      taker.send(acquire(*pool));
      REQUIRE(waits_for_lock(taker));
      if (commits && pool == &unloaded) creator.must("COMMIT");
      if (!commits && pool == &unloaded) creator.must("ROLLBACK");
      if (pool == &loaded) {
        taker.cancel();
        CHECK(taker.finish().sqlstate == "57014");
      } else {
        const Outcome end = taker.finish();
        CHECK(end.sqlstate == (commits ? "42704" : ""));
      }
    }
    if (!commits) {
      REQUIRE(unloaded.idle_within());
      wait_long();
    }
  }
}

TEST_CASE("ephemeral: a creation waits for nobody") {
  EphemeralPool resized, leased, described, free;
  Session resizer, lessee, describer, creator, other;
  resizer.must("BEGIN; " + call("resize", resized, "2"));
  describer.must("BEGIN; " + call("set_metadata", described, "'5'"));
  // It has a lock on the rows of the pool's leases, and no lease any more.
  lessee.must("BEGIN; " + lease(leased, new_token()));
  observer().must(end_lease(leased));
  REQUIRE(leased.idle_within());
  wait_long();
  const Pool first(0), second(0);
  creator.must("BEGIN; " + call("create", first, "1"));
  CHECK(creator.number("SELECT count(*) FROM numpool_list() AS name WHERE name = " + free.q()) ==
        0);
  // A second creator meets what the first one is dropping.
  other.must(call("create", second, "1"));
  creator.must("COMMIT");
  CHECK_FALSE(free.is_there());
  for (Session* session : {&resizer, &lessee, &describer}) session->must("COMMIT");
  for (const EphemeralPool* pool : {&resized, &leased, &described}) CHECK(pool->is_there());
}

TEST_CASE("ephemeral: only what the creator may operate") {
  Role owner, stranger;
  EphemeralPool pool, mine;
  observer().must(call("set_owner", pool, owner.q()));
  observer().must(call("set_owner", mine, stranger.q()));
  wait_long();
  Session creator;
  stranger.take(creator);
  const Pool made(0), other(0);
  creator.must(call("create", made, "1"));
  CHECK(pool.is_there());
  CHECK_FALSE(mine.is_there());
  Session boss;
  owner.take(boss);
  boss.must(call("create", other, "1"));
  CHECK_FALSE(pool.is_there());
}

TEST_CASE("ephemeral: sixteen a creation, and never only the ones in use") {
  std::vector<std::unique_ptr<EphemeralPool>> busy, idle;
  Session holder;
  const auto make = [](std::vector<std::unique_ptr<EphemeralPool>>& pools, int count) {
    for (int i = 0; i < count; ++i) pools.push_back(std::make_unique<EphemeralPool>());
  };
  const auto left = [&idle] {
    int count = 0;
    for (const auto& pool : idle) count += pool->is_there() ? 1 : 0;
    return count;
  };
  make(busy, 70);
  for (const auto& pool : busy) holder.must(acquire(*pool));
  make(idle, 20);
  wait_long();
  int last = 20;
  for (int creations = 0; creations < 6 && last > 0; ++creations) {
    const Pool creation(1);
    const int now = left();
    CHECK(last - now <= 16);
    last = now;
  }
  CHECK(last == 0);
  for (const auto& pool : busy) CHECK(pool->is_there());
}

TEST_CASE("ephemeral: at every isolation level, and none of it fails a creation") {
  EphemeralPool pool;
  wait_long();
  for (const std::string level : {"SERIALIZABLE", "REPEATABLE READ"}) {
    CAPTURE(level);
    Session creator, reader;
    const Pool made(0), other(0);
    creator.must("BEGIN ISOLATION LEVEL " + level + "; SELECT count(*) FROM numpool_definitions");
    reader.must("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM numpool_leases");
    creator.must(call("create", made, "1"));
    reader.must(call("create", other, "1"));
    creator.must("COMMIT");
    reader.must("COMMIT");
    CHECK(pool.is_there() == (level == "SERIALIZABLE"));
  }
}

TEST_CASE("ephemeral: the pools of a copied database are as new as the copy") {
  Database database;
  {
    Session there(Database::kWhere);
    there.must("SELECT numpool_create('old', 1, settings => '{\"ephemeral\": \"1 s\"}')");
    wait_long();
  }
  const std::string copy = "numpool_test_copy";
  observer().run("DROP DATABASE IF EXISTS " + copy + " WITH (FORCE)");
  REQUIRE(eventually([&] {
    return observer().run("CREATE DATABASE " + copy + " TEMPLATE numpool_test_database").ok;
  }));
  const auto start = Clock::now();
  {
    Session there("dbname=" + copy);
    there.must("SELECT numpool_create('new', 1)");
    const auto names = there.value("SELECT string_agg(name, ' ') FROM numpool_list() AS name");
    if (Clock::now() - start < 1s) CHECK(names == "new old");
    wait_long();
    there.must("SELECT numpool_create('newer', 1)");
    CHECK(there.value("SELECT string_agg(name, ' ') FROM numpool_list() AS name") == "new newer");
  }
  observer().run("DROP DATABASE IF EXISTS " + copy + " WITH (FORCE)");
}
