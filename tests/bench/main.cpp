// The benchmark's driver. The server comes from libpq's environment, Redis from REDIS_SOCKET.
//
//   driver [--quick] ROUNDS SECONDS SAMPLES PART...
//   driver --prepare             makes what the next needs
//   driver --pairs SYSTEM COUNT  so many pairs by one client, and nothing measured
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "measure.h"
#include "session.h"

namespace {

using bench::fail;

const std::map<std::string, void (*)(const bench::Options&)> kParts = {
    {"pairs", bench::measure_pairs},         {"handoff", bench::measure_handoff},
    {"size", bench::measure_size},           {"queue", bench::measure_queue},
    {"pools", bench::measure_pools},         {"snapshot", bench::measure_snapshot},
    {"listeners", bench::measure_listeners}, {"clients", bench::measure_clients},
    {"timed", bench::measure_timed},         {"scrape", bench::measure_scrape}};

constexpr std::unique_ptr<bench::System> (*kOnPostgres[])() = {
    bench::floor_system,         bench::shaped_floor_system,
    bench::numpool_system,       bench::numpool_parameter_system,
    bench::numpool_batch_system, bench::advisory_system,
    bench::sweep_system,         bench::skip_locked_system,
    bench::row_bitmap_system};

void prepare() {
  bench::create_schema();
  for (const auto make : kOnPostgres) make()->create({"count"}, 64);
}

void run_pairs(const std::string& name, int count) {
  for (const auto make : kOnPostgres) {
    const auto system = make();
    if (name != system->name()) continue;
    const auto client = system->open({"count"});
    for (int i = 0; i < count; ++i) client->release(client->acquire());
    return;
  }
  fail("no system " + name);
}

// What a commit that waits for the disk cannot be faster than.
void print_disk_time() {
  const std::string path = std::string(std::getenv("PGDATA")) + "/bench_fdatasync";
  const int file = open(path.c_str(), O_RDWR | O_CREAT, 0600);
  if (file < 0) fail("cannot open " + path);
  const std::string block(8192, 'x');
  std::vector<double> times;
  for (int i = 0; i < 200; ++i) {
    const auto start = bench::Clock::now();
    if (pwrite(file, block.data(), block.size(), 0) < 0 || fdatasync(file) != 0) fail(path);
    times.push_back(bench::microseconds_since(start));
  }
  close(file);
  unlink(path.c_str());
  std::sort(times.begin(), times.end());
  std::printf("meta\tdisk\t-\tfdatasync of 8 kB takes %.0f us (median of 200)\n", times[100]);
}

void run_parts(const std::vector<std::string>& arguments) {
  bench::Options options;
  std::size_t at = 0;
  if (!arguments.empty() && arguments[0] == "--quick") {
    options.quick = true;
    ++at;
  }
  if (arguments.size() < at + 4) fail("usage: driver [--quick] ROUNDS SECONDS SAMPLES PART...");
  options.rounds = std::atoi(arguments[at].c_str());
  options.seconds = std::atof(arguments[at + 1].c_str());
  options.samples = std::atoi(arguments[at + 2].c_str());
  print_disk_time();
  bench::create_schema();
  for (at += 3; at < arguments.size(); ++at) {
    const auto part = kParts.find(arguments[at]);
    if (part == kParts.end()) fail("no part " + arguments[at]);
    part->second(options);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 1 && arguments[0] == "--prepare")
    prepare();
  else if (arguments.size() == 3 && arguments[0] == "--pairs")
    run_pairs(arguments[1], std::atoi(arguments[2].c_str()));
  else
    run_parts(arguments);
}
