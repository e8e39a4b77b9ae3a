// Names of any characters, and programs that speak another encoding than UTF-8.

#include "fixture.hpp"

using numpool::error_kind;

TEST_CASE_FIXTURE(fixture, "a pool of 200 odd characters does all that a pool does") {
  const std::string odd = "%_'\"\\\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \n\t$1{}";  // 17 characters
  std::string name = id;
  for (std::size_t length = id.size(); length + 17 <= 200; length += 17) name += odd;
  while (name.size() - 6 * ((name.size() - id.size()) / 23) < 200) name += '%';
  numpool::pool pool = client.create_or_open(name, 1, "{\"\xc3\xa9\": \"'\\\\\"}");
  CHECK(client.list(name) == std::vector<std::string>{name});
  CHECK(pool.metadata() == "{\"\xc3\xa9\": \"'\\\\\"}");
  pool.with_lock([] {});
  std::atomic<int> lost{0};
  numpool::client_options options;
  options.on_lost = [&](const numpool::lost_lease& what) {
    if (what.pool == name) ++lost;
  };
  numpool::client other(options);
  numpool::lease held = other.open(name).acquire();
  auto waiting = other.open(name).acquire_future();
  REQUIRE(eventually([&] { return pool.status().waiting == 1; }));
  CHECK(pool.leases().at(0).pool == name);
  held.release();
  numpool::lease granted = waiting.get();
  auto dropped = other.open(name).acquire_future();
  REQUIRE(eventually([&] { return pool.status().waiting == 1; }));
  CHECK(client.drop(name, numpool::drop_mode::force));
  CHECK(kind_of([&] { (void)dropped.get(); }) == error_kind::no_such_pool);
  CHECK(eventually([&] { return lost == 1; }));
  CHECK(granted.lost());
}

TEST_CASE_FIXTURE(fixture, "another client_encoding: names are in it, and a forced drop is told") {
  const std::string latin1 = id + " \xe9", utf8 = id + " \xc3\xa9";
  numpool::client_options options;
  options.conninfo = "client_encoding=LATIN1";
  numpool::client other(options);
  numpool::pool pool = other.create_or_open(latin1, 1);
  CHECK(client.list(id) == std::vector<std::string>{utf8});
  numpool::lease held = pool.acquire();
  auto waiting = pool.acquire_future();
  held.release();
  numpool::lease granted = waiting.get();
  CHECK(client.drop(utf8, numpool::drop_mode::force));
  CHECK(eventually([&] { return granted.lost(); }));
}

TEST_CASE_FIXTURE(fixture,
                  "what is no UTF-8, no JSON or out of range is refused, and harms nobody") {
  numpool::pool pool = client.create_or_open(id, 1);
  numpool::lease held = pool.acquire();
  CHECK(sqlstate_of([&] { client.create_or_open("\xff\xfe", 1); }) == "22021");
  for (const char* json : {"{", "", "nul", "{\"a\":}", "\xff"}) {
    CAPTURE(json);
    CHECK(kind_of([&] { pool.set_metadata(json); }));
    CHECK(kind_of([&] { client.create(id + "x", 1, json); }));
    CHECK(kind_of([&] { (void)pool.replace_metadata(json, "1"); }));
  }
  for (const int size : {0, 65537})
    CHECK(kind_of([&] { pool.resize(size); }) == error_kind::invalid_value);
  CHECK(kind_of([&] { client.resize("", 1); }) == error_kind::invalid_value);
  CHECK(client.list(id) == std::vector<std::string>{id});
  CHECK(held.held());
}
