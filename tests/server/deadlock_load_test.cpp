// What a check for deadlocks costs among many sleepers, by what the server says of itself: the best
// of some checks, so that it is the check and not the machine that is judged.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "server/calls.h"
#include "server/database.h"

using namespace numpool_test;

namespace {

struct Check {
  unsigned sessions, pools, ended;
  double took, locked;  // milliseconds
};

std::vector<Check> checks;

void note_check(void*, const char* message) {
  Check check;
  if (std::sscanf(message,
                  "DEBUG:  numpool: check of %u sessions in %u pools took %lf ms, locked %lf ms at "
                  "most, ended %u",
                  &check.sessions, &check.pools, &check.took, &check.locked, &check.ended) == 5)
    checks.push_back(check);
}

const std::string kWhere = std::string(Database::kWhere) + " options='-c deadlock_timeout=1h'";

std::string take(int pool) {
  return "SELECT numpool_acquire('p" + std::to_string(pool) + "')";
}

}  // namespace

TEST_CASE("deadlock: a check among 1,000 sleepers in 100 pools takes less than 20 ms") {
  constexpr int kPools = 100;
  Database database;
  Session witness(Database::kWhere), checker(kWhere);
  witness.must("SELECT count(numpool_create('p' || i, 1)) FROM generate_series(0, 99) AS i");
  // Each of a ring but the last waits for the next one, and nine more behind each of these.
  std::vector<std::unique_ptr<Session>> ring, behind;
  for (int i = 0; i < kPools; ++i) {
    ring.push_back(std::make_unique<Session>(kWhere));
    ring.back()->must(take(i));
  }
  for (int i = 0; i + 1 < kPools; ++i) ring[i]->send(take(i + 1));
  for (int i = 0; i < 9 * kPools; ++i) {
    behind.push_back(std::make_unique<Session>(kWhere));
    behind.back()->send(take(i % kPools));
  }
  REQUIRE(eventually(
      [&] { return witness.number("SELECT count(*) FROM numpool_waiters") == 10 * kPools - 1; },
      120s));

  checks.clear();
  PQsetNoticeProcessor(checker.handle(), note_check, nullptr);
  checker.must("SET deadlock_timeout = '20ms'; SET client_min_messages = debug1");
  checker.send(take(50));
  REQUIRE(eventually([&] { return checker.done(), checks.size() >= 20; }));
  double took = 1e9, locked = 1e9;
  for (const Check& check : checks) {
    CHECK(check.sessions >= 10 * kPools - 1);
    CHECK(check.pools == kPools);
    CHECK(check.ended == 0);
    took = std::min(took, check.took);
    locked = std::min(locked, check.locked);
  }
  MESSAGE("nobody stuck: ", took, " ms, longest lock ", locked, " ms");
  CHECK((took < 20 || took < 20 * slowness()));
  CHECK((locked < 1 || locked < slowness()));

  // The ring closes.
  checks.clear();
  ring.back()->send(take(0));
  REQUIRE(eventually([&] { return ring.back()->done() && !checker.done(); }));
  CHECK(ring.back()->finish().sqlstate == "40P01");
  REQUIRE(eventually(
      [&] {
        checker.done();
        return std::any_of(checks.begin(), checks.end(),
                           [](const Check& c) { return c.ended == 1; });
      },
      10s));
  for (const Check& check : checks) {
    if (check.ended != 1) continue;
    MESSAGE("one stuck of 1,001: ", check.took, " ms, longest lock ", check.locked, " ms");
    // Two looks, the circle of 100 and its words.
    CHECK((check.took < 60 || check.took < 60 * slowness()));
  }
  for (auto& session : ring) session->sever();
  for (auto& session : behind) session->sever();
}
