// What monitoring costs: a look at a thousand pools with ten thousand leases, and pairs while
// somebody looks once a second.
#include <atomic>
#include <thread>

#include "measure.h"
#include "session.h"

namespace bench {

namespace {

constexpr int kPools = 1000;
constexpr int kLeasesEach = 10;
constexpr char kLook[] = "SELECT * FROM numpool_show_counters()";

// Looks once a second while it lives.
class Watcher {
 public:
  Watcher() : thread_([this] { watch(); }) {}
  ~Watcher() {
    ends_ = true;
    thread_.join();
  }

 private:
  void watch() {
    Session session;
    while (!ends_) {
      session.run(kLook);
      for (int i = 0; i < 20 && !ends_; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  std::atomic<bool> ends_{false};
  std::thread thread_;
};

}  // namespace

void measure_scrape(const Options& options) {
  Session holder, looker;
  const std::string all = " FROM generate_series(1, " + std::to_string(kPools) + ") AS n";
  holder.run("SELECT count(numpool_create('scrape ' || n, 64))" + all);
  holder.run("SELECT count(numpool_acquire('scrape ' || n))" + all + ", generate_series(1, " +
             std::to_string(kLeasesEach) + ")");
  looker.run(kLook);
  std::vector<double> times;
  for (int i = 0; i < options.samples; ++i) {
    const Clock::time_point start = Clock::now();
    looker.run(kLook);
    times.push_back(microseconds_since(start));
  }
  print_percentiles("scrape", std::to_string(kPools), "numpool", times);

  if (options.quick) return;  // too short to tell two hundredths

  const auto numpool = numpool_system();
  numpool->create({"watched"}, 64);
  for (int round = 0; round < options.rounds; ++round) {
    print("watched", "no", "numpool", pairs_per_second(*numpool, {"watched"}, 8, options.seconds));
    const Watcher watcher;
    print("watched", "yes", "numpool", pairs_per_second(*numpool, {"watched"}, 8, options.seconds));
  }
  holder.run("SELECT numpool_release_all()");
}

}  // namespace bench
