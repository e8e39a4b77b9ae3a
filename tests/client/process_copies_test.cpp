// fork(): the parent goes on, and the copy does no harm.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "fixture.hpp"

using numpool::error_kind;

TEST_CASE_FIXTURE(fixture, "a copy made by fork() ends without harm, whatever it destroys") {
  numpool::pool pool = client.create_or_open(id, 3);
  for (int round = 0; round < 10; ++round) {
    auto other = std::make_unique<numpool::client>();
    const numpool::pool theirs = other->open(id);
    std::optional<numpool::lease> held(theirs.acquire());
    auto busy = theirs.acquire_future();  // the I/O thread may hold any lock just now
    const pid_t copy = ::fork();
    REQUIRE(copy >= 0);
    if (copy == 0) {
      ::alarm(20);  // a deadlock would end the test, not the run
      bool good = kind_of([&] { (void)theirs.acquire(); }) == error_kind::client_closed;
      good = good && kind_of([&] { held->release(); }) == error_kind::client_closed;
      good = good && kind_of([&] { (void)other->list(); }) == error_kind::client_closed;
      held.reset();
      other->close();
      other.reset();
      ::_exit(good ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(copy, &status, 0) == copy);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(held->held());
    CHECK(eventually([&] { return pool.status().in_use == 2; }));
    CHECK(busy.get().index() == 1);
    held->release();
    CHECK(theirs.acquire().index() == 0);
  }
}

// ThreadSanitizer cannot follow threads that a forked copy starts, and ends it.
#ifdef __SANITIZE_THREAD__
constexpr bool kFollowsCopies = false;
#else
constexpr bool kFollowsCopies = true;
#endif

TEST_CASE_FIXTURE(fixture, "a new client in the child works beside the old one" *
                               doctest::skip(!kFollowsCopies)) {
  client.create_or_open(id, 2);
  numpool::lease held = client.open(id).acquire();
  const pid_t copy = ::fork();
  REQUIRE(copy >= 0);
  if (copy == 0) {
    ::alarm(20);
    int index = -1;
    kind_of([&] {
      numpool::client own;
      index = own.open(id).acquire().index();
    });
    ::_exit(index == 1 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(copy, &status, 0) == copy);
  CHECK(status == 0);
  CHECK(held.held());
  CHECK(client.open(id).status().in_use == 1);
}

TEST_CASE_FIXTURE(fixture, "the library's threads leave signals to the program") {
  client.create_or_open(id, 1);
  std::promise<void> in_callback;
  client.open(id).acquire_async([&](numpool::acquire_result) {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    CHECK(sigismember(&blocked, SIGTERM) == 1);
    CHECK(sigismember(&blocked, SIGUSR1) == 1);
    in_callback.set_value();
  });
  in_callback.get_future().get();
  sigset_t ours;
  pthread_sigmask(SIG_SETMASK, nullptr, &ours);
  CHECK(sigismember(&ours, SIGTERM) == 0);
}
