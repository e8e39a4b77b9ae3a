// What makes a connection one that can be used: the session is this client's own, bears its mark,
// has no time limits, is on the right server, and the server has the library. With
// transaction_pooling no session is anybody's: then only the last two.

#include <utility>

#include "error_kinds.hpp"
#include "io_internal.hpp"
#include "io_loop.hpp"

namespace numpool::detail {

namespace {

/// How long another session's view of our mark is waited for. Behind a pooler that gives each
/// client a session of its own, and has none left, there is no answer, which is fine.
constexpr std::chrono::milliseconds kPoolerPatience{1000};

/// One comparison tells where nobody else uses the pooler; others may be in the way of one.
constexpr int kMarksToCompare = 3;

error shared_session_error() {
  return error(error_kind::not_supported,
               "a connection pooler shares this session with other clients", {},
               "A number is leased by a session, and here it would be a stranger's.",
               "Connect to the server directly, or through a pooler in session mode. Timed leases "
               "work here with transaction_pooling.");
}

/// Sessions with answers of others that are left again before the attempt fails.
constexpr int kMostForeignSessions = 3;

/// A pooler may take a server for idle that has not answered all of a client who left, and give it
/// to the next; who would then take each answer for that to another question.
error foreign_answer_error() {
  return error(error_kind::cannot_connect,
               "a connection pooler has given this connection the answers of another client",
               "08006");
}

constexpr statement kKeepalives{kServerKeepalives, -1, false};
constexpr statement kUnlimited{kNoTimeLimits, -1, false};

}  // namespace

void io_loop::begin_set_up() {
  state_ = state::setting_up;
  set_up_until_ = clock::now() + engine_.time_per_host();
  ++connection_number_;
  more_to_write_ = false;
  behind_pooler_ = false;
  is_shared_ = false;
  marks_to_compare_ = engine_.shares_sessions() ? 0 : kMarksToCompare;
  set_up_steps_ = 2;
  heard();
  if (engine_.shares_sessions()) {
    greet();
    return;
  }
  const auto fails = [this](const result&, const error* failed) {
    if (failed != nullptr) set_up_failed(*failed);
  };
  if (!send_now(std::make_shared<internal_operation>(
          kMark,
          [this](const result& answer, const error* failed) {
            failed != nullptr ? set_up_failed(*failed) : marked(answer);
          },
          connection_->mark().c_str())) ||
      !send_now(std::make_shared<internal_operation>(kUnlimited, fails)) ||
      !send_now(std::make_shared<internal_operation>(kKeepalives)))
    return;
  find_schema();
}

/// Each step waits for the answer to the one before.
void io_loop::greet() {
  connection_->leave_nothing_prepared();
  connection_->sign_statements();
  send_now(std::make_shared<internal_operation>(
      kGreet,
      [this](const result& answer, const error* failed) {
        if (failed != nullptr) {
          set_up_failed(*failed);
        } else {
          marked(answer);
          if (state_ == state::setting_up && connection_) find_schema();
        }
      },
      connection_->mark().c_str()));
}

void io_loop::marked(const result& answer) {
  if (field(answer, 0, 2) != connection_->mark()) {
    // Another connection gets another session, or this one when it has said all.
    if (foreign_sessions_++ < kMostForeignSessions) ++hosts_left_;
    set_up_failed(foreign_answer_error());
    return;
  }
  const auto pid = integer_field(answer, 0, 0);
  engine_.session_pid = static_cast<int>(pid.value_or(0));
  if (field(answer, 0, 1) == "t" && parameters_.wants_primary()) {
    set_up_failed(error(error_kind::cannot_connect, "the server is a standby", "25006"));
    return;
  }
  // A pooler invents the process id that it announces.
  behind_pooler_ = engine_.session_pid != connection_->announced_pid();
  if (behind_pooler_) connection_->leave_nothing_prepared();
  set_up_step_done();
}

/// Does the pooler give each client a session of its own? If not, another connection finds our mark
/// in the session it gets, or our next statement runs in that one and does not find it. It is the
/// only thing under way then: a pooler gives the session that was used last. From then on each
/// statement looks for itself.
void io_loop::ask_whose_mark() {
  connection_parameters there = parameters_;
  there.keep_host(connection_->host(), connection_->port());
  question_.emplace(there, kWhoseMark, std::vector<std::string>{connection_->mark()},
                    clock::now() + kPoolerPatience);
}

void io_loop::whose_mark_answered(bool socket_ready) {
  const auto outcome = question_->go_on(socket_ready);
  if (outcome == side_question::outcome::pending) return;
  if (question_->says(0)) is_shared_ = true;  // NULL: it bears no mark
  question_.reset();
  // A pooler that has no session to spare gives none to the next question either.
  if (outcome == side_question::outcome::silent) marks_to_compare_ = 0;
  set_up_steps_ = 1;
  send_now(std::make_shared<internal_operation>(
      kStillMarked,
      [this](const result& answer, const error* failed) {
        if (failed != nullptr) {
          set_up_failed(*failed);
          return;
        }
        if (field(answer, 0, 0) != "t") is_shared_ = true;
        set_up_step_done();
      },
      connection_->mark().c_str()));
}

/// NB: nothing is outstanding at the end. A pooler ends the session of a client that leaves in the
/// middle, with whatever strangers have in it.
void io_loop::set_up_step_done() {
  if (--set_up_steps_ > 0) return;
  if (is_shared_) {
    attempt_failed(shared_session_error());
    return;
  }
  if (behind_pooler_ && marks_to_compare_ > 0) {
    --marks_to_compare_;
    ask_whose_mark();
    return;
  }
  state_ = state::ready;
  ready_since_ = clock::now();
  hosts_left_ = 0;
  foreign_sessions_ = 0;
  engine_.connected = true;
  timed_.renew_all();
  if (!engine_.shares_sessions()) engine_.backend_pid = engine_.session_pid.load();
  if (!std::exchange(ever_attempted_, true)) engine_.first_attempt_.set_value();
}

void io_loop::set_up_failed(const error& why) {
  if (state_ != state::setting_up) return;
  if (why.kind() == error_kind::cannot_connect || why.kind() == error_kind::not_supported) {
    attempt_failed(why);
  } else {
    attempt_failed(error(error_kind::cannot_connect,
                         std::string("the session could not be set up: ") + why.what(),
                         why.sqlstate(), why.detail(), why.hint()));
  }
}

/// Once nothing is outstanding.
void io_loop::leave_shared_session() {
  const error why = shared_session_error();
  lose_connection(why.what());
  give_up_connecting(why);
}

void io_loop::forget_schema() {
  schema_.clear();
  channel_.clear();
  if (connection_) connection_->forget_prepared();
}

void io_loop::find_schema() {
  finding_schema_ = true;
  send_now(std::make_shared<internal_operation>(
      kFindSchema, [this](const result& answer, const error* failed) {
        if (failed != nullptr && state_ == state::setting_up) {
          set_up_failed(*failed);
        } else if (const auto schema = field(answer, 0, 0)) {
          schema_found(std::string(*schema));
        } else {
          schema_missing(failed != nullptr ? *failed : not_installed());
        }
      }));
}

/// Asking for the channel loads the library, if it is there. Without sessions there is no channel.
void io_loop::schema_found(const std::string& schema) {
  if (!pipeline_.send(*connection_,
                      std::make_shared<internal_operation>(
                          engine_.shares_sessions() ? kLoad : kChannel,
                          [this, schema](const result& answer, const error* failed) {
                            channel_found(schema, answer, failed);
                          }),
                      schema))
    connection_gone(connection_->message());
}

void io_loop::channel_found(const std::string& schema, const result& answer, const error* failed) {
  if (failed != nullptr && failed->sqlstate() == "58P01" && state_ == state::setting_up) {
    set_up_failed(*failed);
    return;
  }
  finding_schema_ = false;
  schema_ = schema;
  // Without a channel (on a standby, say) there are no tickets either.
  if (engine_.shares_sessions()) {
    channel_.clear();
  } else if (const auto channel = field(answer, 0, 0)) {
    channel_ = std::string(*channel);
  }
  if (state_ == state::setting_up) set_up_step_done();
}

void io_loop::schema_missing(const error& why) {
  finding_schema_ = false;
  if (state_ == state::setting_up) {
    set_up_step_done();
    return;
  }
  std::vector<std::shared_ptr<operation>> all;
  all.swap(backlog_);
  for (auto& op : all) {
    if (op->message().what->needs_extension) {
      op->fail(*this, why);
    } else {
      backlog_.push_back(std::move(op));
    }
  }
}

}  // namespace numpool::detail
