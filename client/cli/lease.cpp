// numpool lease, renew and release: a number that belongs to a token and outlives the command.
#include <algorithm>
#include <csignal>
#include <thread>
#include <utility>

#include "access.hpp"
#include "commands.hpp"
#include "duration.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "patience.hpp"
#include "run/waiting.hpp"
#include "token_calls.hpp"
#include "waiting_line.hpp"

namespace numpool::cli {
namespace {

using detail::timed_request;
using detail::token_answer;
using std::chrono::microseconds;
using std::chrono::milliseconds;

std::string timed_out(const std::string& pool, milliseconds kept) {
  return "timed out waiting for a number of pool \"" + pool + "\"; the token keeps its place for " +
         "another " + format_duration(kept);
}

/// For how long yet the token keeps a place after the timeout; nothing if that is not known.
std::optional<milliseconds> place_of(const turn& queued, const std::string& token) {
  const auto server = queued.connection();
  if (!server || !queued.no_server().empty()) return std::nullopt;
  try {
    const auto left = renew_token(detail::access::engine_of(*server), token).left;
    if (left) return std::chrono::duration_cast<milliseconds>(*left);
  } catch (const error&) {
    // The timeout is what there is to tell.
  }
  return std::nullopt;
}

/// Waits as `run` does, so that a command that is ended leaves nothing in the queue.  Returns 0, or
/// the exit status if a signal ended the waiting.
int lease_in_turn(const arguments& args, bool shares_sessions, held_number& got) {
  signal_queue signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
  waiting_line line(args.verbose);  // outlives the turn, whose end ends what it asks
  client_options options = options_for(args, "numpool lease");
  options.transaction_pooling = shares_sessions;
  turn queued({std::move(options), *args.pool, std::nullopt, args.timeout, args.connect_timeout,
               timed_options_of(args)});
  line.show(queued.describer());
  const waited result = wait_for_turn(queued, signals);
  line.clear();
  if (result.signal != 0) return kSignalBase + result.signal;
  if (!result.held) {
    const auto kept = args.token ? place_of(queued, *args.token) : std::nullopt;
    if (!kept) throw_timed_out(*args.pool, queued);
    throw failure(kTimedOut, timed_out(*args.pool, *kept));
  }
  got = *result.held;
  queued.detach();
  return kSuccess;
}

/// Waits in the place of a token that may have one already, in a call that sleeps on the server and
/// is told at once.  False if there is no session to sleep in: a pooler shares it.
bool lease_in_place(const arguments& args, held_number& got) {
  const auto started = patience::clock::now();
  const timed_request what{*args.pool, *args.ttl, *args.token, args.holder};
  token_answer found;
  bool has_session = true;
  for (bool asked = false; !asked;) {
    try {
      with_server(args, options_for(args, "numpool lease"), repeat::not_in_doubt,
                  [&](client& server) {
                    detail::engine& engine = detail::access::engine_of(server);
                    has_session = !engine.shares_sessions();
                    waiting_line line(args.verbose);
                    line.show({"waiting for \"" + what.pool + "\"", ""});
                    if (has_session) found = lease_by_token(engine, what, time_left(args, started));
                    asked = true;
                  });
    } catch (const error& why) {
      // Whatever the server did, it does no more when it is asked again.
      if (!in_doubt(why)) throw;
      std::this_thread::sleep_for(milliseconds(100));
    }
  }
  if (!has_session) return false;
  if (!found.fence) {
    throw failure(kTimedOut, timed_out(what.pool, std::chrono::duration_cast<milliseconds>(
                                                      found.left.value_or(microseconds(0)))));
  }
  got = {found.index.value_or(-1), *found.fence, what.token};
  return true;
}

}  // namespace

int run_lease(const arguments& args) {
  held_number held;
  const bool in_place = args.token && !args.transaction_pooling && lease_in_place(args, held);
  if (!in_place) {
    const bool is_shared = args.token || args.transaction_pooling;
    if (const int status = lease_in_turn(args, is_shared, held)) return status;
  }
  if (args.json) {
    json_object out;
    out.add("pool", *args.pool)
        .add("token", held.token)
        .add("index", held.index)
        .add("fence", held.fence);
    print(out.str() + "\n");
  } else {
    print(held.token + " " + std::to_string(held.index) + " " + std::to_string(held.fence) + "\n");
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
  const change released = make_change(args, repeat::may_be_in_doubt, [&](client& server) {
    return release_token(detail::access::engine_of(server), *args.token);
  });
  if (released == change::not_made)
    throw failure(kLeaseLost, "the lease is over: the token has none");
  if (released == change::perhaps) {
    complain("the lease is over; whether this has released it is not known, as an answer was lost");
  }
  return kSuccess;
}

}  // namespace numpool::cli
