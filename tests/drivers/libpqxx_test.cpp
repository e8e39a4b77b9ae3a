// libpqxx, by the recipe of client/drivers.md. Prints TAP: a line a scene.
#include "libpqxx_recipe.hpp"

#include <fstream>
#include <functional>
#include <future>
#include <iostream>
#include <thread>

namespace {

using namespace std::chrono_literals;

pqxx::connection* watcher;

void check(bool good, const char* what) {
  if (!good) throw std::logic_error(what);
}

void eventually(const std::function<bool()>& condition, const char* what) {
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!condition()) {
    check(std::chrono::steady_clock::now() < end, what);
    std::this_thread::sleep_for(10ms);
  }
}

long long number(pqxx::connection& connection, const std::string& sql) {
  return ask(connection, sql)[0][0].as<long long>();
}

long long of_pool(const std::string& what) {
  return number(*watcher, "SELECT " + what + " FROM numpool_pools WHERE pool = 'gpu'");
}

template <typename Function>
bool fails(Function function) {
  try {
    function();
  } catch (const pqxx::usage_error&) {  // the transaction of a connection that is gone
    return true;
  } catch (const pqxx::failure&) {
    return true;
  }
  return false;
}

std::string random_token() {
  std::string token;
  std::getline(std::ifstream("/proc/sys/kernel/random/uuid"), token);
  return token;
}

struct Connection {
  Connection() { keep_to_one_session(real); }
  operator pqxx::connection&() { return real; }
  pqxx::connection real;
};

void acquire_and_release() {
  Connection c;
  const auto first = acquire(c, "gpu", 5);
  const auto second = acquire(c, "gpu", 5);
  check(first->number == 0 && second->number == 1 && second->fence > first->fence, "numbers");
  release(c, "gpu", *first);
  check(of_pool("in_use") == 1, "one is released");
  check(fails([&] { release(c, "gpu", *first); }), "released what it did not have");
}

void timeout() {
  Connection holder, c;
  acquire(holder, "gpu", 5);
  acquire(holder, "gpu", 5);
  const auto start = std::chrono::steady_clock::now();
  check(!acquire(c, "gpu", 0.2), "none");
  check(std::chrono::steady_clock::now() - start >= 199ms, "it waits");
  check(!acquire(c, "gpu", 0), "none at once");
}

void transaction() {
  Connection c;
  {
    pqxx::work rolled_back(c);
    check(rolled_back.exec("SELECT numpool_acquire('gpu')")[0][0].as<int>() == 0, "number 0");
  }
  check(of_pool("in_use") == 0, "undone");
  const auto lease = acquire(c, "gpu", 5);
  {
    pqxx::work work(c);
    work.exec("SELECT numpool_release('gpu', " + std::to_string(lease->number) + ", " +
              std::to_string(lease->fence) + ")");
    check(of_pool("in_use") == 1, "not before COMMIT");
    work.commit();
  }
  check(of_pool("in_use") == 0, "at COMMIT");
  pqxx::work work(c);
  check(work.exec("SELECT numpool_acquire_xact('gpu')")[0][0].as<int>() == 0, "number 0");
  check(of_pool("in_use") == 1, "held in the transaction");
  work.commit();
  check(of_pool("in_use") == 0, "ends with it");
}

void ticket() {
  Connection holder, c;
  auto mine = acquire_by_ticket(c, "gpu", 5);
  check(mine->number == 0, "number 0");
  release(c, "gpu", *mine);
  acquire(holder, "gpu", 5);
  auto held = acquire(holder, "gpu", 5);
  check(!acquire_by_ticket(c, "gpu", 0.2), "none");
  check(of_pool("waiting") == 0, "it left");
  for (int turn = 0; turn < 3; ++turn) {
    auto waiting = std::async(std::launch::async, [&] { return acquire_by_ticket(c, "gpu", 20); });
    eventually([] { return of_pool("waiting") == 1; }, "it does not wait");
    std::this_thread::sleep_for(100ms);
    const auto start = std::chrono::steady_clock::now();
    release(holder, "gpu", *held);
    mine = waiting.get();
    check(mine && mine->number == 1 && std::chrono::steady_clock::now() - start < 10s, "woken");
    release(c, "gpu", *mine);
    held = acquire(holder, "gpu", 5);
  }
  number(*watcher, "SELECT numpool_create('short', 1)::int");
  number(holder, "SELECT numpool_acquire('short')");
  auto waiting = std::async(std::launch::async, [&] { return acquire_by_ticket(c, "short", 20); });
  const auto there = "SELECT count(*) FROM numpool_waiters WHERE pool = 'short'";
  eventually([&] { return number(*watcher, there) == 1; }, "it does not wait");
  number(*watcher, "SELECT numpool_drop('short', true)::int");
  try {
    waiting.get();
    check(false, "told of the drop");
  } catch (const std::runtime_error& error) {
    // Gone, if the notification has come before the question.
    const std::string said = error.what();
    const std::string start = "pool short: the ticket is ";
    check(said == start + "dropped" || said == start + "gone", said.c_str());
  }
}

void cancel() {
  Connection holder, c;
  acquire(holder, "gpu", 5);
  auto held = acquire(holder, "gpu", 5);
  for (int turn = 0; turn < 20; ++turn) {
    auto waiting = std::async(std::launch::async, [&]() -> std::optional<lease> {
      try {
        return acquire(c, "gpu", 20);
      } catch (const pqxx::sql_error& error) {
        if (error.sqlstate() != "57014") throw;
        return std::nullopt;
      }
    });
    eventually([] { return of_pool("waiting") == 1; }, "it does not wait");
    if (turn == 0) {
      c.real.cancel_query();
      check(!waiting.get(), "cancelled");
      check(of_pool("waiting") == 0, "it left");
      continue;
    }
    // A cancel that meets a grant: none of the two numbers may be lost.
    auto releasing = std::async(std::launch::async, [&] { release(holder, "gpu", *held); });
    c.real.cancel_query();
    releasing.get();
    const auto got = waiting.get();
    check(of_pool("in_use") == (got ? 2 : 1), "a number is lost");
    if (got) release(c, "gpu", *got);
    held = acquire(holder, "gpu", 5);
  }
}

void lost() {
  Connection c;
  const auto mine = acquire(c, "gpu", 5);
  const auto pid = std::to_string(number(c, "SELECT pg_backend_pid()"));
  number(*watcher, "SELECT pg_terminate_backend(" + pid + ", 10000)::int");
  check(of_pool("in_use") == 0, "the number is free");
  check(fails([&] { release(c, "gpu", *mine); }), "released what was lost");
  check(fails([&] { release(c, "gpu", *mine); }), "nor on a new connection");
  check(fails([&] { acquire(c, "gpu", 1); }), "it opened a new connection");
}

void timed() {
  const std::string token = random_token(), second = random_token(), third = random_token();
  std::optional<lease> mine;
  {
    Connection c;
    mine = lease_timed(c, "gpu", token);
  }
  Connection c;
  check(mine->number == 0 && lease_timed(c, "gpu", token)->fence == mine->fence, "the same");
  check(renew(c, token) == mine->fence, "renewed");
  check(lease_timed(c, "gpu", second)->number == 1, "number 1");
  check(!lease_timed(c, "gpu", third), "its place is kept");
  check(give_back(c, token), "given back");
  check(lease_timed(c, "gpu", third)->number == 0, "its turn");
  check(!renew(c, token), "over");
  check(give_back(c, second) && give_back(c, third), "given back");
}

}  // namespace

int main() {
  Connection watching;
  watcher = &watching.real;
  int status = 0;
  const std::pair<const char*, void (*)()> scenes[] = {
      {"acquire and release", acquire_and_release},
      {"timeout", timeout},
      {"transaction", transaction},
      {"ticket", ticket},
      {"cancel", cancel},
      {"lost", lost},
      {"timed", timed},
  };
  for (const auto& [name, play] : scenes) {
    try {
      play();
      eventually([] { return of_pool("in_use + waiting") == 0; }, "something is left");
      std::cout << "ok - " << name << std::endl;
    } catch (const std::exception& error) {
      std::cout << "# " << error.what() << "\nnot ok - " << name << std::endl;
      status = 1;
    }
  }
  return status;
}
