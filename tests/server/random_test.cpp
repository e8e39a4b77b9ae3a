// 8 workers x 20,000 random operations on three pools; afterwards a checker reads what they logged.
#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <thread>

#include "history/checker.h"
#include "history/watcher.h"
#include "history/worker.h"
#include "server/calls.h"
#include "support/folder.h"

using namespace numpool_test;

TEST_CASE("random operations of 8 workers keep the promises") {
  constexpr unsigned kWorkers = 8;
  constexpr int kOperations = 20000;
  const unsigned seed = 4711;
  Pool one(1, "one"), few(3, "few"), some(6, "some");
  const std::vector<PoolUnderTest> pools = {{one.name(), 1}, {few.name(), 3}, {some.name(), 6}};
  const std::string folder = new_folder("random");  // kept if the test fails, to be read
  std::vector<std::string> logs;
  auto board = std::make_unique<RunBoard>();
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned i = 0; i < kWorkers; i++) {
    logs.push_back(folder + "/worker" + std::to_string(i));
    workers.push_back(std::make_unique<Worker>(seed + i, logs.back(), pools, calm_habits(), *board,
                                               static_cast<int>(i)));
  }
  logs.push_back(folder + "/watcher");
  Watcher watcher(logs.back(), pools);

  std::atomic<bool> over{false};
  std::thread watching([&] {
    while (!over) {
      watcher.look();
      std::this_thread::sleep_for(3ms);
    }
  });
  std::vector<std::thread> threads;
  const auto start = Clock::now();
  for (unsigned i = 0; i < kWorkers; i++)
    threads.emplace_back([&, i] {
      workers[i]->run([&] { return board->slots[i].operations < kOperations; });
      workers[i]->finish();
    });
  for (auto& thread : threads) thread.join();
  over = true;
  watching.join();

  for (const Pool* pool : {&one, &few, &some}) CHECK(pool->idle_within());
  watcher.look();
  History history;
  std::int64_t done = 0;
  history.read(logs);
  for (const WorkerSlot& slot : board->slots) done += slot.operations;
  CHECK(done == static_cast<int>(kWorkers) * kOperations);
  const std::vector<Fault> faults = check(history, true);
  for (const Fault& fault : faults) FAIL_CHECK(name_of(fault.what), ": ", fault.detail);
  std::size_t queued = 0;
  for (const Queue& queue : history.queues) queued += queue.waiters.size() > 1 ? 1 : 0;
  // A run in which the checker sees too little would prove nothing.
  CHECK(history.leases.size() > 10000);
  CHECK(queued > 100);
  MESSAGE("seed ", seed, ": ", done, " operations, ", history.leases.size(), " leases, ",
          history.queues.size(), " looks at queues, ", queued, " of them with several waiters, ",
          std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start).count(), " s");
  if (faults.empty()) std::filesystem::remove_all(folder);
}
