#include "director.h"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "history/checker.h"
#include "history/watcher.h"
#include "torture/bounds.h"
#include "torture/faults.h"

namespace numpool_test {

namespace {

constexpr int kFullPool = 65536;

// A second try after a first one that an exception has undone.
const char kFunctions[] =
    "CREATE OR REPLACE FUNCTION torture_second_try(pool text) RETURNS int LANGUAGE plpgsql AS $$ "
    "BEGIN BEGIN PERFORM numpool_try_acquire(pool); PERFORM 1 / 0; "
    "EXCEPTION WHEN division_by_zero THEN NULL; END; RETURN numpool_try_acquire(pool); END $$";

// How pg_ctl calls it, or SIGKILL.
std::string way_to_end(Mischief how) {
  switch (how) {
    case Mischief::kKillPostmaster:
    case Mischief::kPromoteAfterKill:
      return "SIGKILL";
    case Mischief::kShutdownFast:
    case Mischief::kPromoteAfterFast:
      return "fast";
    case Mischief::kShutdownSmart:
      return "smart";
    default:
      return "immediate";
  }
}

}  // namespace

bool judge(const History& history) {
  const std::vector<Fault> faults = check(history, true);
  std::printf("  %zu violations\n", faults.size());
  for (const Fault& fault : faults)
    std::printf("  VIOLATION %s: %s\n", name_of(fault.what), fault.detail.c_str());
  return faults.empty();
}

Director::Director(const Mix& mix, const Options& options, const std::string& folder)
    : mix_(mix),
      options_(options),
      folder_(folder),
      board_(*make_shared_board()),
      server_(Server::of_environment()),
      crew_(mix, options, folder, board_, server_) {}

bool Director::run() {
  std::printf("mix %s: seed %u, %d workers, %d s\n", mix_.name.c_str(), options_.seed,
              crew_.workers(), options_.seconds);
  std::fflush(stdout);
  set_up();
  if (mix_.standby != Standby::kNone) pair_.emplace(server_, mix_.standby == Standby::kSynchronous);
  const Time start = now();
  crew_.start();
  load();
  crew_.finish();
  seconds_ = static_cast<double>(now() - start) / 1e9;
  check_end();
  std::vector<std::string> logs = crew_.logs();
  logs.push_back(folder_ + "/end");
  Watcher(logs.back(), mix_.pools).look();
  History history;
  history.read(logs);
  const bool flat = report(history);
  return judge(history) && flat;
}

void Director::set_up() {
  Session session = connect_in_time();
  set_up_pools(session);
  if (give_everything(session, "full", kFullPool)) full_pools_++;
  if (!mix_.is_copied) return;
  session.must("CREATE DATABASE mould");
  {
    Session mould = connect_in_time("dbname=mould");
    set_up_pools(mould);
  }
  make_database();
  setenv("PGDATABASE", "copy", 1);
}

void Director::make_database() {
  {
    // Fences of the mould are in use.
    Session mould = connect_in_time("dbname=mould");
    mould.must("SELECT numpool_release('few', numpool_acquire('few'))");
  }
  Session session = connect_in_time("dbname=postgres");
  const std::string drop = "DROP DATABASE IF EXISTS copy";
  if (!eventually([&] { return session.run(drop, 60s).ok; }, 60s))
    session.must(drop + " WITH (FORCE)", 60s);
  const std::string make = "CREATE DATABASE copy TEMPLATE mould STRATEGY ";
  const char* const strategy = crew_.random(2) == 0 ? "wal_log" : "file_copy";
  if (!eventually([&] { return session.run(make + strategy, 60s).ok; }, 60s))
    throw TestError("the mould is in use");
}

void Director::set_up_pools(Session& session) {
  session.must("SET client_min_messages = warning");
  session.must("CREATE EXTENSION IF NOT EXISTS numpool");
  session.must(kFunctions);
  for (const PoolUnderTest& pool : mix_.pools)
    session.must("SELECT numpool_create('" + pool.name + "', " + std::to_string(pool.size) + ")");
  session.must("SELECT numpool_create('hog', 1)");
}

// Makes a pool of its own, takes all of it, and drops it again.
bool Director::give_everything(Session& session, const std::string& pool, int size) {
  const std::string quoted = "'" + pool + "'", text = std::to_string(size);
  session.must("SELECT numpool_create(" + quoted + ", " + text + ")");
  const bool all = session
                       .run("SELECT count(numpool_try_acquire(" + quoted +
                            ")) FROM generate_series(1, " + text + ")")
                       .number() == size;
  session.must("SELECT numpool_release_all()");
  session.must("SELECT numpool_drop(" + quoted + ", true)");
  return all;
}

void Director::load() {
  end_ = now() + Time{options_.seconds} * 1000000000;
  Time next = 0, next_measure = 0;
  while (goes_on()) {
    crew_.tend();
    if (now() >= next && mix_.pause > 0) {
      if (next != 0) disturb();
      next = now() + 1000 * Time{crew_.random(static_cast<unsigned>(2000 * mix_.pause))};
    }
    if (now() >= next_measure) {
      memory_.look(server_, board_);
      next_measure = now() + 1000000000;
    }
    std::this_thread::sleep_for(1ms);
  }
}

void Director::disturb() {
  const Mischief what = mix_.signals[crew_.random(static_cast<unsigned>(mix_.signals.size()))];
  switch (what) {
    case Mischief::kKillHolder:
      return crew_.kill_one(WorkerDoing::kHolding);
    case Mischief::kKillSleeper:
      return crew_.kill_one(WorkerDoing::kSleeping);
    case Mischief::kKillListener:
      return crew_.kill_one(WorkerDoing::kListening);
    case Mischief::kStopClient:
      return crew_.stop_one_client();
    case Mischief::kStopBackend:
      return crew_.stop_one_backend();
    case Mischief::kKillBackend:
      crash_backend();
      return;
    case Mischief::kPromoteAfterKill:
    case Mischief::kPromoteAfterImmediate:
    case Mischief::kPromoteAfterFast:
      return fail_over(what);
    case Mischief::kPromoteUnheard:
      return fail_over_unheard();
    case Mischief::kStandbyAway:
      return let_standby_be_away();
    case Mischief::kDatabaseCopied:
      return copy_database();
    default:
      return restart_server(what);
  }
}

bool Director::crash_backend() {
  const pid_t victim = crew_.some_backend();
  if (!server_.signal_backend(victim, SIGKILL)) return false;
  board_.count(Mischief::kKillBackend);
  eventually([&] { return !server_.has_backend(victim); });  // now the postmaster knows
  return true;
}

Time Director::end_server(Mischief how) {
  board_.count(how);
  const std::string mode = way_to_end(how);
  // NB: PostgreSQL 15 that is told to end, but not at once, while it restarts after a crash waits
  // for its own checkpointer for ever.
  if (mode == "fast" || mode == "smart") connect_in_time();
  const Time told = now();
  if (mode == "SIGKILL") {
    server_.kill_postmaster();
    return told;
  }
  // A smart shutdown waits until everybody has left.
  board_.leave = mode == "smart";
  if (!server_.stop(mode, 90)) {
    crew_.fault("a shutdown does not end: " + mode);
    server_.stop("immediate", 30);
  }
  return told;
}

void Director::restart_server(Mischief how) {
  const Time told = end_server(how);
  if (!server_.start(60)) crew_.fault("the server does not start again");
  crew_.log_server_death("restart-" + way_to_end(how), told);
  board_.leave = false;
}

// The promises hold over a promotion only if the old primary is dead, so it is killed first.
void Director::fail_over(Mischief how) {
  // A block of fences is taken once in the life of a server. Half of the time the old primary has
  // just taken one, so that it dies before, while or after its standby receives the block.
  if (crew_.random(2) == 0 && crash_backend())
    std::this_thread::sleep_for(Milliseconds(crew_.random(800)));
  // A client that sleeps through the promotion believes that it still holds what it held.
  if (crew_.random(2) == 0) crew_.stop_one_client();
  follow_standby(how, end_server(how));
}

void Director::follow_standby(Mischief how, Time told) {
  if (!server_.gone_within(30)) throw TestError("a process outlives its primary");
  crew_.log_server_death("failover-" + way_to_end(how), told);
  pair_->promote();
  if (goes_on()) pair_->make_standby();
}

void Director::wait_for(unsigned milliseconds) {
  for (unsigned i = 0; i < milliseconds; i++) {
    crew_.tend();
    std::this_thread::sleep_for(1ms);
  }
}

// The standby tries to connect again only after ten seconds (tests/torture/run).
void Director::fail_over_unheard() {
  if (!crash_backend()) return;
  connect_in_time();
  wait_for(300 + crew_.random(1500));
  board_.count(Mischief::kPromoteUnheard);
  follow_standby(Mischief::kPromoteAfterKill, end_server(Mischief::kPromoteAfterKill));
}

void Director::let_standby_be_away() {
  board_.count(Mischief::kStandbyAway);
  pair_->stop_standby();
  // Then fences have to be drawn that the standby cannot confirm.
  if (crew_.random(3) != 0) crash_backend();
  wait_for(300 + crew_.random(3000));
  const bool primary_dies = crew_.random(4) == 0;
  const Mischief how = Mischief::kPromoteAfterImmediate;
  const Time told = primary_dies ? end_server(how) : 0;
  pair_->start_standby();
  if (primary_dies) follow_standby(how, told);
}

// The workers have left while their database is another one.
void Director::copy_database() {
  board_.count(Mischief::kDatabaseCopied);
  board_.leave = true;
  wait_for(50);
  const Time asked = now();
  make_database();
  crew_.log_new_database(asked);
  board_.leave = false;
  // The first draws of the copy are young when the server crashes.
  wait_for(100 + crew_.random(1000));
  restart_server(Mischief::kShutdownImmediate);
}

void Director::check_end() {
  Session session = connect_in_time();
  const auto left = [&] {
    return *session.number(
        "SELECT (SELECT count(*) FROM numpool_leases) + (SELECT count(*) FROM numpool_waiters) + "
        "(SELECT coalesce(sum(in_use + waiting), 0) FROM numpool_pools)");
  };
  eventually([&] { return left() == 0; }, 10s);
  left_over_ = session
                   .value(
                       "SELECT format('%s leases and %s waiters', (SELECT count(*) FROM "
                       "numpool_leases), (SELECT count(*) FROM numpool_waiters))")
                   .value();
  if (left() != 0) crew_.fault("at the end there are " + left_over_);
  for (const PoolUnderTest& pool : mix_.pools) {
    const std::string quoted = "'" + pool.name + "'", size = std::to_string(pool.size);
    const Outcome all =
        session.must("SELECT count(DISTINCT i), max(i) FROM (SELECT numpool_try_acquire(" + quoted +
                     ") AS i FROM generate_series(1, " + size + " + 1)) AS tries");
    if (all.rows.at(0).at(0) != size || all.rows.at(0).at(1) != std::to_string(pool.size - 1))
      crew_.fault("pool " + pool.name + " gives " + all.rows.at(0).at(0).value_or("no") +
                  " numbers of " + size);
  }
  session.must("SELECT numpool_release_all()");
  if (give_everything(session, "full", kFullPool)) full_pools_++;
  if (full_pools_ != 2) crew_.fault("there was no room for a pool of 65,536");
}

bool Director::report(const History& history) const {
  std::printf("  %lld operations in %.0f s; %zu events, %zu leases, %zu looks at queues\n",
              static_cast<long long>(crew_.operations()), seconds_, history.events,
              history.leases.size(), history.queues.size());
  for (std::size_t i = 0; i < static_cast<std::size_t>(Mischief::kCount); i++)
    if (board_.done[i] != 0)
      std::printf("  %10lld  %s\n", static_cast<long long>(board_.done[i]),
                  name_of(static_cast<Mischief>(i)));
  for (const auto& [kind, times] : times_to_next_grant(history))
    std::printf("  next grant after %s: %zu times, p50 %.1f, p99 %.1f, longest %.1f ms\n",
                kind.c_str(), times.size(), percentile(times, 0.5), percentile(times, 0.99),
                times.back());
  const bool flat = memory_.report();
  std::printf("  a pool of 65,536 could be given out %d times of 2, before and after\n",
              full_pools_);
  std::printf("  at the end: %s\n", left_over_.c_str());
  if (!flat) std::printf("  VIOLATION memory: the largest backend has grown\n");
  return flat;
}

}  // namespace numpool_test
