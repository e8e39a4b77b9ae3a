// Leases of tokens, beside a table of leases with a time in each row, SKIP LOCKED and polling.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <thread>

#include "measure.h"
#include "session.h"

namespace bench {

namespace {

using Work = std::function<void()>;

void sleep_for(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

// How often all clients together do it in a second.
double rate(int clients, double seconds, const std::function<Work(int)>& make) {
  std::vector<Work> works;
  for (int i = 0; i < clients; ++i) works.push_back(make(i));
  std::atomic<bool> stop{false};
  std::atomic<long> done{0};
  std::vector<std::thread> threads;
  const Clock::time_point start = Clock::now();
  for (const Work& work : works)
    threads.emplace_back([&] {
      long own = 0;
      for (; !stop.load(std::memory_order_relaxed); ++own) work();
      done += own;
    });
  sleep_for(seconds);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(done) / (microseconds_since(start) / 1e6);
}

// Prepared, with these values each time.
Work statement(const std::string& sql, const std::vector<std::string>& values = {}) {
  auto session = std::make_shared<Session>();
  session->prepare("s", sql);
  return [session, values] { session->execute("s", values); };
}

// Its answer is the value of the second one.
Work pair(const std::string& take, const std::string& give_back) {
  auto session = std::make_shared<Session>();
  session->prepare("t", take);
  session->prepare("g", give_back);
  return [session] { session->execute("g", {session->execute("t")}); };
}

void create_pool(Session& session, const std::string& pool, int size) {
  session.run("SELECT numpool_create('" + pool + "', " + std::to_string(size) + ")");
}

void lease_many(Session& session, const std::string& pool, int count) {
  session.run("SELECT count(l.index) FROM generate_series(1, " + std::to_string(count) +
              ") AS i, LATERAL numpool_lease('" + pool + "', '1 h' + 0 * i * interval '1 s', " +
              "NULL, '0') AS l");
}

void release_all_of(Session& session, const std::string& pool) {
  session.run("SELECT count(numpool_release(token)) FROM numpool_leases WHERE pool = '" + pool +
              "'");
}

void measure_renewals(const Options& options) {
  Session session;
  create_pool(session, "renewed", 64);
  for (const std::string x : {"bound", "1", "8"}) {
    const int clients = x == "8" ? 8 : 1;
    const OneCore bound(x == "bound");
    print("renew", x, "floor",
          rate(clients, options.seconds, [](int) { return statement("SELECT 1"); }));
    print("renew", x, "numpool", rate(clients, options.seconds, [&](int) {
            const std::string token =
                session.run("SELECT token FROM numpool_lease('renewed', '1 h')");
            return statement("SELECT (numpool_renew($1::uuid)).fence", {token});
          }));
    print("renew", x, "skip_locked", rate(clients, options.seconds, [&](int client) {
            return statement(
                "UPDATE bench_leases SET expires_at = clock_timestamp() + interval '1 h' "
                "WHERE pool = 'renewed' AND number = $1::int",
                {std::to_string(client)});
          }));
  }
  release_all_of(session, "renewed");
}

std::string lease_of(const std::string& pool) {
  return "SELECT token FROM numpool_lease('" + pool + "', '1 min')";
}
const char kRelease[] = "SELECT numpool_release($1::uuid)";
const char kInsert[] =
    "INSERT INTO bench_rows (identity, number, fence, token) VALUES (1, 0, "
    "nextval('bench_fences'), gen_random_uuid()) RETURNING token";
const char kDelete[] = "DELETE FROM bench_rows WHERE token = $1::uuid";
const char kTakeRow[] =
    "UPDATE bench_leases SET token = gen_random_uuid(), "
    "expires_at = clock_timestamp() + interval '1 min' WHERE (pool, number) = "
    "(SELECT pool, number FROM bench_leases WHERE pool = 'pairs' AND expires_at < "
    "clock_timestamp() "
    "LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING token";
const char kGiveRow[] = "UPDATE bench_leases SET expires_at = '-infinity' WHERE token = $1::uuid";

void measure_pairs_of_tokens(const Options& options) {
  Session session;
  create_pool(session, "pairs of tokens", 64);
  for (const int clients : {1, 8}) {
    const std::string x = std::to_string(clients);
    print("lease", x, "floor",
          rate(clients, options.seconds, [](int) { return pair(kInsert, kDelete); }));
    print("lease", x, "numpool", rate(clients, options.seconds, [](int) {
            return pair(lease_of("pairs of tokens"), kRelease);
          }));
    print("lease", x, "skip_locked",
          rate(clients, options.seconds, [](int) { return pair(kTakeRow, kGiveRow); }));
  }
}

// Of sessions, beside many leases of tokens in the same pool.
void measure_beside_many(const Options& options) {
  Session session;
  const int many = options.quick ? 2000 : 10000;
  for (const char* pool : {"none", "many"}) create_pool(session, pool, many + 64);
  lease_many(session, "many", many);
  const auto system = numpool_system();
  for (const char* pool : {"none", "many"})
    print("beside", pool, "numpool", pairs_per_second(*system, {pool}, 1, options.seconds));
  release_all_of(session, "many");
}

void measure_held_snapshot(const Options& options) {
  Session holder, session;
  create_pool(session, "held", 64);
  holder.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
  holder.run("SELECT count(*) FROM pg_class");
  session.prepare("l", lease_of("held"));
  session.prepare("n", "SELECT fence FROM numpool_renew($1::uuid)");
  session.prepare("r", kRelease);
  // The floor: two commits that write, but leave no row.
  session.prepare("c", "SELECT pg_current_xact_id()");
  const Work floor = [&session] {
    session.execute("c");
    session.execute("c");
  };
  const Work lease = [&session] {
    const std::string token = session.execute("l");
    session.execute("n", {token});
    session.execute("r", {token});
  };
  const double slice = options.quick ? 0.2 : 1, total = options.quick ? 3 : 60;
  for (double second = 0; second < total; second += slice)
    for (const bool is_floor : {true, false}) {
      long done = 0;
      const Clock::time_point start = Clock::now();
      for (; microseconds_since(start) < slice / 2 * 1e6; ++done) (is_floor ? floor : lease)();
      print("held", std::to_string(second + slice), is_floor ? "floor" : "numpool",
            static_cast<double>(done) / (microseconds_since(start) / 1e6));
    }
}

// Microseconds from when a lease is over to when the next in line has the number. `ask` sends what
// waits, and gives what comes back when it is granted.
std::vector<double> expiries(int samples, const std::string& next,
                             const std::function<Work(Session&)>& ask) {
  Session holder;
  holder.prepare("n", "SELECT fence FROM numpool_renew($1::uuid)");
  std::vector<double> times;
  for (int i = 0; i < samples; ++i) {
    Session waiter;
    const std::string token = holder.run("SELECT token FROM numpool_lease('over', '100 ms')");
    const Work wait = ask(waiter);
    sleep_for(0.01);
    holder.execute("n", {token});
    const Clock::time_point renewed = Clock::now();
    wait();
    times.push_back(std::max(0.0, microseconds_since(renewed) - 100000));
    waiter.run(next);
  }
  return times;
}

void measure_expiries(const Options& options) {
  Session session;
  const int pools = options.quick ? 200 : 1000;
  session.run("SELECT numpool_create('timer' || i, 1) FROM generate_series(1, " +
              std::to_string(pools) + ") AS i");
  session.run("SELECT l.index FROM generate_series(1, " + std::to_string(pools) +
              ") AS i, LATERAL numpool_lease('timer' || i, '1 h') AS l");
  create_pool(session, "over", 1);
  const int samples = options.quick ? 20 : 300;
  const auto sleeps = [](const std::string& sql) {
    return [sql](Session& waiter) -> Work {
      waiter.send(sql);
      return [&waiter] { waiter.answer(); };
    };
  };
  print_percentiles(
      "expiry", "sleeper", "numpool",
      expiries(samples, "SELECT numpool_release_all()", sleeps("SELECT numpool_acquire('over')")));
  print_percentiles("expiry", "place", "numpool",
                    expiries(samples,
                             "SELECT numpool_release(token) FROM numpool_leases "
                             "WHERE pool = 'over'",
                             sleeps("SELECT index FROM numpool_lease('over', '10 s', "
                                    "gen_random_uuid())")));
  print_percentiles("expiry", "ticket", "numpool",
                    expiries(samples, "SELECT numpool_release_all()", [](Session& waiter) -> Work {
                      waiter.run("SELECT ticket FROM numpool_enqueue('over')");
                      return [&waiter] { waiter.wait_for_notification(); };
                    }));
  // Every 50 ms, as one would poll a table.
  const std::string take =
      "UPDATE bench_leases SET expires_at = clock_timestamp() + interval '1 min' "
      "WHERE (pool, number) = (SELECT pool, number FROM bench_leases WHERE pool = 'polled' AND "
      "expires_at < clock_timestamp() LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING 1";
  const auto polls = [&take](Session& waiter) -> Work {
    waiter.run("SET synchronous_commit = off");
    return [&waiter, &take] {
      waiter.run(
          "UPDATE bench_leases SET expires_at = clock_timestamp() + interval '100 ms' "
          "WHERE pool = 'polled'");
      for (sleep_for(0.05 * std::rand() / RAND_MAX); waiter.run(take).empty();) sleep_for(0.05);
    };
  };
  print_percentiles("expiry", "polling", "skip_locked", expiries(samples, "SELECT 1", polls));
  session.run("SELECT count(numpool_drop('timer' || i, true)) FROM generate_series(1, " +
              std::to_string(pools) + ") AS i");
}

void measure_memory(const Options& options) {
  Session session;
  const int count = options.quick ? 2000 : 10000;
  const std::string used = "SELECT used FROM numpool_memory";
  create_pool(session, "memory", count);
  // The pool's own numbers lie there once each was given.
  session.run("SELECT count(numpool_try_acquire('memory')) FROM generate_series(1, " +
              std::to_string(count) + ")");
  session.run("SELECT numpool_release_all()");
  const double before = std::stod(session.run(used));
  lease_many(session, "memory", count);
  const double leased = std::stod(session.run(used));
  session.run("SELECT count(l.token) FROM generate_series(1, " + std::to_string(count) +
              ") AS i, LATERAL numpool_lease('memory', '1 h', "
              "md5(i::text)::uuid, '0') AS l");
  const double placed = std::stod(session.run(used));
  print("bytes", "lease", "numpool", (leased - before) / count);
  print("bytes", "place", "numpool", (placed - leased) / count);
  session.run("SELECT numpool_drop('memory', true)");
}

// In seconds.
double processor_time(const std::string& pid) {
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string word;
  double ticks = 0;
  // NB: the name, "(postgres: numpool clerk )", is of several words.
  std::getline(stat, word, ')');
  for (int field = 3; field <= 15 && stat >> word; ++field)
    if (field >= 14) ticks += std::stod(word);
  return ticks / 100;
}

void measure_clerk(const Options& options) {
  Session session;
  const int count = options.quick ? 10000 : 100000;
  for (const char* pool : {"clerk0", "clerk1"}) {
    create_pool(session, pool, count / 2);
    lease_many(session, pool, count / 2);
  }
  session.run(
      "CREATE TEMP TABLE tokens AS SELECT row_number() OVER () AS n, token FROM "
      "numpool_leases WHERE pool LIKE 'clerk_'");
  session.run("CREATE INDEX ON tokens (n)");
  const std::string pid =
      session.run("SELECT pid FROM pg_stat_activity WHERE backend_type = 'numpool clerk'");
  const double before = processor_time(pid);
  const Clock::time_point start = Clock::now();
  const int slices = options.quick ? 30 : 100;
  for (int i = 0; i < slices; ++i) {
    const Clock::time_point slice = Clock::now();
    session.run("SELECT count(r.fence) FROM tokens, LATERAL numpool_renew(token) AS r WHERE n % " +
                std::to_string(slices) + " = " + std::to_string(i));
    sleep_for(std::max(0.0, 0.1 - microseconds_since(slice) / 1e6));
  }
  print("clerk", std::to_string(count), "numpool",
        100 * (processor_time(pid) - before) / (microseconds_since(start) / 1e6));
  session.run("SELECT numpool_drop('clerk0', true), numpool_drop('clerk1', true)");
}

// Milliseconds of a first call.
double first_call(const std::string& database) {
  const char* const own = std::getenv("PGDATABASE");
  const std::string before = own == nullptr ? "postgres" : own;
  setenv("PGDATABASE", database.empty() ? before.c_str() : database.c_str(), 1);
  Session session;
  setenv("PGDATABASE", before.c_str(), 1);
  session.run("SELECT 1");
  const Clock::time_point start = Clock::now();
  session.run("SELECT numpool_renew(gen_random_uuid())");
  return microseconds_since(start) / 1000;
}

// After a restart: the first of the server, which makes the arena, and the first of a database,
// which loads its leases.
void measure_loading(const Options& options) {
  const int pools = options.quick ? 200 : 1000;
  {
    Session session;
    session.run("CREATE DATABASE bench_idle");
    session.run("SELECT numpool_create('loaded' || i, 10) FROM generate_series(1, " +
                std::to_string(pools) + ") AS i");
    session.run("SELECT count(l.index) FROM generate_series(1, " + std::to_string(pools) +
                ") AS i, generate_series(1, 10) AS j, "
                "LATERAL numpool_lease('loaded' || i, '1 h' + 0 * j * interval '1 s') AS l");
  }
  if (std::system("psql -Xqd bench_idle -c 'CREATE EXTENSION numpool' && "
                  "\"$NUMPOOL_PGBIN/pg_ctl\" -D \"$PGDATA\" -m fast -w -l "
                  "\"$NUMPOOL_TMP/restart.log\" restart >/dev/null") != 0)
    fail("the server does not restart");
  print("arena", "-", "numpool", first_call("bench_idle"));
  print("loading", std::to_string(10 * pools), "numpool", first_call(""));
}

}  // namespace

void measure_timed(const Options& options) {
  {
    Session session;
    session.run("CREATE SEQUENCE bench_fences");
    session.run(
        "CREATE TABLE bench_rows (identity bigint, number int, fence bigint, token uuid, "
        "PRIMARY KEY (identity, number, fence))");
    session.run("CREATE INDEX ON bench_rows (token)");
    session.run(
        "CREATE TABLE bench_leases (pool text, number int, token uuid, "
        "expires_at timestamptz NOT NULL DEFAULT '-infinity', PRIMARY KEY (pool, number)) "
        "WITH (fillfactor = 50)");
    session.run("CREATE INDEX ON bench_leases (token)");
    session.run(
        "INSERT INTO bench_leases SELECT p, n FROM unnest(ARRAY['pairs', 'renewed']) AS p, "
        "generate_series(0, 63) AS n");
    session.run("INSERT INTO bench_leases VALUES ('polled', 0)");
  }
  for (int round = 0; round < options.rounds; ++round) {
    measure_renewals(options);
    measure_pairs_of_tokens(options);
    Session().run("SELECT count(numpool_drop(pool, true)) FROM numpool_pools");
  }
  measure_beside_many(options);
  measure_memory(options);
  measure_expiries(options);
  measure_clerk(options);
  measure_held_snapshot(options);
  measure_loading(options);
}

}  // namespace bench
