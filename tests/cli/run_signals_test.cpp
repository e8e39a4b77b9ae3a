// run: signals while waiting and while the command runs, and a killed parent.
#include <doctest/doctest.h>

#include <csignal>
#include <chrono>
#include <thread>

#include "support/pool.h"
#include "program.h"

using namespace numpool_test;

namespace {

// A shell that says when it is ready, and what signals it gets.
Words reporter(const std::string& traps) {
  return {"sh", "-c", traps + " echo ready $$; while :; do sleep 0.02; done"};
}

Numpool start_in(const Pool& pool, const Words& command, const Words& options = {}) {
  Words all{"run", pool.name()};
  all.insert(all.end(), options.begin(), options.end());
  all.emplace_back("--");
  all.insert(all.end(), command.begin(), command.end());
  return Numpool(all);
}

bool says(const Program& p, const std::string& part) {
  return eventually([&] { return p.out().find(part) != std::string::npos; }, kSoon);
}

// The number behind `word` in what the Numpool has said.
pid_t pid_after(const Program& p, const std::string& word) {
  REQUIRE(says(p, word + " "));
  REQUIRE(eventually([&] { return p.out().find('\n', p.out().find(word)) != std::string::npos; },
                     kSoon));
  return std::stoi(p.out().substr(p.out().find(word) + word.size() + 1));
}

}  // namespace

TEST_CASE("a signal while waiting leaves the queue and starts nothing") {
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    CAPTURE(number);
    Pool pool(1);
    Session holder;
    holder.text("SELECT numpool_acquire($1)", {pool.name()});
    Numpool waiting = start_in(pool, {"echo", "not me"});
    REQUIRE(pool.waiters_become(1, kSoon));
    waiting.signal(number);
    CHECK(waiting.wait() == 128 + number);
    CHECK(waiting.out().empty());
    CHECK(waiting.err().empty());
    CHECK(pool.waiting() == 0);
    holder.text("SELECT numpool_release_all()");
    CHECK(pool.in_use() == 0);
  }
}

TEST_CASE("a signal that crosses with the grant: either not started, or passed on") {
  Pool pool(1);
  for (int round = 0; round < 25; ++round) {
    Session holder;
    holder.text("SELECT numpool_acquire($1)", {pool.name()});
    Numpool waiting = start_in(pool, {"sh", "-c", "echo started; sleep 60"});
    REQUIRE(pool.waiters_become(1, kSoon));
    holder.text("SELECT numpool_release_all()");
    std::this_thread::sleep_for(std::chrono::microseconds(round * 200));
    waiting.signal(SIGTERM);
    CHECK(waiting.wait() == 143);
    CHECK(pool.in_use_becomes(0, kSoon));
    CHECK(pool.waiting() == 0);
  }
}

TEST_CASE("signals are passed on to the command") {
  const struct {
    int number;
    const char* name;
  } cases[] = {{SIGINT, "INT"},   {SIGTERM, "TERM"}, {SIGHUP, "HUP"},
               {SIGQUIT, "QUIT"}, {SIGUSR1, "USR1"}, {SIGUSR2, "USR2"}};
  Pool pool(1);
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const std::string name = c.name;
    Numpool running =
        start_in(pool, reporter("trap 'echo got " + name + "; exit 5' " + name + ";"));
    REQUIRE(says(running, "ready"));
    running.signal(c.number);
    CHECK(running.wait() == 5);
    CHECK(says(running, "got " + name));
    CHECK(pool.in_use() == 0);
  }
}

TEST_CASE("a signal that ends the command gives 128 + n") {
  Pool pool(1);
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    CAPTURE(number);
    Numpool running = start_in(pool, reporter(""));
    REQUIRE(says(running, "ready"));
    running.signal(number);
    CHECK(running.wait() == 128 + number);
  }
}

TEST_CASE("a command may take its time after a signal, and a second one") {
  Pool pool(1);
  Numpool running =
      start_in(pool, reporter("trap 'echo first; trap \"exit 9\" INT' INT;"), {"--grace", "1ms"});
  REQUIRE(says(running, "ready"));
  running.signal(SIGINT);
  REQUIRE(says(running, "first"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(running.running());
  CHECK(pool.in_use() == 1);
  running.signal(SIGINT);
  CHECK(running.wait() == 9);
}

TEST_CASE("signals reach the whole group") {
  Pool pool(1);
  // The leader catches the signal that the process inside reports, before that one is there to
  // report.
  Numpool running =
      start_in(pool, {"sh", "-c",
                      "trap : USR1; sh -c 'trap \"echo inside got it\" USR1; echo inner $$; "
                      "while :; do sleep 0.02; done' & "
                      "while :; do wait; done"});
  const pid_t inner = pid_after(running, "inner");
  CHECK(alive(inner));
  running.signal(SIGUSR1);
  CHECK(says(running, "inside got it"));
  running.signal(SIGTERM);
  CHECK(running.wait() == 143);
  CHECK(!alive(inner));
}

TEST_CASE("a signal that comes when the command has ended changes nothing") {
  Pool pool(1);
  Numpool running = start_in(pool, {"sh", "-c", "echo command $$; exec sleep 60"});
  const pid_t command = pid_after(running, "command");
  // The release waits for the backend, which stands still.
  const pid_t backend = pool.holder();
  REQUIRE(backend > 0);
  REQUIRE(kill(backend, SIGSTOP) == 0);
  REQUIRE(kill(command, SIGKILL) == 0);
  CHECK(eventually([&] { return !alive(command); }, kSoon));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) running.signal(number);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  REQUIRE(kill(backend, SIGCONT) == 0);
  CHECK(running.wait() == 128 + SIGKILL);
  CHECK(pool.in_use_becomes(0, kSoon));
}

TEST_CASE("a signal that was ignored stays ignored") {
  Pool pool(1);
  Program running = Program({"sh", "-c",
                             "trap '' HUP; exec build/numpool run \"$0\" -- sh -c "
                             "'kill -HUP $$; echo still here; kill -HUP $PPID; sleep 0.1'",
                             pool.name()});
  CHECK(running.wait() == 0);
  CHECK(running.out() == "still here\n");
}

TEST_CASE("SIGTSTP and SIGCONT stop and continue both") {
  Pool pool(1);
  Numpool running = start_in(pool, reporter("trap 'echo continued' CONT;"));
  const pid_t command = pid_after(running, "ready");
  const auto state = [](pid_t pid) {
    const std::string stat = content("/proc/" + std::to_string(pid) + "/stat");
    return stat[stat.rfind(") ") + 2];
  };
  running.signal(SIGTSTP);
  CHECK(eventually([&] { return state(command) == 'T' && state(running.pid()) == 'T'; }, kSoon));
  CHECK(pool.in_use() == 1);
  running.signal(SIGCONT);
  CHECK(says(running, "continued"));
  CHECK(state(command) != 'T');
  running.signal(SIGTERM);
  CHECK(running.wait() == 143);
}

TEST_CASE("numpool run killed: the number is free, and the command's whole group ends") {
  Pool pool(1);
  Numpool running = start_in(
      pool,
      {"sh", "-c", "sh -c 'echo inner $$; while :; do sleep 0.02; done' & echo outer $$; wait"});
  const pid_t inner = pid_after(running, "inner");
  const pid_t outer = pid_after(running, "outer");
  running.signal(SIGKILL);
  CHECK(running.wait() == 1000 + SIGKILL);
  CHECK(pool.in_use_becomes(0, kSoon));
  CHECK(eventually([&] { return !alive(inner) && !alive(outer); }, std::chrono::seconds(2)));
}

TEST_CASE("numpool run killed: SIGKILL after the grace for a group that ignores SIGTERM") {
  Pool pool(1);
  Numpool running = start_in(pool,
                             {"sh", "-c",
                              "trap '' TERM; sh -c 'echo inner $$; while :; do sleep 0.02; done' & "
                              "echo outer $$; while :; do wait; done"},
                             {"--grace", "400ms"});
  const pid_t inner = pid_after(running, "inner");
  const pid_t outer = pid_after(running, "outer");
  running.signal(SIGKILL);
  running.wait();
  CHECK(pool.in_use_becomes(0, kSoon));
  CHECK(alive(inner));
  CHECK(eventually([&] { return !alive(inner) && !alive(outer); }, std::chrono::seconds(5)));
}

TEST_CASE("numpool run killed while it waits: its place in the queue is gone") {
  Pool pool(1);
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  Numpool waiting = start_in(pool, {"echo", "not me"});
  REQUIRE(pool.waiters_become(1, kSoon));
  waiting.signal(SIGKILL);
  CHECK(pool.waiters_become(0, kSoon));
  CHECK(waiting.out().empty());
}

TEST_CASE("many killed at random moments leave nothing behind") {
  Pool pool(2);
  const std::string pids = temporary_name("pids");
  for (int round = 0; round < 8; ++round) {
    std::vector<Numpool> started;
    for (int i = 0; i < 4; ++i) {
      started.push_back(start_in(pool, {"sh", "-c", "echo $$ >> " + pids + "; exec sleep 60"}));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(15 * round));
    for (const auto& p : started) p.signal(SIGKILL);
    for (auto& p : started) p.wait();
  }
  CHECK(pool.in_use_becomes(0, kSoon));
  CHECK(pool.waiters_become(0, kSoon));
  std::string list = content(pids);
  for (std::size_t at = 0; at < list.size(); at = list.find('\n', at) + 1) {
    const pid_t pid = std::stoi(list.substr(at));
    CHECK(eventually([&] { return !alive(pid); }, std::chrono::seconds(3)));
  }
}
