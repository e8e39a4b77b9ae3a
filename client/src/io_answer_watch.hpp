#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "io_question.hpp"

namespace numpool::detail {

struct statement;

/// Watches over an answer that is due. The server may take its time for it (it waits for somebody's
/// lock), so silence alone proves nothing, and nothing can be asked on the same connection. Another
/// session is asked what the backend does:
///
/// - It is gone: the connection is lost.
/// - It is at work on the statement: all is well, and it is asked again after the interval.
/// - It is there and does something else: the statement never came, or the answer was sent and
/// never
///   came; or a pooler has given the backend to another client. Both may still be on their way, so
///   it is asked again and again, and only when nothing has shown it at work, or was heard, for the
///   limit is the connection lost.
/// - Nobody answers: the connection is lost once interval and limit together are over.
///
/// At work on the statement is who began it when the silence began; what is sent may be late by
/// half the limit. A backend that began later is at work for somebody else, or has sent answers
/// that never came. One that is stopped or hangs in the middle of the statement is taken to be at
/// work: it still has what it has leased. Not thread-safe.
class answer_watch {
 public:
  using clock = side_question::clock;
  using milliseconds = std::chrono::milliseconds;
  enum class verdict { fine, backend_gone, answer_lost, server_silent };

  answer_watch(milliseconds interval, milliseconds limit);

  /// Something came, or is due from now on.
  void heard();

  /// When something is to be done without the socket.
  clock::time_point next_event() const;
  bool asking() const { return question_.has_value(); }
  /// -1 while it does not ask.
  int socket() const { return question_ ? question_->socket() : -1; }
  short events() const { return question_ ? question_->events() : static_cast<short>(0); }

  /// Asks, if it is time and it does not yet. `there` leads to the server; `oldest` is what an
  /// answer is due to, or null if that is not known.
  void look(const connection_parameters& there, int backend, const statement* oldest);
  /// The same where nobody knows which backend is at work on it: the statement has a signature.
  void look(const connection_parameters& there, const std::string& signature);
  /// While it asks. A pooler that took the question and has no session for it says nothing.
  verdict go_on(bool socket_ready, bool behind_pooler);

 private:
  bool may_ask(clock::time_point now) const { return !question_ && now >= next_look_; }
  void ask(const connection_parameters& there, const char* sql, std::vector<std::string> values);
  verdict suspect();

  const milliseconds interval_;
  const milliseconds limit_;
  clock::time_point heard_at_{};
  clock::time_point shown_at_{};  ///< when it was last heard or seen at work
  clock::time_point next_look_{};
  std::optional<clock::time_point> suspected_since_;
  std::optional<side_question> question_;
};

/// What the loss of a connection is said to be; not for verdict::fine.
const char* reason_of(answer_watch::verdict why);

}  // namespace numpool::detail
