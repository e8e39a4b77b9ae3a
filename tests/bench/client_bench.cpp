// Pairs of acquire and release a second: the client's one connection shared by 1, 8 and 64 threads,
// beside as many connections of plain libpq with a thread each. Interleaved rounds, medians.
//
//   client_bench POOL ROUNDS SECONDS      POOL has at least 64 numbers
#include <libpq-fe.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <numpool/numpool.hpp>

namespace {

using clock = std::chrono::steady_clock;
using task = std::function<void(const std::atomic<bool>& stop, std::atomic<long>& pairs)>;

double pairs_per_second(int threads, double seconds, const std::function<task()>& make_task) {
  std::vector<task> tasks;
  for (int i = 0; i < threads; ++i) tasks.push_back(make_task());
  std::atomic<bool> stop{false};
  std::atomic<long> pairs{0};
  std::vector<std::thread> running;
  const auto begun = clock::now();
  for (auto& one : tasks) running.emplace_back([&] { one(stop, pairs); });
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stop = true;
  for (auto& thread : running) thread.join();
  return static_cast<double>(pairs) / std::chrono::duration<double>(clock::now() - begun).count();
}

void check(PGconn* connection, PGresult* result) {
  const auto status = PQresultStatus(result);
  PQclear(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw std::runtime_error(PQerrorMessage(connection));
}

task libpq_task(const std::string& pool) {
  const std::shared_ptr<PGconn> connection(PQconnectdb(""), PQfinish);
  check(connection.get(),
        PQprepare(connection.get(), "a", "SELECT numpool_acquire($1)", 1, nullptr));
  check(connection.get(),
        PQprepare(connection.get(), "r", "SELECT numpool_release($1, $2)", 2, nullptr));
  return [connection, pool](const std::atomic<bool>& stop, std::atomic<long>& pairs) {
    PGconn* c = connection.get();
    while (!stop) {
      const char* values[] = {pool.c_str(), nullptr};
      PGresult* got = PQexecPrepared(c, "a", 1, values, nullptr, nullptr, 0);
      const std::string index = PQgetvalue(got, 0, 0);
      check(c, got);
      values[1] = index.c_str();
      check(c, PQexecPrepared(c, "r", 2, values, nullptr, nullptr, 0));
      ++pairs;
    }
  };
}

task client_task(const numpool::pool& pool) {
  return [pool](const std::atomic<bool>& stop, std::atomic<long>& pairs) {
    while (!stop) {
      pool.acquire().release();
      ++pairs;
    }
  };
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  const std::string name = argv[1];
  const int rounds = std::atoi(argv[2]);
  const double seconds = std::atof(argv[3]);
  numpool::client client;
  const numpool::pool pool = client.open(name);
  std::printf("client library, pairs/s           one connection   as many of libpq    ratio\n");
  std::vector<double> of_client[3], of_libpq[3];
  const int counts[] = {1, 8, 64};
  for (int round = 0; round < rounds; ++round)
    for (int i = 0; i < 3; ++i) {
      of_client[i].push_back(
          pairs_per_second(counts[i], seconds, [&] { return client_task(pool); }));
      of_libpq[i].push_back(pairs_per_second(counts[i], seconds, [&] { return libpq_task(name); }));
    }
  for (int i = 0; i < 3; ++i)
    std::printf("%2d threads                        %14.0f   %16.0f   %6.2f\n", counts[i],
                median(of_client[i]), median(of_libpq[i]),
                median(of_client[i]) / median(of_libpq[i]));
  std::printf("64 threads on one connection, against 8 connections of libpq: %.2f, %s 1.0\n",
              median(of_client[2]) / median(of_libpq[1]),
              median(of_client[2]) >= median(of_libpq[1]) ? "met" : "MISSED");
}
