// lease, renew, release: a number that outlives the command that took it.
#include <doctest/doctest.h>

#include <csignal>
#include <sstream>

#include "support/pool.h"
#include "output.h"
#include "program.h"

using namespace numpool_test;

namespace {

constexpr char kToken[] = "6f0c2d5e-0b1a-4c3d-9e8f-001122334455";

struct Leased {
  std::string token;
  std::string index;
  std::string fence;
};

Leased read(const std::string& printed) {
  Leased out;
  std::istringstream(printed) >> out.token >> out.index >> out.fence;
  return out;
}

Leased lease(const Words& more) {
  Words words{"lease"};
  words.insert(words.end(), more.begin(), more.end());
  const Result r = run(words);
  CHECK(r.status == 0);
  CHECK(r.err.empty());
  CHECK(lines(r.out) == 1);
  return read(r.out);
}

// Of the one lease of a pool.
std::string shown(const Pool& pool, const std::string& what) {
  return observer().text("SELECT " + what + " FROM numpool_leases WHERE pool = $1", {pool.name()});
}

}  // namespace

TEST_CASE("leased, renewed, released, by three commands") {
  Pool pool(1);
  const Leased got = lease({pool.name(), "--ttl", "1h", "--holder", "jane"});
  CHECK(got.index == "0");
  CHECK(got.token.size() == 36);
  CHECK(shown(pool, "scope || ' ' || state || ' ' || holder") == "timed held jane");
  CHECK(shown(pool, "token") == got.token);
  CHECK(shown(pool, "fence") == got.fence);
  CHECK(shown(pool, "expires_at > now() + '59 min'") == "t");

  const Result renewed = run({"renew", got.token});
  CHECK(renewed.status == 0);
  CHECK(renewed.out == got.fence + "\n");

  const Result released = run({"release", got.token});
  CHECK(released.status == 0);
  CHECK(released.out.empty());
  CHECK(pool.in_use() == 0);
}

TEST_CASE("as JSON") {
  Pool pool(1);
  const Result r = run({"lease", pool.name(), "--ttl", "1h", "--json"});
  CHECK(r.status == 0);
  Session& sql = observer();
  CHECK(sql.text("SELECT $1::jsonb - 'token' - 'fence'", {r.out}) ==
        "{\"pool\": \"" + pool.name() + "\", \"index\": 0}");
  CHECK(run({"release", sql.text("SELECT $1::jsonb ->> 'token'", {r.out})}).status == 0);
}

TEST_CASE("what is over: 74 from renew and from release") {
  Pool pool(1);
  const Leased got = lease({pool.name(), "--ttl", "1h"});
  CHECK(run({"release", got.token}).status == 0);
  for (const char* verb : {"renew", "release"}) {
    const Result r = run({verb, got.token});
    CHECK(r.status == 74);
    CHECK(r.out.empty());
    CHECK(lines(r.err) == 1);
  }
}

TEST_CASE("it ends by time, and the next in line has it") {
  Pool pool(1);
  lease({pool.name(), "--ttl", "300ms"});
  const Leased next = lease({pool.name(), "--ttl", "1h", "--timeout", "10s"});
  CHECK(shown(pool, "token") == next.token);
  CHECK(run({"release", next.token}).status == 0);
}

TEST_CASE("none free: 75, and nothing stays in the queue") {
  Pool pool(1);
  const Leased first = lease({pool.name(), "--ttl", "1h"});
  for (const char* timeout : {"0", "150ms"}) {
    const Result r = run({"lease", pool.name(), "--ttl", "1h", "--timeout", timeout});
    CHECK(r.status == 75);
    CHECK(r.out.empty());
    CHECK(lines(r.err) == 1);
    CHECK(pool.waiting() == 0);
  }
  Numpool waiting({"lease", pool.name(), "--ttl", "1h"});
  REQUIRE(pool.waiters_become(1, kSoon));
  waiting.signal(SIGTERM);
  CHECK(waiting.wait() == 128 + SIGTERM);
  CHECK(pool.waiting() == 0);
  CHECK(run({"release", first.token}).status == 0);
}

TEST_CASE("a token of one's own: the same number again, and the same place") {
  Pool pool(1);
  const Leased first = lease({pool.name(), "--ttl", "1h"});
  const Words own{"lease", pool.name(), "--ttl", "1h", "--token", kToken, "--timeout"};
  const auto with = [&own](const char* timeout) {
    Words words = own;
    words.emplace_back(timeout);
    return words;
  };
  const Result waits = run(with("0"));
  CHECK(waits.status == 75);
  CHECK(contains(waits.err, "keeps its place"));
  CHECK(pool.waiting() == 1);
  CHECK(run(with("100ms")).status == 75);
  CHECK(pool.waiting() == 1);
  CHECK(run({"renew", kToken}).out == "waiting\n");

  CHECK(run({"release", first.token}).status == 0);
  const Result taken = run(with("10s"));
  CHECK(taken.status == 0);
  CHECK(read(taken.out).token == kToken);
  CHECK(run(with("0")).out == taken.out);
  CHECK(run({"release", kToken}).status == 0);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("it goes on over a lost connection") {
  Pool pool(1);
  const Leased first = lease({pool.name(), "--ttl", "1h"});
  for (const bool own : {false, true}) {
    Words words{"lease", pool.name(), "--ttl", "1h"};
    if (own) words.insert(words.end(), {"--token", kToken});
    Numpool waiting(words);
    REQUIRE(pool.waiters_become(1, kSoon));
    observer().text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE application_name = 'numpool lease'");
    REQUIRE(pool.waiters_become(1, kSoon));
    CHECK(waiting.running());
    waiting.signal(SIGKILL);
    waiting.wait();
    if (!own) REQUIRE(pool.waiters_become(0, kSoon));
  }
  CHECK(run({"release", kToken}).status == 0);
  CHECK(run({"release", first.token}).status == 0);
}

TEST_CASE("status shows holder and time left") {
  Pool pool(1);
  const Leased got = lease({pool.name(), "--ttl", "1h", "--holder", "jane, desk 7"});
  CHECK(run({"lease", pool.name(), "--ttl", "1m", "--token", kToken, "--timeout", "0", "--holder",
             "joe"})
            .status == 75);
  const std::string text = run({"status", pool.name()}).out;
  CHECK(contains(text, "TIME LEFT"));
  CHECK(contains(text, "59m 5"));
  CHECK(contains(text, "jane, desk 7"));
  CHECK(contains(text, "place"));
  CHECK(contains(text, "joe"));
  CHECK(!contains(text, got.token));

  const std::string json = run({"status", pool.name(), "--json"}).out;
  const auto at = [&json](const std::string& path) {
    return observer().text("SELECT $1::jsonb #>> $2::text[]", {json, path});
  };
  CHECK(at("{timed}") == "1");
  CHECK(at("{leases,0,holder}") == "jane, desk 7");
  CHECK(at("{leases,0,token}") == got.token);
  CHECK(std::stoll(at("{leases,0,time_left_us}")) > 3500 * 1000000LL);
  CHECK(at("{waiters,0,holder}") == "joe");
  CHECK(std::stoll(at("{waiters,0,time_left_us}")) > 20 * 1000000LL);
  CHECK(run({"release", kToken}).status == 0);
  CHECK(run({"release", got.token}).status == 0);
}

TEST_CASE("wrong arguments: 64; refused: 1") {
  for (const Words& words : {Words{"lease", "p"}, Words{"lease", "p", "--ttl", "soon"},
                             Words{"renew"}, Words{"renew", "me"}, Words{"release", "6f0c2d5e"},
                             Words{"lease", "p", "--ttl", "1m", "--token", "1"}}) {
    CHECK(run(words).status == 64);
  }
  Pool pool(1);
  CHECK(run({"lease", pool.name(), "--ttl", "1ms"}).status == 1);
  CHECK(run({"lease", "no such pool", "--ttl", "1m"}).status == 1);
  CHECK(run({"lease", pool.name(), "--ttl", "1m", "--holder", std::string(65, 'x')}).status == 1);
  CHECK(pool.in_use() == 0);
}
