#include "mix.h"

namespace numpool_test {

namespace {

const std::vector<PoolUnderTest> kPools = {{"one", 1}, {"few", 3}, {"some", 6}};

void add(std::vector<std::string>& all, std::initializer_list<const char*> more) {
  all.insert(all.end(), more.begin(), more.end());
}

Habits restless_habits() {
  Habits habits = calm_habits();
  habits.weights[Step::kExceptionBlock] = 2;
  habits.weights[Step::kDiscard] = 1;
  habits.weights[Step::kPause] = 1;
  habits.weights[Step::kTicket] = 12;
  return habits;
}

// Sessions are cancelled and terminated, and their own timeouts fire in the middle of a hand-off.
Mix cancel() {
  Mix mix;
  mix.name = "cancel";
  mix.habits = restless_habits();
  mix.habits.weights[Step::kSetTimeouts] = 3;
  mix.habits.loses_connections = true;
  mix.habits.cancels_itself_one_in = 5;
  add(mix.habits.expected, {"55P03"});
  mix.pools = kPools;
  mix.meddling = Meddling::kSessions;
  return mix;
}

// Clients are killed and stopped, whatever they are doing, and backends are stopped.
Mix kill() {
  Mix mix;
  mix.name = "kill";
  mix.habits = restless_habits();
  mix.habits.weights[Step::kPause] = 4;
  mix.pools = kPools;
  mix.signals = {Mischief::kKillHolder,  Mischief::kKillHolder,   Mischief::kKillSleeper,
                 Mischief::kKillSleeper, Mischief::kKillListener, Mischief::kKillListener,
                 Mischief::kStopClient,  Mischief::kStopClient,   Mischief::kStopBackend,
                 Mischief::kStopBackend};
  mix.pause = 20;
  return mix;
}

// Everything a transaction can do to what was done in it.
Mix transactions() {
  Mix mix;
  mix.name = "transactions";
  mix.habits = restless_habits();
  mix.habits.weights[Step::kBegin] = 16;
  mix.habits.weights[Step::kSavepoint] = 14;
  mix.habits.weights[Step::kReleaseSavepoint] = 4;
  mix.habits.weights[Step::kRollbackTo] = 10;
  mix.habits.weights[Step::kFailStatement] = 6;
  mix.habits.weights[Step::kExceptionBlock] = 6;
  mix.habits.weights[Step::kDiscard] = 2;
  mix.pools = kPools;
  return mix;
}

// Pools are dropped, made anew and resized, the extension too, while all of them are in use.
Mix definitions() {
  Mix mix;
  mix.name = "definitions";
  mix.habits = restless_habits();
  mix.habits.pools_change = true;
  // No such pool, function or table; outside the pool; in the middle of DROP EXTENSION; an enqueue
  // in a pool that is being dropped.
  add(mix.habits.expected, {"42704", "42883", "42P01", "22023", "55000", "55P03"});
  mix.pools = kPools;
  mix.meddling = Meddling::kDefinitions;
  return mix;
}

// The arena is full, no connection is left, and the NOTIFY queue grows behind an idle listener.
Mix resources() {
  Mix mix;
  mix.name = "resources";
  mix.habits = restless_habits();
  mix.habits.weights[Step::kTicket] = 20;
  mix.habits.weights[Step::kDisconnect] = 3;
  mix.habits.loses_connections = true;
  add(mix.habits.expected, {"53200"});
  mix.pools = kPools;
  mix.meddling = Meddling::kResources;
  return mix;
}

// The server crashes, is killed, is shut down, and comes back.
Mix crash() {
  Mix mix;
  mix.name = "crash";
  mix.habits = restless_habits();
  mix.habits.loses_connections = true;
  mix.pools = kPools;
  mix.signals = {Mischief::kKillBackend,      Mischief::kKillBackend,  Mischief::kKillBackend,
                 Mischief::kKillPostmaster,   Mischief::kShutdownFast, Mischief::kShutdownSmart,
                 Mischief::kShutdownImmediate};
  mix.pause = 1500;
  return mix;
}

// The primary dies, its synchronous standby is promoted, and everybody follows.
Mix promote() {
  Mix mix;
  mix.name = "promote";
  mix.habits = restless_habits();
  mix.habits.loses_connections = true;
  mix.pools = kPools;
  mix.signals = {Mischief::kPromoteAfterKill, Mischief::kPromoteAfterImmediate,
                 Mischief::kPromoteAfterFast};
  mix.pause = 2500;
  mix.standby = Standby::kSynchronous;
  return mix;
}

// The primary has crashed and granted more when it dies, and its asynchronous standby, which has
// not heard of that, is promoted.
Mix window() {
  Mix mix;
  mix.name = "window";
  mix.habits = restless_habits();
  mix.habits.loses_connections = true;
  mix.pools = kPools;
  mix.signals = {Mischief::kPromoteUnheard};
  mix.pause = 2000;
  mix.standby = Standby::kAsynchronous;
  return mix;
}

// The synchronous standby is away for seconds while the primary crashes and sessions arrive.
Mix away() {
  Mix mix;
  mix.name = "away";
  mix.habits = restless_habits();
  mix.habits.loses_connections = true;
  mix.habits.weights[Step::kSetTimeouts] = 3;
  // At lock_timeout, and of an enqueue that gives the standby up.
  add(mix.habits.expected, {"55P03"});
  mix.pools = kPools;
  mix.signals = {Mischief::kStandbyAway, Mischief::kStandbyAway, Mischief::kKillBackend,
                 Mischief::kPromoteAfterImmediate};
  mix.pause = 2000;
  mix.standby = Standby::kSynchronous;
  return mix;
}

// The database is made from a template that has given fences, and the server crashes.
Mix copies() {
  Mix mix;
  mix.name = "copies";
  mix.habits = restless_habits();
  mix.habits.loses_connections = true;
  mix.pools = kPools;
  mix.signals = {Mischief::kDatabaseCopied, Mischief::kDatabaseCopied, Mischief::kKillBackend,
                 Mischief::kKillPostmaster};
  mix.pause = 1200;
  mix.is_copied = true;
  return mix;
}

// The extension is dropped and made again and again, under sleepers and tickets, and the server
// crashes.
Mix extension() {
  Mix mix;
  mix.name = "extension";
  mix.habits = restless_habits();
  mix.habits.weights[Step::kTicket] = 30;
  mix.habits.pools_change = true;
  mix.habits.loses_connections = true;
  add(mix.habits.expected, {"42704", "42883", "42P01", "22023", "55000", "55P03"});
  mix.pools = kPools;
  mix.meddling = Meddling::kExtension;
  mix.signals = {Mischief::kKillBackend, Mischief::kKillPostmaster, Mischief::kShutdownImmediate};
  mix.pause = 6000;
  return mix;
}

}  // namespace

const std::vector<Mix>& mixes() {
  static const std::vector<Mix> all = {cancel(),    kill(),   transactions(), definitions(),
                                       resources(), crash(),  promote(),      window(),
                                       away(),      copies(), extension()};
  return all;
}

const Mix* find_mix(const std::string& name) {
  for (const Mix& mix : mixes())
    if (mix.name == name) return &mix;
  return nullptr;
}

}  // namespace numpool_test
