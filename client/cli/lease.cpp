// numpool lease, renew and release: a number that belongs to a token and outlives the command.
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

#include "access.hpp"
#include "commands.hpp"
#include "duration.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "patience.hpp"
#include "run/turn.hpp"
#include "token.hpp"
#include "token_calls.hpp"
#include "waiting_line.hpp"

namespace numpool::cli {
namespace {

using detail::timed_request;
using detail::token_answer;
using std::chrono::milliseconds;

/// What is left of --timeout, for a command that began at `started`.
std::optional<milliseconds> time_left(const arguments& args, patience::clock::time_point started) {
  if (!args.timeout) return std::nullopt;
  const auto passed = std::chrono::duration_cast<milliseconds>(patience::clock::now() - started);
  return std::max(*args.timeout - passed, milliseconds(0));
}

/// Goes on over a lost connection: asked again, the server finds what the token has.
token_answer keep(const arguments& args, client& server, const timed_request& what, int index) {
  patience left(args.connect_timeout.value_or(kPatience));
  for (;;) {
    try {
      return keep_by_token(detail::access::engine_of(server), what, index);
    } catch (const error& why) {
      const bool refused_for_now = why.sqlstate() == "55P03";
      if ((!may_pass(why) && !refused_for_now) || left.over()) throw;
    }
    std::this_thread::sleep_for(left.next_pause());
  }
}

/// Waits as `run` does, so that a command that is ended leaves nothing in the queue.
token_answer lease_in_turn(const arguments& args, const timed_request& what) {
  const auto started = patience::clock::now();
  waiting_line line(args.verbose);  // outlives the turn, whose end ends what it asks
  for (;;) {
    turn queued({options_for(args, "numpool lease"), what.pool, std::nullopt,
                 time_left(args, started), args.connect_timeout});
    line.show(queued.describer());
    pollfd event{queued.outcome_fd(), POLLIN, 0};
    while (poll(&event, 1, -1) < 0 && errno == EINTR) continue;
    line.clear();
    const lease* held = queued.outcome();
    if (!held) throw_timed_out(what.pool, queued);
    const token_answer kept = keep(args, *queued.connection(), what, held->index());
    if (kept.fence) return kept;
    // The connection went with the number before it was the token's: another turn.
  }
}

/// Waits in the place of a token that may have one already.
token_answer lease_in_place(const arguments& args, const timed_request& what) {
  const auto started = patience::clock::now();
  token_answer found;
  for (bool asked = false; !asked;) {
    try {
      with_server(
          args, options_for(args, "numpool lease"), repeat::not_in_doubt, [&](client& server) {
            waiting_line line(args.verbose);
            line.show({"waiting for \"" + what.pool + "\"", ""});
            found =
                lease_by_token(detail::access::engine_of(server), what, time_left(args, started));
            asked = true;
          });
    } catch (const error& why) {
      // Whatever the server did, it does no more when it is asked again.
      if (!in_doubt(why)) throw;
      std::this_thread::sleep_for(milliseconds(100));
    }
  }
  if (!found.fence) {
    const auto kept = found.left.value_or(std::chrono::microseconds(0));
    throw failure(kTimedOut, "timed out waiting for a number of pool \"" + what.pool +
                                 "\"; the token keeps its place for another " +
                                 format_duration(std::chrono::duration_cast<milliseconds>(kept)));
  }
  return found;
}

}  // namespace

int run_lease(const arguments& args) {
  const timed_request what{*args.pool, *args.ttl, args.token ? *args.token : detail::new_token(),
                           args.holder};
  const token_answer held = args.token ? lease_in_place(args, what) : lease_in_turn(args, what);
  const int index = held.index.value_or(-1);
  const std::int64_t fence = held.fence.value_or(0);
  if (args.json) {
    json_object out;
    out.add("pool", what.pool).add("token", what.token).add("index", index).add("fence", fence);
    print(out.str() + "\n");
  } else {
    print(what.token + " " + std::to_string(index) + " " + std::to_string(fence) + "\n");
  }
  return kSuccess;
}

int run_renew(const arguments& args) {
  token_answer held;
  with_server(args, repeat::may_be_in_doubt, [&](client& server) {
    held = renew_token(detail::access::engine_of(server), *args.token);
  });
  if (!held.left) throw failure(kLeaseLost, "the lease is over: the token has none");
  print((held.fence ? std::to_string(*held.fence) : "waiting") + "\n");
  return kSuccess;
}

int run_release(const arguments& args) {
  bool had_something = false;
  bool repeated = false;
  with_server(args, repeat::may_be_in_doubt, [&](client& server) {
    // A try before this one may have done it, and its answer been lost.
    const bool may_be_done = std::exchange(repeated, true);
    had_something = release_token(detail::access::engine_of(server), *args.token) || may_be_done;
  });
  if (!had_something) throw failure(kLeaseLost, "the lease is over: the token has none");
  return kSuccess;
}

}  // namespace numpool::cli
