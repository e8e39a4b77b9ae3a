// What grows with the numbers of a pool, with the number of pools, with idle sessions.
#include <hiredis/hiredis.h>

#include <cstdlib>

#include "handoff.h"
#include "measure.h"
#include "session.h"

namespace bench {

namespace {

using Systems = std::vector<std::unique_ptr<System>>;

Systems pool_systems() {
  Systems systems;
  systems.push_back(floor_system());
  systems.push_back(numpool_system());
  systems.push_back(skip_locked_system());
  systems.push_back(row_bitmap_system());
  systems.push_back(redis_system());
  return systems;
}

// Pairs in the pool of 64 while a queue of tickets stands elsewhere, and before.
void measure_tickets_elsewhere(const Options& options) {
  const auto numpool = numpool_system();
  numpool->create({"elsewhere"}, 1);
  // The session with the tickets of the round before may still be ending.
  Session().run(
      "DO $$ BEGIN WHILE EXISTS (SELECT FROM numpool_pools WHERE pool = 'elsewhere' "
      "AND in_use > 0) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$");
  print("aim", "no tickets", "numpool", pairs_per_second(*numpool, {"empty"}, 1, options.seconds));
  Session queue;
  queue.run("SELECT numpool_acquire('elsewhere')");
  queue.run("SELECT count(numpool_enqueue('elsewhere')) FROM generate_series(1, 100000)");
  queue.run("SELECT 1 / (waiting = 100000)::int FROM numpool_pools WHERE pool = 'elsewhere'");
  print("aim", "tickets", "numpool", pairs_per_second(*numpool, {"empty"}, 1, options.seconds));
}

// Pairs in a pool of 65,536 that gives the number longest free while 30,000 of them rest, and in a
// plain one. A round uses up fewer numbers than do not rest.
void measure_resting(const Options& options) {
  const auto numpool = numpool_system();
  numpool->create({"plain"}, 65536);
  numpool->create({"rests"}, 65536);
  print("aim", "plain", "numpool", pairs_per_second(*numpool, {"plain"}, 1, options.seconds));
  Session session;
  session.run("SELECT numpool_configure('rests', '{\"cooldown\": null}')");
  session.run(
      "SELECT numpool_configure('rests', '{\"policy\": \"longest_free\", \"cooldown\": \"1 h\"}')");
  session.run("SELECT count(numpool_acquire('rests')) FROM generate_series(1, 30000)");
  session.run("SELECT numpool_release_all()");
  session.run(
      "SELECT 1 / (count(*) = 30000)::int FROM numpool_slots('rests') WHERE state = 'resting'");
  print("aim", "resting", "numpool", pairs_per_second(*numpool, {"rests"}, 1, options.seconds));
}

}  // namespace

void measure_size(const Options& options) {
  const std::vector<int> sizes = options.quick
                                     ? std::vector<int>{1, 1024, 65536}
                                     : std::vector<int>{1, 16, 64, 256, 1024, 4096, 16384, 65536};
  const auto empty = numpool_system();
  empty->create({"empty"}, 64);
  const OneCore bound;
  for (int size : sizes) {
    const std::string pool = "size" + std::to_string(size);
    Systems systems = pool_systems();
    systems.push_back(sweep_system());
    systems.push_back(client_system());
    std::vector<std::unique_ptr<Holder>> holders;
    for (const auto& system : systems) {
      system->create({pool}, size);
      if (size > 1) holders.push_back(system->take(pool, size - 1));
    }
    for (int round = 0; round < options.rounds; ++round) {
      for (const auto& system : systems)
        print("size", std::to_string(size), system->name(),
              pairs_per_second(*system, {pool}, 1, options.seconds));
      if (size == 65536) {
        print("aim", "empty", "numpool", pairs_per_second(*empty, {"empty"}, 1, options.seconds));
        print("aim", "nearly full", "numpool",
              pairs_per_second(*systems[1], {pool}, 1, options.seconds));
      }
    }
  }
  for (int round = 0; round < options.rounds; ++round) measure_tickets_elsewhere(options);
  for (int round = 0; round < options.rounds; ++round) measure_resting(options);
}

void measure_pools(const Options& options) {
  const std::vector<int> counts = options.quick ? std::vector<int>{1, 100, 10000}
                                                : std::vector<int>{1, 10, 100, 1000, 10000, 100000};
  Systems systems = pool_systems();
  systems.push_back(advisory_system());
  systems.push_back(sweep_system());
  for (const auto& system : systems) system->create({"pools", counts.back()}, 1);
  const OneCore bound;
  for (int round = 0; round < options.rounds; ++round)
    for (int count : counts)
      for (const auto& system : systems) {
        // One pool is called by its number too, so that it is one of those that were made.
        const Pools pools = count == 1 ? Pools{"pools0"} : Pools{"pools", count};
        print("pools", std::to_string(count), system->name(),
              pairs_per_second(*system, pools, 1, options.seconds));
      }
}

namespace {

// Clients asleep in BLPOP.
class RedisSleepers {
 public:
  void grow_to(int count) {
    while (static_cast<int>(contexts_.size()) < count) {
      redisContext* context = redisConnectUnix(std::getenv("REDIS_SOCKET"));
      if (context == nullptr || context->err != 0) fail("redis");
      int done = 0;
      redisAppendCommand(context, "BLPOP idle 0");
      while (done == 0)
        if (redisBufferWrite(context, &done) != REDIS_OK) fail("redis");
      contexts_.push_back(context);
    }
  }
  ~RedisSleepers() {
    for (redisContext* context : contexts_) redisFree(context);
  }

 private:
  std::vector<redisContext*> contexts_;
};

}  // namespace

void measure_listeners(const Options& options) {
  const std::vector<int> counts =
      options.quick ? std::vector<int>{0, 100} : std::vector<int>{0, 10, 100, 300, 1000};
  allow_open_files(4096);
  const auto redis = redis_system(), row_bitmap = row_bitmap_system(), client = client_system();
  const auto numpool = numpool_system(), advisory = advisory_system();
  const auto skip_locked = skip_locked_system();
  for (System* system :
       {redis.get(), row_bitmap.get(), numpool.get(), advisory.get(), skip_locked.get()})
    system->create({"listeners"}, 1);
  numpool->create({"idle"}, 1);
  numpool->create({"ticket"}, 1);
  const auto holder = numpool->take("idle", 1);

  std::vector<std::unique_ptr<Session>> idle;
  RedisSleepers sleepers;
  for (int count : counts) {
    while (static_cast<int>(idle.size()) < count) {
      idle.push_back(std::make_unique<Session>());
      idle.back()->run("SELECT * FROM numpool_enqueue('idle')");
    }
    sleepers.grow_to(count);
    const std::string x = std::to_string(count);
    for (int round = 0; round < options.rounds; ++round) {
      print_percentiles("listeners", x, "ticket", ticket_hand_offs("ticket", options.samples));
      print_percentiles("listeners", x, "client", hand_offs(*client, "listeners", options.samples));
      print_percentiles("listeners", x, "notify_off", notifications("off", options.samples));
      print_percentiles("listeners", x, "notify_on", notifications("on", options.samples));
      print_percentiles("listeners", x, "row_bitmap",
                        hand_offs(*row_bitmap, "listeners", options.samples / 4));
      for (System* system : {redis.get(), numpool.get(), advisory.get(), skip_locked.get()})
        print_percentiles("listeners", x, system->name(),
                          hand_offs(*system, "listeners", options.samples));
    }
  }
}

}  // namespace bench
