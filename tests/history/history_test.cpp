// Logs are read as written; each kind of fault is found when it is planted in a log.
#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "history/checker.h"
#include "history/log.h"

using namespace numpool_test;

namespace {

// Logs in a folder that is gone at the end.
class Logs {
 public:
  Logs() : folder_(std::filesystem::temp_directory_path() / pattern()) {
    std::filesystem::create_directories(folder_);
  }
  ~Logs() { std::filesystem::remove_all(folder_); }
  Logs(const Logs&) = delete;
  Logs& operator=(const Logs&) = delete;

  void add(const std::string& text) {
    files_.push_back(folder_ / std::to_string(files_.size()));
    std::ofstream(files_.back()) << text;
  }
  History read() const {
    History history;
    history.read(files_);
    return history;
  }
  std::vector<Fault> faults() const { return check(read(), true); }
  bool finds(Broken what) const {
    for (const Fault& fault : faults())
      if (fault.what == what) return true;
    return false;
  }

 private:
  static std::string pattern() { return "numpool_history_" + std::to_string(getpid()); }
  std::filesystem::path folder_;
  std::vector<std::string> files_;
};

// One holds index 0 of pool 1 from 21 to 50, the other waits by ticket from 31 and gets it at 55.
const char kFirst[] =
    "session 0 100 0 0 - 10 11\nacquire 1 0 7 0 session 20 21\nrelease 1 0 0 0 t 50 51\n"
    "close 0 0 0 0 - 90 91\n";
const char kSecond[] =
    "session 0 200 0 0 - 10 12\nenqueue 1 -1 0 5 - 30 31\ngranted 1 0 8 5 notification 32 55\n"
    "release 1 0 0 0 t 80 81\nclose 0 0 0 0 - 90 92\n";
const char kLooks[] = "count 1 1 1 0 1 1 40 41\nqueue 1 42 43 200:5\ncount 1 1 0 1 0 0 100 101\n";

}  // namespace

TEST_CASE("history: sound logs are sound") {
  Logs logs;
  for (const char* log : {kFirst, kSecond, kLooks}) logs.add(log);
  CHECK(logs.faults().empty());
  const History history = logs.read();
  REQUIRE(history.leases.size() == 2);
  CHECK(history.leases[0].end_asked == 50);
  CHECK(history.leases[1].ticket == 5);
  CHECK(history.leases[1].asked == 30);
  CHECK(history.queues.size() == 2);  // and the ticket's own
  CHECK(history.events == 12);
}

TEST_CASE("history: planted faults of every kind") {
  struct Planted {
    Broken what;
    const char* log;
  };
  const Planted kAll[] = {
      {Broken::kTwoHolders,
       "session 0 9 0 0 - 1 2\nacquire 1 0 9 0 session 40 41\nalive 0 0 0 0 - 70 71\n"},
      {Broken::kFenceRepeated, "session 0 9 0 0 - 1 2\nacquire 1 3 8 0 session 60 61\n"},
      {Broken::kFenceOrder, "session 0 9 0 0 - 1 2\nacquire 1 3 6 0 session 60 61\n"},
      {Broken::kQueueOrder,
       "session 0 9 0 0 - 1 2\nacquire 1 3 9 0 session 30 70\nqueue 1 44 45 9:0 200:5\n"},
      // Whoever asked after the ticket was told had a number before it.
      {Broken::kOvertaken, "session 0 9 0 0 - 1 2\nacquire 1 3 7 0 session 33 34\n"},
      {Broken::kIdleNumber, "count 1 1 0 1 1 0 60 61\n"},
      {Broken::kMiscounted, "count 1 1 1 1 0 1 60 61\n"},
      {Broken::kDroppedHeld, "wipe 1 0 0 0 unused 60 61\n"},
      {Broken::kLeftOver, "count 1 1 1 0 0 1 102 103\n"},
      {Broken::kAnswer, "session 0 9 0 0 - 1 2\nfence 1 0 7 0 - 40 41\n"},
      {Broken::kSeen, "fault something odd\n"},
      {Broken::kSeen, "what is this\n"},
      {Broken::kSeen, "acquire 1 0\n"},
      {Broken::kSeen, "acquire 1 0 9 0 session 41 40\n"}};
  for (const Planted& planted : kAll) {
    CAPTURE(planted.log);
    Logs logs;
    for (const char* log : {kFirst, kSecond, kLooks, planted.log}) logs.add(log);
    CHECK(logs.finds(planted.what));
  }
}

TEST_CASE("history: a killed worker's log") {
  Logs logs;
  // It ends anywhere; what it held was surely held until its last answer.
  logs.add(kFirst);
  logs.add("session 0 9 0 0 - 1 2\nacquire 1 1 9 0 session 60 61\nalive 0 0 0 0 - 65 66\nacqui");
  CHECK(logs.faults().empty());
  CHECK(logs.read().leases.at(1).end_asked == 65);
  logs.add("session 0 8 0 0 - 1 2\nacquire 1 1 10 0 session 66 67\nclose 0 0 0 0 - 70 71\n");
  CHECK(logs.faults().empty());
  logs.add("session 0 8 0 0 - 1 2\nacquire 1 1 11 0 session 63 64\nclose 0 0 0 0 - 70 71\n");
  CHECK(logs.finds(Broken::kTwoHolders));
}

TEST_CASE("history: drops end leases, and a new extension begins fences anew") {
  const std::string dropped =
      "session 0 9 0 0 - 1 2\nacquire 1 0 9 0 session 62 63\nclose 0 0 0 0 - 95 96\n";
  Logs logs;
  for (const char* log : {kFirst, kSecond, kLooks}) logs.add(log);
  logs.add(dropped);
  CHECK(logs.finds(Broken::kTwoHolders));
  logs.add("wipe 2 0 0 0 - 58 59\n");
  CHECK(logs.finds(Broken::kTwoHolders));
  logs.add("wipe 1 0 0 0 - 58 59\n");
  CHECK(logs.faults().empty());
  logs.add("session 0 8 0 0 - 1 2\nacquire 1 0 1 0 session 97 98\nclose 0 0 0 0 - 99 99\n");
  CHECK(logs.finds(Broken::kFenceOrder));
  logs.add("reset -1 0 0 0 - 96 97\n");
  CHECK(logs.finds(Broken::kFenceOrder) == false);
}

TEST_CASE("history: a lease does not outlive its primary") {
  // The holder of the old primary, which went at 45, learns of that only after the new primary has
  // given the number again.
  const std::string old = "session 0 9 0 0 - 1 2\nacquire 1 0 7 0 session 20 21\n";
  const std::string lost = "lost 0 0 0 0 - 80 80\n";
  Logs logs;
  logs.add("death 0 0 0 0 failover-fast 40 45\n");
  logs.add("session 0 8 0 0 - 60 61\nacquire 1 0 99 0 session 65 66\nclose 0 0 0 0 - 90 91\n");
  SUBCASE("it ends in time") {
    logs.add(old + lost);
    CHECK(logs.faults().empty());
    const History history = logs.read();
    REQUIRE(history.deaths.size() == 1);
    CHECK(history.deaths[0].pid == 0);
    CHECK(history.deaths[0].gone == 45);
  }
  SUBCASE("its holder is answered after that") {
    logs.add(old + "fence 1 0 7 0 - 70 71\n" + lost);
    CHECK(logs.finds(Broken::kTwoHolders));
  }
  SUBCASE("the new primary has gone back to smaller fences") {
    logs.add(old + lost);
    logs.add("session 0 7 0 0 - 1 2\nacquire 1 1 100 0 session 30 31\nlost 0 0 0 0 - 80 80\n");
    CHECK(logs.finds(Broken::kFenceOrder));
  }
}

TEST_CASE("history: the shortest counter-examples come first") {
  Logs logs;
  std::string text = "session 0 9 0 0 - 1 2\n";
  for (int i = 0; i < 20; i++) {
    const std::string end = std::to_string(1000 * (20 - i) + 500);
    text += "acquire 1 " + std::to_string(i) + " 7 0 session 500 " + end + "\n";
  }
  logs.add(text);
  const std::vector<Fault> faults = logs.faults();
  REQUIRE(faults.size() == 5);
  CHECK(faults.front().span <= faults.back().span);
  CHECK(faults.front().detail.find("index 19") != std::string::npos);
}

TEST_CASE("history: a log is written line by line") {
  Logs logs;
  const std::string file =
      std::filesystem::temp_directory_path() / ("numpool_log_" + std::to_string(getpid()));
  {
    Log log(file);
    log.write({Verb::kAcquire, 1, 2, 3, 4, "session", 5, 6});
    log.fault("two\nlines");
  }
  History history;
  history.read({file});
  std::filesystem::remove(file);
  CHECK(history.leases.size() == 1);
  CHECK(history.faults == std::vector<std::string>{"two lines"});
  History missing;
  missing.read({file});
  CHECK(missing.faults.size() == 2);
}
