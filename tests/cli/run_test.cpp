// run: environment, exit statuses, timeout, what is left at the end.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

#include "support/pool.h"
#include "program.h"

using namespace numpool_test;

namespace {

Result run_in(const Pool& pool, const Words& command, const Words& options = {}) {
  Words all{"run", pool.name()};
  all.insert(all.end(), options.begin(), options.end());
  all.emplace_back("--");
  all.insert(all.end(), command.begin(), command.end());
  return run(all);
}

int status_of(const Pool& pool, const Words& command) {
  return run_in(pool, command).status;
}

}  // namespace

TEST_CASE("pool, index and fence are in the command's environment") {
  Pool pool(4);
  const std::string print = "echo \"$NUMPOOL_POOL|$NUMPOOL_INDEX|$NUMPOOL_FENCE|$HOME\"";
  const Result r = run_in(pool, {"sh", "-c", print});
  CHECK(r.status == 0);
  CHECK(r.err.empty());
  CHECK(r.out.find(pool.name() + "|0|") == 0);
  CHECK(r.out.find(std::string("|") + getenv("HOME") + "\n") != std::string::npos);
  // One inside the other: the inner one's variables replace the outer one's.
  const Result nested = run_in(
      pool, {"build/numpool", "run", pool.name(), "--", "sh", "-c", "echo $NUMPOOL_INDEX; env"});
  CHECK(nested.out.find("1\n") == 0);
  CHECK(nested.out.find("NUMPOOL_INDEX=") == nested.out.rfind("NUMPOOL_INDEX="));
  CHECK(pool.in_use() == 0);
}

TEST_CASE("the lease is held while the command runs, and its fence is the one told") {
  Pool pool(1);
  Numpool holding({"run", pool.name(), "--", "sh", "-c", "echo $NUMPOOL_FENCE; sleep 60"});
  REQUIRE(eventually([&] { return lines(holding.out()) == 1; }, kSoon));
  CHECK(observer().text("SELECT fence FROM numpool_leases WHERE pool = $1", {pool.name()}) + "\n" ==
        holding.out());
  holding.signal(SIGTERM);
  CHECK(holding.wait() == 143);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("exit statuses") {
  Pool pool(1);
  CHECK(status_of(pool, {"true"}) == 0);
  CHECK(status_of(pool, {"false"}) == 1);
  CHECK(status_of(pool, {"sh", "-c", "exit 42"}) == 42);
  CHECK(status_of(pool, {"sh", "-c", "exit 255"}) == 255);
  for (int number : {SIGKILL, SIGTERM, SIGINT, SIGSEGV, SIGHUP, SIGPIPE}) {
    CAPTURE(number);
    CHECK(status_of(pool, {"sh", "-c", "kill -" + std::to_string(number) + " $$"}) == 128 + number);
  }
  CHECK(pool.in_use() == 0);
}

TEST_CASE("a command that cannot be run: 127 and 126, and the number goes back") {
  Pool pool(1);
  const auto check = [&](const std::string& command, int status) {
    CAPTURE(command);
    const Result r = run_in(pool, {command});
    CHECK(r.status == status);
    CHECK(lines(r.err) == 1);
    CHECK(r.err.find("numpool: cannot run \"" + command + "\": ") == 0);
    CHECK(pool.in_use() == 0);
  };
  check("no-such-command", 127);
  check("/no/such/command", 127);
  check("", 127);
  const std::string plain = temporary_name("plain");
  std::ofstream(plain) << "no program";
  check(plain, 126);
  check("/", 126);
}

TEST_CASE("arguments reach the command word for word") {
  Pool pool(1);
  const Result r = run_in(pool, {"printf", "<%s>", "a b", "", "--", "[x,y]", "$HOME", "--help"});
  CHECK(r.out == "<a b><><--><[x,y]><$HOME><--help>");
}

TEST_CASE("input and output are the command's") {
  Pool pool(1);
  const Result r = run({"run", pool.name(), "--", "cat"}, {{}, "line 1\nline 2\n", -1});
  CHECK(r.out == "line 1\nline 2\n");
  CHECK(r.err.empty());
}

TEST_CASE("a pool that is not there, and --create") {
  Pool pool(0);
  const Result refused = run_in(pool, {"echo", "not me"});
  CHECK(refused.status == 1);
  CHECK(refused.out.empty());
  CHECK(refused.err == "numpool: pool \"" + pool.name() + "\" does not exist\n");
  CHECK(run_in(pool, {"true"}, {"--create", "2"}).status == 0);
  CHECK(run_in(pool, {"true"}, {"--create", "2"}).status == 0);
  const Result other_size = run_in(pool, {"echo", "not me"}, {"--create", "3"});
  CHECK(other_size.status == 1);
  CHECK(other_size.out.empty());
  CHECK(lines(other_size.err) == 1);
}

TEST_CASE(
    "--ephemeral: the pool that is made goes again, and is made again while it is waited for") {
  Pool plain(0), hour(0);
  CHECK(run_in(plain, {"true"}, {"--create", "2", "--ephemeral=90s"}).status == 0);
  CHECK(run_in(hour, {"true"}, {"--ephemeral", "--create", "2"}).status == 0);
  const auto settings = [](const Pool& pool) {
    return observer().text("SELECT numpool_settings($1) ->> 'ephemeral'", {pool.name()});
  };
  CHECK(settings(plain) == "90 s");
  CHECK(settings(hour) == "true");
  for (const Words& timed : {Words{}, Words{"--ttl", "1h"}}) {
    Pool pool(0);
    Words options{"--create", "1", "--ephemeral"};
    options.insert(options.end(), timed.begin(), timed.end());
    CHECK(run_in(pool, {"true"}, options).status == 0);
    Session holder;
    holder.must("SELECT numpool_acquire(" + pool.q() + ")");
    Words words{"run", pool.name()};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"--", "echo", "done"});
    Numpool waiting(words);
    pool.wait_for_waiters(1);
    observer().must("SELECT numpool_drop(" + pool.q() + ", true)");
    CHECK(waiting.wait() == 0);
    CHECK(waiting.out() == "done\n");
  }
}

TEST_CASE("timeout: 75, and nothing was started") {
  Pool pool(1);
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  for (const char* timeout : {"0", "200ms", "0.3"}) {
    CAPTURE(timeout);
    const auto start = std::chrono::steady_clock::now();
    const Result r = run_in(pool, {"echo", "not me"}, {"--timeout", timeout});
    CHECK(took_at_most(std::chrono::seconds(3), start));
    CHECK(r.status == 75);
    CHECK(r.out.empty());
    CHECK(r.err == "numpool: timed out waiting for a number of pool \"" + pool.name() + "\"\n");
  }
  CHECK(pool.waiting() == 0);
  holder.text("SELECT numpool_release_all()");
  CHECK(run_in(pool, {"true"}, {"--timeout", "0"}).status == 0);
}

TEST_CASE("waiting: first come, first served") {
  Pool pool(1);
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  const std::string log = temporary_name("order");
  std::vector<Numpool> queue;
  for (int i = 0; i < 6; ++i) {
    queue.emplace_back(
        Words{"run", pool.name(), "--", "sh", "-c", "echo " + std::to_string(i) + " >> " + log});
    REQUIRE(pool.waiters_become(i + 1, kSoon));
  }
  holder.text("SELECT numpool_release_all()");
  for (auto& p : queue) CHECK(p.wait() == 0);
  CHECK(content(log) == "0\n1\n2\n3\n4\n5\n");
}

TEST_CASE("the command has no descriptor of ours") {
  Pool pool(1);
  const Words look{"ls", "/proc/self/fd"};
  Program direct = Program(look);
  direct.wait();
  CHECK(run_in(pool, look).out == direct.out());
}

TEST_CASE("the command has the signal mask and dispositions that we were given") {
  Pool pool(1);
  const Words look{"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"};
  // 32 and 33 belong to the C library, which no Numpool can set: any thread changes them.
  const auto without_internal = [](const std::string& text) {
    std::istringstream in(text);
    std::string out;
    std::string name;
    for (unsigned long long bits = 0; in >> name >> std::hex >> bits;) {
      out += name + std::to_string(bits & ~0x180000000ULL) + " ";
    }
    return out;
  };
  for (const char* ignored : {"trap '' USR1 PIPE;", ""}) {
    const std::string script = std::string(ignored) + " exec \"$@\"";
    Words direct{"sh", "-c", script, "sh"};
    Words held = direct;
    for (const char* word : {"build/numpool", "run", pool.name().c_str(), "--"}) {
      held.emplace_back(word);
    }
    direct.insert(direct.end(), look.begin(), look.end());
    held.insert(held.end(), look.begin(), look.end());
    Program plain = Program(direct);
    Program leased = Program(held);
    CHECK(plain.wait() == 0);
    CHECK(leased.wait() == 0);
    CHECK(without_internal(leased.out()) == without_internal(plain.out()));
    CHECK(lines(plain.out()) == 2);
  }
}

TEST_CASE("what the command leaves behind in its group ends before the number goes back") {
  Pool pool(1);
  const Result r = run_in(pool, {"sh", "-c", "sleep 60 & echo $!; exit 3"});
  CHECK(r.status == 3);
  CHECK(!alive(std::stoi(r.out)));
  // One that ignores SIGTERM gets SIGKILL after the grace.
  const auto start = std::chrono::steady_clock::now();
  const Result stubborn =
      run_in(pool, {"sh", "-c", "trap '' TERM; sleep 60 & echo $!; exit 4"}, {"--grace", "300ms"});
  CHECK(stubborn.status == 4);
  CHECK(!alive(std::stoi(stubborn.out)));
  CHECK(took_at_most(std::chrono::seconds(10), start));
  CHECK(pool.in_use() == 0);
}

TEST_CASE("a zombie that nobody asks for does not keep us waiting") {
  Pool pool(1);
  // The process in a session of its own never reaps its child, which is still in the group.
  const std::string script =
      "perl -MPOSIX -e 'if (fork) { sleep 0.3; exit 0 } "
      "if (!fork) { exit 0 } select undef, undef, undef, 0.1; POSIX::setsid(); print \"$$\\n\"; "
      "close STDOUT; sleep 60'; sleep 0.4";
  const auto start = std::chrono::steady_clock::now();
  const Result r = run_in(pool, {"sh", "-c", script}, {"--grace", "5s"});
  CHECK(r.status == 0);
  CHECK(took_at_most(std::chrono::seconds(4), start));
  REQUIRE(lines(r.out) == 1);
  kill(std::stoi(r.out), SIGKILL);
}

TEST_CASE("what has left the group is let be") {
  Pool pool(1);
  const Result r = run_in(pool, {"sh", "-c", "setsid sleep 60 & echo $!; sleep 0.1"});
  CHECK(r.status == 0);
  const pid_t daemon = std::stoi(r.out);
  CHECK(alive(daemon));
  kill(daemon, SIGKILL);
}

TEST_CASE("nothing of ours outlives us") {
  Pool pool(1);
  // Our children while the command runs: itself and the guard.
  const std::string script =
      "cd /proc; for p in [0-9]*; do read -r x name x parent x < $p/stat || continue; "
      "if [ \"$parent\" = $PPID ] && [ $p != $$ ]; then echo $p $name; fi; done 2>/dev/null";
  const Result r = run_in(pool, {"sh", "-c", script});
  CAPTURE(r.out);
  REQUIRE(lines(r.out) == 1);
  CHECK(r.out.find(" (numpool-guard)\n") != std::string::npos);
  CHECK(!alive(std::stoi(r.out)));
}
