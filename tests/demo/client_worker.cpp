// The demo's second part: one process, several threads, one connection. Each thread takes a number,
// holds it for a moment and gives it back, again and again; each job is a line on standard output
// when it is done:
//   INDEX FENCE BEGIN END        (times of CLOCK_MONOTONIC, the same for all processes, in
//   nanoseconds)
//
//   client_worker POOL THREADS SECONDS
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

#include <numpool/numpool.hpp>

using std::chrono::steady_clock;
using namespace std::chrono_literals;

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: client_worker POOL THREADS SECONDS\n";
    return 64;
  }
  const auto nanoseconds = [] { return steady_clock::now().time_since_epoch().count(); };
  const auto end = steady_clock::now() + std::chrono::seconds(std::atoi(argv[3]));

  numpool::client client;
  const numpool::pool pool = client.open(argv[1]);
  std::mutex output;
  std::vector<std::thread> threads;
  for (int i = 0; i < std::atoi(argv[2]); ++i)
    threads.emplace_back([&] {
      while (steady_clock::now() < end) {
        numpool::lease lease = pool.acquire();
        const auto begun = nanoseconds();
        std::this_thread::sleep_for(5ms);
        const auto ended = nanoseconds();
        const int index = lease.index();
        const auto fence = lease.fence();
        lease.release();
        const std::lock_guard lock(output);
        std::cout << index << ' ' << fence << ' ' << begun << ' ' << ended << std::endl;
      }
    });
  for (auto& thread : threads) thread.join();
}
