// How the news of a grant reaches a client, as other programs see it and as ours does.

#include <csignal>

#include "fixture.hpp"
#include "notification.hpp"

using numpool::detail::parse_notification;

namespace {

std::string quoted(const std::string& id) {
  return "'" + id + "'";
}

std::string enqueue(session& by, const std::string& id) {
  return by.query("SELECT ticket FROM numpool_enqueue(" + quoted(id) + ")").value_or("");
}

}  // namespace

TEST_CASE_FIXTURE(fixture, "a forged notification changes nothing") {
  numpool::pool pool = client.create_or_open(id, 1);
  numpool::lease held = pool.acquire();
  numpool::client other;
  numpool::pool waited = other.open(id);
  std::atomic<bool> served{false};
  waited.acquire_async([&](numpool::acquire_result) { served = true; });
  REQUIRE(eventually([&] { return pool.status().waiting == 1; }));
  const std::string ticket = std::to_string(pool.waiters().at(0).ticket.value());

  session forger;
  const std::string start = "'{\"ticket\":" + ticket + ",\"pool\":\"" + id + "\",";
  for (session* one : {&forger}) {
    // The channel may be the session's own or one for all: forge on every one there is.
    for (const std::string& channel :
         {forger.query("SELECT numpool_channel()").value_or(""), std::string("numpool")}) {
      one->query("SELECT pg_notify('" + channel + "', " + start + "\"index\":0,\"fence\":1}')");
      one->query("SELECT pg_notify('" + channel + "', " + start + "\"error\":\"dropped\"}')");
      one->query("SELECT pg_notify('" + channel + "', '{\"pool\":\"" + id +
                 "\",\"index\":0,\"fence\":" + std::to_string(held.fence()) +
                 ",\"error\":\"dropped\"}')");
    }
  }
  (void)other.list();
  (void)client.list();
  std::this_thread::sleep_for(50ms);
  CHECK_FALSE(served);
  CHECK(held.held());
  CHECK(pool.status().waiting == 1);
  held.release();
  CHECK(eventually([&] { return served.load(); }));
}

TEST_CASE_FIXTURE(fixture,
                  "a grant is told when its session is idle, busy, in a transaction or failed") {
  numpool::pool pool = client.create_or_open(id, 1);
  struct situation {
    const char* before;  // sent ahead of the grant
    const char* after;   // sent once it is granted; the notification comes after it
  };
  const situation situations[] = {
      {"", ""}, {"BEGIN", "COMMIT"}, {"BEGIN", "ROLLBACK"}, {"BEGIN; SELECT 1/0", "ROLLBACK"}};
  for (const situation& each : situations) {
    CAPTURE(each.before);
    CAPTURE(each.after);
    session waiter;
    numpool::lease held = pool.acquire();
    const std::string ticket = enqueue(waiter, id);
    if (*each.before != '\0') waiter.try_query(each.before);
    held.release();
    if (*each.after != '\0') {
      CHECK_FALSE(waiter.notification(30ms));
      waiter.query(each.after);
    }
    const auto payload = waiter.notification();
    REQUIRE(payload);
    const auto grant = parse_notification(*payload);
    REQUIRE(grant);
    CHECK(std::to_string(*grant->ticket) == ticket);
    CHECK(*grant->pool == id);
    CHECK(*grant->index == 0);
    CHECK_FALSE(waiter.notification(30ms));  // once
  }
  // Busy in a long statement: at its end.
  session waiter;
  numpool::lease held = pool.acquire();
  enqueue(waiter, id);
  waiter.send("SELECT pg_sleep(0.3)");
  held.release();
  waiter.answer();
  CHECK(waiter.notification());
}

TEST_CASE_FIXTURE(fixture, "a grant is told whatever caused it") {
  session holder;
  const std::string name = quoted(id);
  const std::string acquire = "SELECT numpool_acquire(" + name + ")";
  const auto told = [&](const std::string& cause) {
    session waiter;
    enqueue(waiter, id);
    holder.query(cause);
    const bool yes = waiter.notification().has_value();
    CHECK_MESSAGE(yes, cause);
  };
  client.create_or_open(id, 1);
  for (int round = 0; round < 3; ++round) {
    CHECK(eventually([&] { return client.open(id).status().in_use == 0; }));
    holder.query(acquire);
    told("SELECT numpool_release(" + name + ", 0)");
    CHECK(eventually([&] { return client.open(id).status().in_use == 0; }));
    holder.query("BEGIN; " + acquire);
    told("ROLLBACK");
    CHECK(eventually([&] { return client.open(id).status().in_use == 0; }));
    holder.query("BEGIN; SAVEPOINT a; " + acquire);
    told("ROLLBACK TO a");
    holder.query("COMMIT");
    CHECK(eventually([&] { return client.open(id).status().in_use == 0; }));
    holder.query(acquire);
    told("DISCARD ALL");
    CHECK(eventually([&] { return client.open(id).status().in_use == 0; }));
  }
  holder.query(acquire);
  told("SELECT numpool_resize(" + name + ", 2)");
  CHECK(eventually([&] { return client.open(id).status().in_use == 1; }));
  holder.query(acquire);
  told("SELECT numpool_drop(" + name + ", true)");
}

TEST_CASE_FIXTURE(fixture, "a grant to a stopped backend is told when it goes on") {
  numpool::pool pool = client.create_or_open(id, 1);
  numpool::lease held = pool.acquire();
  numpool::client other;
  numpool::pool waited = other.open(id);
  auto waiting = waited.acquire_future();
  REQUIRE(eventually([&] { return pool.status().waiting == 1; }));
  ::kill(other.backend_pid(), SIGSTOP);
  held.release();
  CHECK(waiting.wait_for(100ms) == std::future_status::timeout);
  CHECK_FALSE(pool.try_acquire());  // granted all the same
  ::kill(other.backend_pid(), SIGCONT);
  CHECK(waiting.get().held());
}

TEST_CASE_FIXTURE(fixture, "a wait that times out while its backend is stopped loses nothing") {
  numpool::pool pool = client.create_or_open(id, 1);
  std::optional<numpool::lease> held(pool.acquire());
  numpool::client other;
  numpool::pool waited = other.open(id);
  ::kill(other.backend_pid(), SIGSTOP);
  CHECK_FALSE(waited.acquire_for(50ms));
  held.reset();
  ::kill(other.backend_pid(), SIGCONT);
  CHECK(pool.acquire_for(10s));
  (void)other.list();
  CHECK(eventually([&] { return pool.status().in_use == 0 && pool.status().waiting == 0; }));
}

TEST_CASE_FIXTURE(fixture, "our waits cost the server one session, and it idles") {
  numpool::pool pool = client.create_or_open(id, 1);
  numpool::lease held = pool.acquire();
  numpool::client other;
  numpool::pool waited = other.open(id);
  std::vector<std::future<numpool::lease>> all;
  for (int i = 0; i < 50; ++i) all.push_back(waited.acquire_future());
  REQUIRE(eventually([&] { return pool.status().waiting == 50; }));
  session watch;
  const std::string mine =
      " FROM pg_stat_activity WHERE pid = " + std::to_string(other.backend_pid());
  CHECK(eventually([&] { return watch.query("SELECT state" + mine) == "idle"; }));
  CHECK(watch.query("SELECT backend_xmin IS NULL" + mine) == "t");
}
