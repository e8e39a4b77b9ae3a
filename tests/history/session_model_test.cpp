// Each answer that no session may have had is found when it is planted (P6); a log in which all is
// as promised has none.
#include <doctest/doctest.h>

#include <sstream>

#include "history/session_model.h"

using namespace numpool_test;

namespace {

class Book : public LeaseSink {
 public:
  std::size_t began(const Event& grant, int) override {
    begins.push_back(grant.asked);
    ends.push_back(kNever);
    return ends.size() - 1;
  }
  void ended(std::size_t lease, Time asked, Time) override {
    if (ends[lease] == kNever) ends[lease] = asked;
  }
  void broken(const std::string& what) override { faults.push_back(what); }

  std::vector<Time> begins, ends;
  std::vector<std::string> faults;
};

// A session's log: a statement a line, each one tick long, the first one asked at 0. `wipes` are
// known.
Book replay(const std::string& log, const Wipes& wipes = Wipes()) {
  Book book;
  SessionModel model(book, &wipes);
  std::istringstream lines(log);
  std::string line;
  Event event;
  for (Time time = 0; std::getline(lines, line); time += 10) {
    line += " " + std::to_string(time) + " " + std::to_string(time + 1);
    REQUIRE_MESSAGE(from_line(line, &event), line);
    model.apply(event);
  }
  return book;
}

void sound(const std::string& log) {
  CAPTURE(log);
  const Book book = replay(log);
  CHECK(book.faults.empty());
  for (const std::string& fault : book.faults) MESSAGE(fault);
}

// The last line of the log is the fault.
void broken(const std::string& log) {
  CAPTURE(log);
  CHECK_FALSE(replay(log).faults.empty());
  CHECK(replay(log.substr(0, log.rfind('\n', log.size() - 2) + 1)).faults.empty());
}

// Pool 1; scopes are session and transaction.
const std::string kHolds = "session 0 42 0 0 -\nacquire 1 0 7 0 session\n";
const std::string kBegin = kHolds + "begin 0 0 0 0 -\n";
const std::string kReleased = kBegin + "release 1 0 0 0 t\n";
const std::string kTicket = "session 0 42 0 0 -\nenqueue 1 -1 0 5 -\n";

}  // namespace

TEST_CASE("model: what a transaction does is undone by its end") {
  sound(kReleased + "acquire 1 0 7 0 session\ncommit 0 0 0 0 -\nfence 1 0 7 0 -\n");
  sound(kReleased + "rollback 0 0 0 0 -\nfence 1 0 7 0 -\nrelease 1 0 0 0 t\nfence 1 0 0 0 -\n");
  sound(kReleased + "commit 0 0 0 0 -\nfence 1 0 0 0 -\nacquire 1 0 8 0 session\n");
  sound(kReleased +
        "savepoint 0 1 0 0 -\nacquire 1 0 7 0 session\nrollback_to 0 1 0 0 -\n"
        "release 1 0 0 0 f\nrollback 0 0 0 0 -\nrelease 1 0 0 0 t\n");
  sound(kBegin +
        "savepoint 0 1 0 0 -\nacquire 1 1 8 0 session\nrelease_savepoint 0 1 0 0 -\n"
        "rollback 0 0 0 0 -\nfence 1 1 0 0 -\nfence 1 0 7 0 -\n");
  sound(kBegin + "acquire 1 1 8 0 transaction\ncommit 0 0 0 0 -\nfence 1 1 0 0 -\n");
  sound(
      kBegin +
      "release_all 0 1 0 0 -\nrelease_all 0 0 0 0 -\nrollback 0 0 0 0 -\nrelease_all 0 1 0 0 -\n");
  sound(kReleased + "error 0 0 0 0 22012:E\ncommit 0 0 0 0 -\nfence 1 0 7 0 -\n");
  sound(kHolds + "error 0 0 0 0 57014:I\nfence 1 0 7 0 -\ndiscard 0 0 0 0 -\nfence 1 0 0 0 -\n");
}

TEST_CASE("model: planted answers that break a promise") {
  // A rollback that lost a lease, or kept one.
  broken(kReleased + "rollback 0 0 0 0 -\nfence 1 0 0 0 -\n");
  broken(kReleased + "rollback 0 0 0 0 -\nfence 1 0 8 0 -\n");
  broken(kReleased + "rollback 0 0 0 0 -\nrelease 1 0 0 0 f\n");
  broken(kBegin + "acquire 1 1 8 0 session\nrollback 0 0 0 0 -\nfence 1 1 8 0 -\n");
  broken(kBegin + "acquire 1 1 8 0 session\nrollback 0 0 0 0 -\nrelease 1 1 0 0 t\n");
  // The same of a savepoint.
  broken(kBegin +
         "savepoint 0 1 0 0 -\nacquire 1 1 8 0 session\nrollback_to 0 1 0 0 -\nfence 1 1 8 0 -\n");
  broken(kBegin +
         "savepoint 0 1 0 0 -\nrelease 1 0 0 0 t\nrollback_to 0 1 0 0 -\nrelease 1 0 0 0 f\n");
  broken(kReleased +
         "savepoint 0 1 0 0 -\nacquire 1 0 7 0 session\nrollback_to 0 1 0 0 -\n"
         "release 1 0 0 0 t\n");
  // A commit that did not release, or ended too much.
  broken(kReleased + "commit 0 0 0 0 -\nfence 1 0 7 0 -\n");
  broken(kBegin + "commit 0 0 0 0 -\nfence 1 0 0 0 -\n");
  broken(kBegin + "acquire 1 1 8 0 transaction\ncommit 0 0 0 0 -\nfence 1 1 8 0 -\n");
  broken("session 0 42 0 0 -\nacquire 1 0 7 0 transaction\nfence 1 0 7 0 -\n");
  // An error after which something had happened.
  broken(kReleased + "error 0 0 0 0 22012:E\nrollback 0 0 0 0 -\nfence 1 0 0 0 -\n");
  broken(kHolds + "error 0 0 0 0 57014:I\nrelease 1 0 0 0 f\n");
  // Take-backs.
  broken(kReleased + "acquire 1 0 8 0 session\n");
  broken(kReleased + "acquire 1 1 8 0 session\n");
  broken(kReleased + "acquire 1 -1 0 0 session\n");
  broken(kHolds +
         "acquire 1 1 8 0 session\nbegin 0 0 0 0 -\nrelease_all 0 2 0 0 -\n"
         "acquire 1 1 8 0 session\n");
  // Answers that tell what the session holds.
  broken(kHolds + "acquire 1 0 8 0 session\n");
  broken(kHolds + "acquire 1 1 0 0 session\n");
  broken(kHolds + "fence 1 1 8 0 -\n");
  broken(kHolds + "release 1 1 0 0 t\n");
  broken(kHolds + "release_all 0 2 0 0 -\n");
  broken(kReleased + "release 1 0 0 0 t\n");
  broken(kHolds + "discard 0 0 0 0 -\nfence 1 0 7 0 -\n");
  // Transactions of the driver itself.
  broken(kHolds + "error 0 0 0 0 57014:E\n");
  broken(kBegin + "error 0 0 0 0 57014:T\n");
  broken(kBegin + "begin 0 0 0 0 -\n");
  broken(kHolds + "session 0 43 0 0 -\n");
}

TEST_CASE("model: tickets") {
  sound(kTicket + "granted 1 0 7 5 poll\nrelease 1 0 0 0 t\nfence 1 0 0 0 -\n");
  sound(kTicket + "cancel 1 0 0 5 t\nrelease_all 0 0 0 0 -\n");
  sound(kTicket + "granted 1 0 7 5 poll\ncancel 1 0 0 5 t\nfence 1 0 0 0 -\n");
  sound(kTicket +
        "begin 0 0 0 0 -\nsavepoint 0 1 0 0 -\ngranted 1 0 7 5 poll\n"
        "rollback 0 0 0 0 -\nfence 1 0 7 0 -\n");
  sound(kTicket + "begin 0 0 0 0 -\ncancel 1 0 0 5 t\nrollback 0 0 0 0 -\ngranted 1 0 7 5 poll\n");
  sound(kTicket + "fence 1 0 7 0 -\n");  // it may have been granted
  broken(kTicket + "cancel 1 0 0 5 f\n");
  broken(kTicket + "cancel 1 0 0 5 t\ncancel 1 0 0 5 t\n");
  broken(kTicket + "granted 1 0 7 5 poll\ngranted 1 1 8 5 poll\n");
  broken(kTicket + "cancel 1 0 0 5 t\ngranted 1 0 7 5 notification\n");
  broken(kTicket + "release_all 0 0 0 0 -\n");
  broken(kTicket + "enqueue 1 -1 0 5 -\n");
}

TEST_CASE("model: when a lease was surely held") {
  // A lease ends at the earliest when the COMMIT of its release is asked for; an acquire that is
  // rolled back, when the ROLLBACK is.
  CHECK(replay(kReleased + "commit 0 0 0 0 -\n").ends == std::vector<Time>{40});
  CHECK(replay(kBegin + "acquire 1 1 8 0 session\nrollback 0 0 0 0 -\n").ends ==
        std::vector<Time>{kNever, 40});
  // Whatever an error may have ended counts as ended.
  CHECK(replay(kBegin + "acquire 1 1 8 0 session\nerror 0 0 0 0 22012:E\nrollback 0 0 0 0 -\n")
            .ends == std::vector<Time>{kNever, 40});
  // After a session is lost, its last answer is all that anybody knows of it.
  CHECK(replay(kHolds + "alive 0 0 0 0 -\nlost 0 0 0 0 -\n").ends == std::vector<Time>{20});
  CHECK(replay(kHolds + "alive 0 0 0 0 -\nclose 0 0 0 0 -\n").ends == std::vector<Time>{20});
  CHECK(replay(kTicket + "granted 1 0 7 5 notification\nclose 0 0 0 0 -\n").ends ==
        std::vector<Time>{10});
  // A ticket's lease may have begun when it was enqueued.
  CHECK(replay(kTicket + "alive 0 0 0 0 -\ngranted 1 0 7 5 poll\n").begins ==
        std::vector<Time>{10});
}

TEST_CASE("model: a drop by others explains what it may have caused, and nothing else") {
  Wipes wipes;
  wipes.add(1, 15, 16);
  wipes.sort();
  for (const char* line : {"fence 1 0 0 0 -\n", "release 1 0 0 0 f\n", "acquire 1 0 9 0 session\n",
                           "release_all 0 0 0 0 -\n"}) {
    CAPTURE(line);
    CHECK(replay(kHolds + line, wipes).faults.empty());
    Wipes later;
    later.add(1, 1000, 1001);
    later.add(2, 15, 16);
    later.sort();
    const bool counts_all = std::string(line).rfind("release_all", 0) == 0;
    if (!counts_all) CHECK(replay(kHolds + line, later).faults.size() == 1);
  }
  CHECK(replay(kTicket + "cancel 1 0 0 5 f\n", wipes).faults.empty());
  // The session's own releases may have been of the pool that was there before.
  Wipes dropped;
  dropped.add(1, 35, 36);
  dropped.sort();
  CHECK(replay(kReleased + "acquire 1 0 9 0 session\n", dropped).faults.empty());
}
