#include <doctest/doctest.h>

#include "cli/run/turn.hpp"

using namespace numpool;
using namespace numpool::cli;
using std::chrono::microseconds;

namespace {

pool_status gpu() {
  pool_status out;
  out.pool = "gpu";
  out.size = 2;
  out.in_use = 2;
  return out;
}

lease_info held_by(const char* user, const char* application, int pid, std::int64_t seconds) {
  lease_info out;
  if (user) out.user = user;
  if (application) out.application = application;
  out.pid = pid;
  out.held_for = microseconds(seconds * 1000000);
  return out;
}

}  // namespace

TEST_CASE("a waiter is told his place, what is in use, and who has held longest") {
  const waiting_text text = describe_queue(
      gpu(), 3, {held_by("ann", "train", 41, 5), held_by("bob", "numpool run", 42, 125)});
  CHECK(text.steady ==
        "waiting for \"gpu\": position 3, 2 of 2 in use, longest held by bob (numpool run) in "
        "session 42");
  CHECK(text.changing == " for 2m 5s");
}

TEST_CASE("what is not known is left out") {
  CHECK(describe_queue(gpu(), 0, {}).steady == "waiting for \"gpu\": 2 of 2 in use");
  CHECK(describe_queue(gpu(), 0, {}).changing.empty());
  CHECK(describe_queue(gpu(), 1, {held_by("ann", "", 41, 5)}).steady ==
        "waiting for \"gpu\": position 1, 2 of 2 in use, longest held by ann in session 41");
  CHECK(describe_queue(gpu(), 1, {held_by(nullptr, nullptr, 0, 5)}).steady ==
        "waiting for \"gpu\": position 1, 2 of 2 in use, longest held by somebody");
}
