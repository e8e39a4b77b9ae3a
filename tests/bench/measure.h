// Measuring, and printing what was measured: lines "TABLE <tab> X <tab> SYSTEM <tab> VALUE".
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "system.h"

namespace bench {

using Clock = std::chrono::steady_clock;
double microseconds_since(Clock::time_point start);

struct Options {
  int rounds = 5;
  double seconds = 1;  // of one run of one system
  int samples = 1000;  // of one run of a latency
  bool quick = false;  // fewer and smaller points
};

void print(const std::string& table, const std::string& x, const std::string& system, double value);
// The rows "TABLE p50", "TABLE p99" and "TABLE p99.9".
void print_percentiles(const std::string& table, const std::string& x, const std::string& system,
                       std::vector<double> samples);

// Pairs of acquire and release a second, all clients together, each in a thread of its own.
double pairs_per_second(System& system, const Pools& pools, int clients, double seconds);

// Microseconds from giving a number up to its next owner's having it, who has waited for it. The
// pool has one number.
std::vector<double> hand_offs(System& system, const std::string& pool, int samples);

// While it lives, and if it is told to, the server and this program share one core: on a virtual
// machine a core that idles is slow to wake, which hides what a lone client's calls cost.
class OneCore {
 public:
  explicit OneCore(bool wanted = true);
  ~OneCore();

 private:
  bool wanted_;
};

void allow_open_files(int count);

// The parts. Each makes what it needs.
void measure_pairs(const Options& options);      // uncontended, contended
void measure_handoff(const Options& options);    // hand-offs, deaths
void measure_size(const Options& options);       // growth: numbers in a pool, nearly all taken
void measure_queue(const Options& options);      // growth: waiters
void measure_pools(const Options& options);      // growth: pools
void measure_snapshot(const Options& options);   // a minute with a snapshot held
void measure_listeners(const Options& options);  // growth: idle sessions that listen
void measure_clients(const Options& options);    // growth: clients
void measure_timed(const Options& options);      // leases of tokens
void measure_scrape(const Options& options);     // looks of monitoring

}  // namespace bench
