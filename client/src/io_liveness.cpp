// Whether anybody is behind a connection. Kernels acknowledge what a stopped server does not read,
// and a proxy may keep a connection whose other half is gone; only an answer tells.
//
// While nothing is outstanding, the client asks: a heartbeat. While a statement is outstanding,
// another session is asked what this one's backend does: an answer_watch.

#include <utility>

#include "io_internal.hpp"
#include "io_loop.hpp"

namespace numpool::detail {

void io_loop::heard() {
  heard_at_ = clock::now();
  watch_.heard();
}

bool io_loop::watches_liveness() const {
  return state_ == state::ready && engine_.options().heartbeat_interval.count() > 0;
}

std::optional<io_loop::clock::time_point> io_loop::next_liveness_event() const {
  if (question_) return question_->until();
  if (!watches_liveness()) return std::nullopt;
  if (heartbeat_is_out_) return heard_at_ + engine_.options().heartbeat_limit;
  if (!pipeline_.empty()) return watch_.next_event();
  return heard_at_ + engine_.options().heartbeat_interval;
}

/// NB: to be called when the socket has nothing to read, so that a client that did not run for a
/// while (a stopped process, a laptop that slept) hears what has come before it judges.
void io_loop::look_for_life() {
  if (!watches_liveness()) return;
  const auto silence = clock::now() - heard_at_;
  if (heartbeat_is_out_) {
    if (silence >= engine_.options().heartbeat_limit) lose_connection("the server does not answer");
  } else if (!pipeline_.empty()) {
    look_at_backend();
  } else if (silence >= engine_.options().heartbeat_interval) {
    send_heartbeat();
  }
}

/// Its limit counts from here. A pooler may have no session for it, and still be there: then it is
/// watched as any statement is.
void io_loop::send_heartbeat() {
  heartbeat_is_out_ = !engine_.shares_sessions();
  send_now(std::make_shared<internal_operation>(
      kHeartbeat, [this](const result&, const error*) { heartbeat_is_out_ = false; }));
}

void io_loop::look_at_backend() {
  connection_parameters there = parameters_;
  there.keep_host(connection_->host(), connection_->port());
  if (engine_.shares_sessions()) {
    watch_.look(there, connection_->signature());
  } else {
    watch_.look(there, engine_.session_pid, pipeline_.oldest());
  }
}

void io_loop::side_socket_woke(bool socket_ready) {
  if (question_) {
    const bool ready = socket_ready || question_->socket() < 0;
    if (ready || clock::now() >= question_->until()) whose_mark_answered(ready);
  } else if (watch_.asking()) {
    const bool ready = socket_ready || watch_.socket() < 0;
    if (!ready && clock::now() < watch_.next_event()) return;
    const auto verdict = watch_.go_on(ready, behind_pooler_);
    if (verdict != answer_watch::verdict::fine) lose_connection(reason_of(verdict));
  }
}

}  // namespace numpool::detail
