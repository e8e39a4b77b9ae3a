#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "io_answer_watch.hpp"
#include "io_backoff.hpp"
#include "pg_connecting.hpp"
#include "pg_connection.hpp"
#include "engine.hpp"
#include "io_books.hpp"
#include "io_timed.hpp"
#include "io_question.hpp"
#include "notification.hpp"
#include "pg_pipeline.hpp"

namespace numpool::detail {

/// What the thread at the helm runs: the connection and everything bound to it. Nothing here is
/// locked, nothing here runs code of the user, and only poll() and name resolution block. That is
/// the I/O thread, or for a while a caller: see helm. "The I/O thread" is meant as well, in all
/// that is bound to the connection, where a caller does its work.
///
///     state      | connection   | leaves it when
///     connecting | being made   | it stands: setting_up; it fails or takes too long: pausing,
///     offline setting_up | stands       | the session is ours and can be used: ready; else as
///     connecting ready      | in use       | it breaks, or nobody is behind it: pausing pausing |
///     none         | the pause is over: connecting offline    | none         | an operation comes:
///     connecting
class io_loop {
 public:
  explicit io_loop(engine& owner);

  /// The I/O thread: until the engine is closed.
  void run();

  // A caller that has taken the helm (io_caller.cpp). It is not at the helm any more afterwards.
  // NB: an exception ends the program, as it does on the I/O thread. There is none but for want of
  // memory or of a thread, and it may come when a statement was sent and is not noted yet, or when
  // an answer was read that somebody else waits for: whom it would be handed to could not mend it.
  /// Sends `op`.
  void send_as_caller(std::shared_ptr<operation> op) noexcept;
  /// And reads until it is over, the deadline is past or somebody else needs the connection.
  void drive(const std::shared_ptr<operation>& op,
             std::optional<std::chrono::steady_clock::time_point> deadline) noexcept;

  // For operations.
  std::uint64_t connection_number() const { return connection_number_; }
  lease_book& leases() { return leases_; }
  timed_book& timed() { return timed_; }
  void send_again(std::shared_ptr<operation> op) { backlog_.push_back(std::move(op)); }
  /// Ahead of all that has not been sent yet.
  void send_first(std::shared_ptr<operation> op) {
    backlog_.insert(backlog_.begin(), std::move(op));
  }
  void ticket_known(std::int64_t ticket, std::shared_ptr<wait_operation> wait);
  void cancel_ticket(std::int64_t ticket);
  void forget_schema();
  /// Has op->expired() called at `when`, unless that is forgotten before.
  void watch_deadline(std::chrono::steady_clock::time_point when, std::shared_ptr<expiring> op);
  void forget_deadline(std::chrono::steady_clock::time_point when, const expiring& op);
  /// Sends it again after the pause.
  void send_later(std::chrono::milliseconds pause, std::shared_ptr<operation> op);

 private:
  using clock = std::chrono::steady_clock;

  /// Statements with what can be a batch's that are sent at once, and that may be under way when
  /// more are: while the threads wake that the answer to one was for, the server has another.
  static constexpr std::size_t kRoundTrips = 2;
  /// A lone thread has a release outstanding, that it does not wait for, and what it does wait for.
  static constexpr std::size_t kOfOneCaller = 2;
  /// How often in a row nothing must be outstanding before the helm is lent after a crowd: each
  /// time it is lent in vain costs both threads a wake-up.
  static constexpr int kCrowdMemory = 16;

  enum class state { connecting, setting_up, ready, pausing, offline };

  // Connecting (io_connect.cpp).
  void start_connecting();
  void go_on_connecting(bool ready);
  void attempt_failed(const error& why);
  void give_up_connecting(const error& why);
  void lose_connection(const std::string& reason);
  void connection_gone(const std::string& reason);
  void stop_using_connection();
  std::size_t extra_hosts() const;

  // Setting a session up (io_set_up.cpp).
  void begin_set_up();
  void greet();
  void marked(const result& answer);
  void ask_whose_mark();
  void set_up_step_done();
  void set_up_failed(const error& why);
  void whose_mark_answered(bool socket_ready);
  void leave_shared_session();
  void find_schema();
  void schema_found(const std::string& schema);
  void channel_found(const std::string& schema, const result& answer, const error* failed);
  void schema_missing(const error& why);

  // Whether anybody is there (io_liveness.cpp).
  bool watches_liveness() const;
  std::optional<clock::time_point> next_liveness_event() const;
  void look_for_life();
  void send_heartbeat();
  void look_at_backend();
  void side_socket_woke(bool socket_ready);
  void heard();

  // What is to be done at a time (io_due.cpp).
  void do_what_is_due();
  void take_back_retries();

  // Lending the helm (io_caller.cpp).
  class leaving;
  bool is_plain() const;
  bool may_lend();
  void start_as_caller(std::shared_ptr<operation> op);
  bool sleep_as_caller(std::optional<clock::time_point> deadline);
  void send_for_others();

  // Working (io_loop.cpp).
  void take_in(std::vector<helm::submission>* arrived);
  bool may_send() const;
  bool is_held_back(const operation& op) const;
  void take_back(std::shared_ptr<operation> op);
  void send_backlog();
  bool send_now(std::shared_ptr<operation> op);
  void sleep();
  void woke(bool socket_ready, bool side_socket_ready);
  short socket_events() const;
  std::optional<clock::time_point> next_event() const;
  int timeout_ms() const;
  void work(bool readable);
  void handle_answers();
  void handle_notifications();
  void handle(const notification& what);
  bool tell_loss(const notification& what);
  void tell_early_losses();
  void shut_down();
  void give_back_all(const std::vector<std::string>& tokens);
  bool hear_all_until(clock::time_point deadline);

  engine& engine_;
  connection_parameters parameters_;  ///< beginning with the host to be tried first
  state state_ = state::offline;
  bool ever_attempted_ = false;
  std::optional<connecting> attempt_;
  std::optional<connection> connection_;
  std::size_t hosts_left_ = 0;  ///< that this round of attempts may try without a pause
  int set_up_steps_ = 0;        ///< whose answers are outstanding
  int foreign_sessions_ = 0;    ///< with answers of others, met in this attempt
  int marks_to_compare_ = 0;    ///< before the session counts as ours
  bool is_shared_ = false;      ///< a pooler gives the session to others, too
  bool behind_pooler_ = false;  ///< something on the way has invented a process id
  clock::time_point set_up_until_{};
  clock::time_point heard_at_{};  ///< when something last came, or was first waited for
  bool heartbeat_is_out_ = false;
  answer_watch watch_;                     ///< while a statement is outstanding
  std::optional<side_question> question_;  ///< of the mark, while the session is set up
  std::uint64_t connection_number_ = 0;    ///< of the connection; another one once that is lost
  clock::time_point until_{};              ///< the end of the pause
  clock::time_point outage_began_{};
  clock::time_point ready_since_{};
  backoff backoff_;

  std::string schema_;  ///< quoted; empty: not known
  bool finding_schema_ = false;
  std::string channel_;
  bool more_to_write_ = false;

  int crowd_ = 0;  ///< how often the helm is not lent yet, since several needed the connection

  std::vector<std::shared_ptr<operation>> backlog_;  ///< to be sent, oldest first
  std::vector<std::shared_ptr<operation>> sending_;  ///< scratch of send_backlog()
  pipeline pipeline_;
  ticket_book tickets_;
  lease_book leases_;
  timed_book timed_;
  std::map<std::pair<clock::time_point, const void*>, std::shared_ptr<expiring>> deadlines_;
  std::multimap<clock::time_point, std::shared_ptr<operation>> retries_;
  std::int64_t newest_ticket_ = 0;
  /// Notifications of tickets newer than any known. The server sends a ticket before it speaks of
  /// it, but nothing here depends on that.
  std::unordered_map<std::int64_t, notification> early_;
  /// Notifications of losses that came when the answer with the lease may have been half there. As
  /// the server speaks in order, that is the oldest that is outstanding.
  std::vector<notification> early_losses_;
};

}  // namespace numpool::detail
