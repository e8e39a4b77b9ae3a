#include <doctest/doctest.h>

#include "cli/view.hpp"

using namespace numpool;
using namespace numpool::cli;
using std::chrono::microseconds;

namespace {

pool_view sample() {
  pool_view view;
  view.pool.pool = "gpu";
  view.pool.size = 3;
  view.pool.owner = "ops";
  view.pool.users = {"public", "x\n"};
  view.pool.in_use = 2;
  view.pool.free = 1;
  view.pool.waiting = 1;
  view.pool.metadata = "{\"a\": \"\\n\"}";
  view.pool.grants = 5;
  view.pool.handoffs = 2;
  view.pool.deadlocks = 1;
  view.pool.wait_total = microseconds(3000000);
  view.pool.wait_longest = microseconds(2000000);
  view.numbers = {bar_number::taken, bar_number::free, bar_number::taken};
  lease_info held;
  held.index = 2;
  held.fence = 68719476737;
  held.pid = 42;
  held.user = "me";
  held.application = "app";
  held.scope = "session";
  held.state = "held";
  held.held_for = microseconds(61000000);
  view.leases.push_back(held);
  waiter_info waiter;  // another role's: details hidden
  waiter.position = 1;
  waiter.kind = "blocking";
  waiter.waited_for = microseconds(1500);
  view.waiters.push_back(waiter);
  return view;
}

}  // namespace

TEST_CASE("one pool as text") {
  CHECK(pool_text(sample(), {80, bar_style::ascii}) ==
        "gpu: 3 numbers, 2 in use, 1 free, 1 waiting\n"
        "[#.#]\n"
        "owner: ops; users: public, x\\n\n"
        "metadata: {\"a\": \"\\\\n\"}\n"
        "5 granted, 2 of them after waiting (1s on average, 2s at most); 0 timed out, 0 cancelled, "
        "1 in a deadlock\n"
        "\n"
        "INDEX  HELD FOR  PID  USER  APPLICATION  CLIENT  SCOPE    STATE        FENCE\n"
        "    2     1m 1s   42  me    app          local   session  held   68719476737\n"
        "\n"
        "QUEUE  WAITING FOR  PID  USER  APPLICATION  KIND      TICKET\n"
        "    1          1ms    ?  ?     ?            blocking\n");
}

TEST_CASE("what is timed has its time left and its holder, and no connection") {
  pool_view view = sample();
  lease_info& held = view.leases.front();
  held.scope = "timed";
  held.pid = 0;
  held.application.reset();
  held.holder = "jane\n";
  held.time_left = microseconds(61000000);
  view.pool.expired = 3;
  const std::string text = pool_text(view, {});
  CHECK(text.find("0 cancelled, 1 in a deadlock, 3 ended by time\n") != std::string::npos);
  CHECK(text.find("INDEX  HELD FOR  PID  USER  APPLICATION  CLIENT  SCOPE  STATE        FENCE  "
                  "TIME LEFT  HOLDER\n"
                  "    2     1m 1s       me                         timed  held   68719476737  "
                  "    1m 1s  jane\\n\n") != std::string::npos);
  // Nothing in the queue is timed.
  CHECK(text.find("QUEUE  WAITING FOR  PID  USER  APPLICATION  KIND      TICKET\n") !=
        std::string::npos);
}

TEST_CASE("all pools as text") {
  CHECK(overview_text({}, {}) == "There are no pools.\n");
  CHECK(overview_text({sample()}, {}) ==
        "POOL  SIZE  IN USE  FREE  WAITING  OWNER  NUMBERS\n"
        "gpu      3       2     1        1  ops    [#.#]\n");
}

TEST_CASE("on a standby what only the primary knows is left out") {
  pool_view view;
  view.pool.pool = "gpu";
  view.pool.size = 3;
  view.pool.live = false;
  view.pool.metadata = "7";
  view.pool.owner = "ops";
  CHECK(pool_text(view, {}) == "gpu: 3 numbers\nowner: ops; users: nobody\nmetadata: 7\n");
  CHECK(overview_text({view}, {}) ==
        "POOL  SIZE  IN USE  FREE  WAITING  OWNER  NUMBERS\n"
        "gpu      3       ?     ?        ?  ops    ?\n");
  CHECK(
      overview_json({view}) ==
      "[\n  {\"pool\": \"gpu\", \"size\": 3, \"in_use\": null, \"free\": null, \"waiting\": null, "
      "\"metadata\": 7, \"grants\": null, \"handoffs\": null, \"timeouts\": null, "
      "\"cancels\": null, \"deadlocks\": null, \"timed\": null, \"expired\": null, "
      "\"resting\": null, \"out_of_service\": null, \"drained\": false, \"owner\": \"ops\", "
      "\"users\": [], "
      "\"wait_total_us\": null, \"wait_longest_us\": "
      "null, "
      "\"counting_since\": null}\n]\n");
}

TEST_CASE("what is not given, and for how long yet") {
  pool_view view = sample();
  view.leases.clear();
  view.waiters.clear();
  view.pool.resting = 30;
  view.pool.out_of_service = 1;
  numpool::detail::slot_info slot;
  slot.index = 4;
  slot.state = "out of service";
  slot.reason = "fan\n";
  view.kept_back.push_back(slot);
  slot.state = "resting";
  slot.reason.reset();
  slot.time_left = microseconds(61000000);
  for (slot.index = 5; slot.index < 35; ++slot.index) view.kept_back.push_back(slot);
  std::string text = pool_text(view, {});
  CAPTURE(text);
  CHECK(text.find("1 waiting, 30 at rest, 1 out of service\n") != std::string::npos);
  CHECK(text.find("\nINDEX  NOT GIVEN       TIME LEFT  REASON\n"
                  "    4  out of service             fan\\n\n"
                  "    5  at rest             1m 1s\n") != std::string::npos);
  CHECK(text.find("   23  at rest             1m 1s\nand 11 more: numpool slots\n") !=
        std::string::npos);
  CHECK(overview_text({view}, {}).find("[#.#]  30 at rest, 1 out of service\n") !=
        std::string::npos);
  view.pool.drained = true;
  text = pool_text(view, {});
  CHECK(text.find("1 waiting, 30 at rest, drained\n") != std::string::npos);
  CHECK(pool_json(view).find("{\"index\": 4, \"state\": \"out of service\", "
                             "\"time_left_us\": null, \"reason\": \"fan\\n\"}") !=
        std::string::npos);
}

TEST_CASE("a large pool's bar says what a cell stands for") {
  pool_view view = sample();
  view.pool.size = 65536;
  view.numbers.assign(65536, bar_number::free);
  const std::string text = pool_text(view, {80, bar_style::ascii});
  CHECK(text.find("]  a cell is 1024 numbers\n") != std::string::npos);
}

TEST_CASE("one pool and all as JSON") {
  CHECK(overview_json({}) == "[]\n");
  const std::string json = pool_json(sample());
  CHECK(json.find("{\"pool\": \"gpu\", \"size\": 3, \"in_use\": 2") == 0);
  CHECK(json.find("\"deadlocks\": 1,") != std::string::npos);
  CHECK(json.find("\"metadata\": {\"a\": \"\\n\"}") != std::string::npos);
  CHECK(json.find("\"fence\": 68719476737") != std::string::npos);
  CHECK(json.find("\"ticket\": null, \"pid\": null, \"user\": null") != std::string::npos);
}
