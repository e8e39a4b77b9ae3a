// Whether anybody is behind a connection. Kernels acknowledge what a stopped server does not read,
// and a proxy may keep a connection whose other half is gone; only an answer tells.
//
// While nothing is outstanding, the client asks: a heartbeat. While a statement is outstanding, the
// server may take its time for it (it waits for somebody's lock), so another session is asked
// whether this one's backend is still there.

#include <utility>

#include "io_internal.hpp"
#include "io_loop.hpp"

namespace numpool::detail {

void io_loop::heard() {
  heard_at_ = clock::now();
  if (state_ == state::ready) question_.reset();
}

bool io_loop::watches_liveness() const {
  return state_ == state::ready && engine_.options().heartbeat_interval.count() > 0;
}

std::optional<io_loop::clock::time_point> io_loop::next_liveness_event() const {
  if (question_) return question_->until();
  if (!watches_liveness()) return std::nullopt;
  return heard_at_ + (heartbeat_is_out_ ? engine_.options().heartbeat_limit
                                        : engine_.options().heartbeat_interval);
}

/// NB: to be called when the socket has nothing to read, so that a client that did not run for a
/// while (a stopped process, a laptop that slept) hears what has come before it judges.
void io_loop::look_for_life() {
  if (!watches_liveness() || question_) return;
  const auto silence = clock::now() - heard_at_;
  if (heartbeat_is_out_) {
    if (silence >= engine_.options().heartbeat_limit) lose_connection("the server does not answer");
  } else if (silence >= engine_.options().heartbeat_interval) {
    ask_for_life();
  }
}

void io_loop::ask_for_life() {
  const auto limit = engine_.options().heartbeat_limit;
  if (pipeline_.empty()) {
    heard_at_ = clock::now();  // the limit counts from here
    heartbeat_is_out_ = true;
    send_now(std::make_shared<internal_operation>(
        kHeartbeat, [this](const result&, const error*) { heartbeat_is_out_ = false; }));
    return;
  }
  connection_parameters there = parameters_;
  there.keep_host(connection_->host(), connection_->port());
  question_.emplace(there, kBackendIsThere, std::to_string(engine_.session_pid.load()),
                    clock::now() + limit);
}

void io_loop::question_ready(bool ready) {
  const auto outcome = question_->go_on(ready);
  using is = side_question::outcome;
  if (outcome == is::pending) return;
  // A pooler that took the question and has no session for it is alive.
  const bool pooler_is_full = behind_pooler_ && outcome == is::silent && question_->asked();
  question_.reset();
  if (state_ == state::setting_up) {
    whose_mark_answered(outcome);
  } else if (outcome == is::no) {
    lose_connection("the server's end of the connection is gone");
  } else if (outcome == is::silent && !pooler_is_full) {
    lose_connection("the server does not answer");
  } else {
    heard_at_ = clock::now();  // it is there, or a server that is full says nothing of it
  }
}

}  // namespace numpool::detail
