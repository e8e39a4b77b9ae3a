// What failover.pl runs: threads that take a number of pool "p", hold it and give it back, on one
// client. Each event is a line on standard output:
//   acquired INDEX FENCE | releasing INDEX FENCE | lost INDEX FENCE | error CALL SQLSTATE
// "acquired" comes after the lease began and "releasing" before it ends, so leases that overlap by
// these lines did overlap. A line on standard input, "hold", has holders keep their leases until
// they are lost; the end of input ends the program once every thread had its turn.
//
//   failover_client CONNINFO THREADS
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <numpool/numpool.hpp>

#include "tuning.hpp"

using namespace std::chrono_literals;

namespace {

std::mutex output;
std::atomic<bool> hold{false}, stop{false};

void say(const std::string& line) {
  const std::lock_guard lock(output);
  std::cout << line << std::endl;
}

void say(const char* what, int index, std::int64_t fence) {
  say(std::string(what) + ' ' + std::to_string(index) + ' ' + std::to_string(fence));
}

void one_turn(const numpool::pool& pool) {
  const char* call = "acquire";
  try {
    numpool::lease lease = pool.acquire();
    say("acquired", lease.index(), lease.fence());
    call = "release";
    do std::this_thread::sleep_for(5ms + lease.fence() % 7 * 2ms);  // not all in step
    while (hold && !stop && !lease.lost());
    if (lease.lost()) {
      hold = false;
      return;
    }
    say("releasing", lease.index(), lease.fence());
    lease.release();
  } catch (const numpool::error& e) {
    say(std::string("error ") + call + ' ' + e.sqlstate());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: failover_client CONNINFO THREADS\n";
    return 64;
  }
  numpool::client_options options;
  options.conninfo = argv[1];
  numpool::detail::tuned.longest_pause = 200ms;
  options.on_lost = [](const numpool::lost_lease& lost) { say("lost", lost.index, lost.fence); };
  numpool::client client(options);
  const numpool::pool pool = client.open("p");

  std::vector<std::thread> threads;
  for (int i = 0; i < std::atoi(argv[2]); ++i)
    threads.emplace_back([&] {
      while (!stop) one_turn(pool);
    });
  for (std::string line; std::getline(std::cin, line);) hold = line == "hold";
  stop = true;
  for (auto& thread : threads) thread.join();
  client.close();
}
