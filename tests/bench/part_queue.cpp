// What grows with the queue: hand-offs a second while so many wait for one number, everyone who
// has had it going to the end again; and the time that joining and leaving at the end takes.
//
// Those that sleep on a connection each (or a thread, or a backend) go as far as that goes. Tickets
// and names in a row are one session's here.
#include "measure.h"
#include "row_bitmap.h"
#include "session.h"

namespace bench {

namespace {

// Calls `step` for that long; how often a second.
template <class Step>
double rate_of(double seconds, Step step) {
  long steps = 0;
  const Clock::time_point start = Clock::now();
  do {
    step();
    ++steps;
  } while (microseconds_since(start) < seconds * 1e6);
  return static_cast<double>(steps) / (microseconds_since(start) / 1e6);
}

void check_length(Session& session, const std::string& pool, int length) {
  // The measurement is worth nothing if the queue is not that long.
  session.run("SELECT 1 / (waiting = " + std::to_string(length) +
              ")::int FROM numpool_pools WHERE pool = '" + pool + "'");
}

double ticket_ring(int length, double seconds) {
  Session session;
  session.run("SELECT numpool_acquire('ring')");
  session.run("SELECT count(numpool_enqueue('ring')) FROM generate_series(1, " +
              std::to_string(length) + ")");
  session.prepare("join", "SELECT numpool_enqueue('ring')");
  session.prepare("release", "SELECT numpool_release('ring', 0)");
  check_length(session, "ring", length);
  const double rate = rate_of(seconds, [&] {
    session.execute("join");
    session.execute("release");
    session.wait_for_notification();
  });
  check_length(session, "ring", length);
  return rate;
}

double row_bitmap_ring(int length, double seconds) {
  Session session;
  prepare_row_bitmap(session);
  session.run(
      "UPDATE bench_bitmap SET used = B'1', queue = (SELECT array_agg(lpad(g::text, 36, '0') "
      "ORDER BY g) FROM generate_series(1, " +
      std::to_string(length) + ") AS g) WHERE id = 'ring'");
  session.run("LISTEN bench_ring");
  return rate_of(seconds, [&] {
    // The newcomer finds nothing free, and joins.
    session.run("BEGIN");
    session.execute("lock", {"ring"});
    session.execute("join", {"ring", std::string(36, 'f')});
    session.run("COMMIT");
    release_row_bitmap(session, "ring", 0, "bench_ring");
    session.wait_for_notification();
    session.run("BEGIN");
    session.execute("lock", {"ring"});
    session.execute("take first", {"ring", "0"});
    session.run("COMMIT");
  });
}

// Microseconds of one enqueue at the end and its cancel, with that many tickets before it.
double enqueue_and_cancel(int length, double seconds) {
  Session holder, queue, newcomer;
  holder.run("SELECT numpool_acquire('end')");
  queue.run("SELECT count(numpool_enqueue('end')) FROM generate_series(1, " +
            std::to_string(length) + ")");
  check_length(holder, "end", length);
  newcomer.run("SELECT numpool_channel()");
  const int times = 100;
  const std::string statement = "DO $$ BEGIN FOR i IN 1.." + std::to_string(times) +
                                " LOOP PERFORM numpool_cancel(ticket) FROM numpool_enqueue('end');"
                                " COMMIT; END LOOP; END $$";
  newcomer.run(statement);
  return 1e6 / times / rate_of(seconds, [&] { newcomer.run(statement); });
}

}  // namespace

void measure_queue(const Options& options) {
  const std::vector<int> lengths =
      options.quick ? std::vector<int>{10, 1000} : std::vector<int>{10, 100, 1000, 10000, 100000};
  const std::vector<int> sleepers =
      options.quick ? std::vector<int>{10, 50} : std::vector<int>{10, 50, 100, 250, 500};
  allow_open_files(4096);
  std::vector<std::unique_ptr<System>> systems;
  systems.push_back(numpool_system());
  systems.push_back(client_system());
  systems.push_back(advisory_system());
  systems.push_back(redis_system());
  for (const auto& system : systems) system->create({"sleepers"}, 1);
  const auto row_bitmap = row_bitmap_system(), numpool = numpool_system();
  row_bitmap->create({"ring"}, 1);
  numpool->create({"ring"}, 1);
  numpool->create({"end"}, 1);

  for (int round = 0; round < options.rounds; ++round) {
    for (int length : lengths) {
      const std::string x = std::to_string(length);
      print("queue", x, "ticket", ticket_ring(length, options.seconds));
      print("queue", x, "row_bitmap", row_bitmap_ring(length, options.seconds));
    }
    for (int length : sleepers)
      for (const auto& system : systems)
        print("queue", std::to_string(length), system->name(),
              pairs_per_second(*system, {"sleepers"}, length + 1, options.seconds));
    print("aim", "end of 100", "numpool", enqueue_and_cancel(100, options.seconds / 4));
    print("aim", "end of 100000", "numpool", enqueue_and_cancel(100000, options.seconds / 4));
  }
}

}  // namespace bench
