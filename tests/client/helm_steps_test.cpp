// The helm by itself, step by step.

#include "fixture.hpp"
#include "helm.hpp"

using numpool::detail::helm;

TEST_CASE("the I/O thread hears what it slept for, also while callers leave it no time to sleep") {
  helm at;
  REQUIRE(at.may_sleep(true));
  REQUIRE(at.put({nullptr, false}, true) == helm::put_result::taken);
  CHECK_FALSE(at.woke(false));  // a caller is there
  at.leave(false);
  at.wait_for_turn(-1, std::nullopt);
  std::vector<helm::submission> arrived;
  for (int i = 0; i < 3; ++i) {
    CHECK(at.put({nullptr, false}, true) == helm::put_result::left);
    CHECK_FALSE(at.may_sleep(false));  // as something has come
    CHECK(at.woke(false));
    CHECK(at.take_in(&arrived));
    CHECK(arrived.size() == 1);
    arrived.clear();
  }
}

TEST_CASE("a caller who leaves nothing behind wakes nobody, and the next one takes the helm") {
  helm at;
  REQUIRE(at.may_sleep(true));
  REQUIRE(at.put({nullptr, false}, true) == helm::put_result::taken);
  at.leave(true);
  REQUIRE(at.put({nullptr, false}, true) == helm::put_result::taken);
  CHECK(at.caller_may_sleep());
  at.caller_woke(false);
  at.leave(true);
  CHECK_FALSE(at.woke(false));  // others have been there
  // For a moment, in which nobody comes.
  at.wait_for_turn(-1, std::nullopt);
  CHECK(at.put({nullptr, false}, true) == helm::put_result::left);
}
