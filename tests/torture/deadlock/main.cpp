// The mix `deadlock`: sessions take numbers, rows, tables and advisory locks in random order, and
// give them back. tests/torture/run calls it as it calls the others.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <random>
#include <thread>

#include "support/session.h"
#include "torture/deadlock/contention.h"
#include "torture/options.h"

using namespace numpool_test;

namespace {

constexpr int kRows = 6;
constexpr int kTables = 2;
constexpr int kAdvisory = 4;
constexpr int kContenders = 12;
// Two deadlock_timeouts of 20 ms for each of a few deadlocks one after the other; the rest is for a
// machine that does something else.
constexpr std::int64_t kLongest = 20'000'000'000;

std::atomic<bool> over{false};
std::atomic<std::int64_t> operations{0};

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string statement_of(const Wanted& wanted, bool has_timeout) {
  const std::string which = std::to_string(wanted.which);
  switch (wanted.kind) {
    case Resource::kPool:
      return "SELECT numpool_acquire_xact('" + pool_name(wanted.which) + "'" +
             (has_timeout ? ", '30 ms')" : ")");
    case Resource::kRow:
      return "UPDATE dl_rows SET n = n + 1 WHERE id = " + which;
    case Resource::kTable:
      return "LOCK TABLE dl_table" + which;
    case Resource::kAdvisory:
      return "SELECT pg_advisory_xact_lock(" + which + ")";
  }
  return "";
}

// What a transaction takes, each at most once and in random order.
std::vector<Wanted> choose(std::mt19937& random) {
  std::vector<Wanted> all;
  for (int i = 0; i < kPools; ++i) all.push_back({Resource::kPool, i});
  for (int i = 0; i < kRows; ++i) all.push_back({Resource::kRow, i});
  for (int i = 0; i < kTables; ++i) all.push_back({Resource::kTable, i});
  for (int i = 0; i < kAdvisory; ++i) all.push_back({Resource::kAdvisory, i});
  std::shuffle(all.begin(), all.end(), random);
  // Mostly one or two, or hardly anything else would happen than deadlocks.
  const unsigned count = random() % 8 < 5 ? 1 : random() % 8 < 6 ? 2 : 4;
  all.resize(count);
  return all;
}

bool attempt(Session& session, Contender& log, const Wanted& wanted, bool has_timeout) {
  Attempt made = {wanted, has_timeout, now(), 0, "", "", -1, 0};
  const Outcome outcome = session.run(statement_of(wanted, has_timeout), 60s);
  made.end = now();
  made.sqlstate = outcome.sqlstate;
  made.detail = outcome.detail;
  if (outcome.ok && wanted.kind == Resource::kPool)
    made.index = static_cast<int>(outcome.number().value_or(-1));
  ++log.operations;
  log.attempts.push_back(made);
  return outcome.ok;
}

void contend(Contender* log, unsigned seed) {
  std::mt19937 random(seed);
  Session session;
  log->pid = session.pid();
  while (!over.load()) {
    session.must("BEGIN");
    const std::size_t first = log->attempts.size();
    bool ok = true;
    for (const Wanted& wanted : choose(random)) {
      ok = attempt(session, *log, wanted, random() % 8 == 0);
      if (!ok) break;
      if (random() % 64 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    const std::int64_t ends = now();
    for (std::size_t i = first; i < log->attempts.size(); ++i) log->attempts[i].released_at = ends;
    session.must(ok && random() % 4 != 0 ? "COMMIT" : "ROLLBACK");
    log->operations += 2;
    operations.fetch_add(static_cast<std::int64_t>(log->attempts.size() - first) + 2);
  }
}

void set_up(Session& session) {
  session.must("CREATE EXTENSION IF NOT EXISTS numpool");
  for (int i = 0; i < kPools; ++i)
    session.must("SELECT numpool_create('" + pool_name(i) + "', " + std::to_string(kPoolSizes[i]) +
                 ")");
  session.must("CREATE TABLE dl_rows AS SELECT i AS id, 0 AS n FROM generate_series(0, 5) AS i");
  session.must("ALTER TABLE dl_rows ADD PRIMARY KEY (id)");
  for (int i = 0; i < kTables; ++i)
    session.must("CREATE TABLE dl_table" + std::to_string(i) + " (i int)");
  session.must("ALTER SYSTEM SET deadlock_timeout = '20ms'");
  session.must("SELECT pg_reload_conf()");
}

bool torment(const Options& options) {
  Session keeper;
  set_up(keeper);
  const int count = options.workers != 0 ? options.workers : kContenders;
  std::vector<Contender> logs(static_cast<std::size_t>(count));
  std::vector<std::thread> threads;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options.seconds);
  for (int i = 0; i < count; ++i)
    threads.emplace_back(contend, &logs[static_cast<std::size_t>(i)],
                         options.seed + static_cast<unsigned>(i) * 7919);
  while (std::chrono::steady_clock::now() < end || operations.load() < options.operations)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  over.store(true);
  for (std::thread& thread : threads) thread.join();

  std::int64_t told = 0;
  std::vector<std::string> wrong = judge_contention(logs, kLongest, &told);
  const std::int64_t counted = keeper.number("SELECT sum(deadlocks) FROM numpool_pools").value();
  const std::int64_t left =
      keeper.number("SELECT sum(in_use + waiting) FROM numpool_pools").value();
  if (counted != told) wrong.push_back("the pools count " + std::to_string(counted) + " victims");
  if (left != 0) wrong.push_back("something is left in the pools");
  std::int64_t done = 0;
  std::int64_t waits = 0;
  std::int64_t own = 0;
  std::int64_t longest = 0;
  for (const Contender& log : logs) {
    done += log.operations;
    for (const Attempt& each : log.attempts) {
      waits += each.end - each.begin > 10'000'000 ? 1 : 0;
      own += each.sqlstate == "40P01" && each.wanted.kind != Resource::kPool ? 1 : 0;
      longest = std::max(longest, each.end - each.begin);
    }
  }
  std::printf("  %lld operations, %lld of them waited for more than 10 ms, the longest %lld ms\n",
              static_cast<long long>(done), static_cast<long long>(waits),
              static_cast<long long>(longest / 1'000'000));
  std::printf("  %lld victims of numpool's, %lld of PostgreSQL's own\n",
              static_cast<long long>(told), static_cast<long long>(own));
  for (std::size_t i = 0; i < wrong.size() && i < 5; ++i)
    std::printf("  VIOLATION P14: %s\n", wrong[i].c_str());
  return wrong.empty() && told > 0;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  std::printf("mix deadlock, seed %u\n", options.seed);
  try {
    return torment(options) ? 0 : 1;
  } catch (const std::exception& error) {
    std::printf("  VIOLATION or no server: %s\n", error.what());
    return 1;
  }
}
