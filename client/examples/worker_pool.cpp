// Eight threads share three test databases over one connection; nobody is ever in another's.
#include <array>
#include <atomic>
#include <iostream>
#include <thread>
#include <vector>

#include <numpool/numpool.hpp>

int main() {
  numpool::client client;
  client.setup();
  numpool::pool databases = client.create_or_open("test-database", 3);

  std::array<std::atomic<int>, 3> inside{};
  std::atomic<int> jobs{0};
  std::atomic<bool> collision{false};
  std::vector<std::thread> workers;
  workers.reserve(8);
  for (int worker = 0; worker < 8; ++worker)
    workers.emplace_back([&] {
      for (int job = 0; job < 25; ++job) {
        const numpool::lease lease = databases.acquire();
        auto& here = inside[static_cast<std::size_t>(lease.index())];
        if (here.fetch_add(1) != 0) collision = true;
        std::this_thread::yield();  // the work
        here.fetch_sub(1);
        ++jobs;
      }
    });
  for (auto& worker : workers) worker.join();
  std::cout << jobs << " jobs, " << (collision ? "a collision" : "no collision") << '\n';
  return collision ? 1 : 0;
}
