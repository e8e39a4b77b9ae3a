#pragma once

#include <libpq-fe.h>

#include <array>
#include <memory>
#include <string>

#include "pg_conninfo.hpp"
#include "pg_result.hpp"
#include "pg_statement.hpp"

namespace numpool::detail {

/// A libpq connection in non-blocking mode. Not thread-safe: one thread works it.
class connection {
 public:
  enum class progress { failed, reading, writing, done };

  /// A PREPARE under way; none if slot is -1.
  struct preparation {
    int slot = -1;
    int text_version = 0;
  };

  /// Starts to connect; poll() goes on. Name resolution blocks, as libpq does it.
  explicit connection(const connection_parameters& parameters);

  /// Goes on connecting once the socket is ready; says what to wait for next.
  progress poll();

  /// After poll() said done. Throws error_kind::cannot_connect if libpq will not.
  void enter_pipeline_mode();

  /// Of the host being tried or connected to.
  std::string host() const { return text(PQhost(handle_.get())); }
  std::string port() const { return text(PQport(handle_.get())); }

  int socket() const { return PQsocket(handle_.get()); }
  /// As the peer said when the connection was made. NB: a pooler invents it.
  int announced_pid() const { return PQbackendPID(handle_.get()); }
  bool broken() const { return PQstatus(handle_.get()) == CONNECTION_BAD; }
  std::string message() const { return trimmed(PQerrorMessage(handle_.get())); }
  PGconn* handle() const { return handle_.get(); }
  bool needs_password() const { return PQconnectionNeedsPassword(handle_.get()) == 1; }

  /// What the client marks the server's session with: random, another one for each connection.
  const std::string& mark() const { return mark_; }
  /// What the server said when it ended the session (an error of severity FATAL or PANIC), or
  /// empty. Its leases are over from then on, whenever the connection goes.
  const std::string& last_words() const { return *last_words_; }
  /// Whether a failed result ends the session; then it becomes last_words().
  bool note_last_words(const PGresult* failed) { return note(*last_words_, failed); }

  /// From now on statements are parsed each time, so that none stays behind in a session that a
  /// pooler may give to others.
  void leave_nothing_prepared() { may_prepare_ = false; }

  /// From now on each statement begins with signature(), so that it can be found at work in
  /// whatever session a pooler gave it.
  void sign_statements() { signature_ = "/* numpool " + mark_ + " */ "; }
  const std::string& signature() const { return signature_; }

  /// Sends it as a transaction of its own; `schema` stands in for "{}". False if the
  /// connection is gone. Its answer comes as results and then a PGRES_PIPELINE_SYNC. A statement
  /// that has to be prepared first says so in *preparing, for prepared().
  bool send(const request& message, const std::string& schema, preparation* preparing);

  /// The answer to `which` came: the statement is prepared now, or is not.
  void prepared(const preparation& which, bool success);

  /// To be called when a statement's text may mean something else now.
  void forget_prepared();

  /// Writes what is buffered; *more tells whether some of it must wait for the socket.
  bool flush(bool* more);

  /// Reads what has come. False if the connection is gone.
  bool consume() { return PQconsumeInput(handle_.get()) == 1; }

 private:
  static bool note(std::string& last_words, const PGresult* failed);
  static std::string text(const char* from) { return from != nullptr ? from : ""; }

  enum class slot_state { unknown, preparing, ready };

  struct closer {
    void operator()(PGconn* handle) const { PQfinish(handle); }
  };

  std::unique_ptr<std::string> last_words_ = std::make_unique<std::string>();  // libpq points to it
  std::string mark_;
  std::string signature_;
  bool may_prepare_ = true;
  std::unique_ptr<PGconn, closer> handle_;
  std::array<slot_state, kPreparedSlots> slots_{};
  int text_version_ = 0;
};

/// The text of `what` with its schema filled in.
std::string text_of(const statement& what, const std::string& schema);

}  // namespace numpool::detail
