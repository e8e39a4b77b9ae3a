#include "io_loop.hpp"
#include "error_kinds.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "io_batch.hpp"
#include "io_internal.hpp"
#include "lease_record.hpp"
#include "timed_record.hpp"
#include "tuning.hpp"
#include "io_wait.hpp"

namespace numpool::detail {

namespace {

/// How long close() waits for the server to confirm that the leases are free.
constexpr std::chrono::seconds kFarewell{1};

/// Leaves the queue, or gives back what the ticket was granted.
class cancel_operation : public operation, public std::enable_shared_from_this<cancel_operation> {
 public:
  explicit cancel_operation(std::int64_t ticket) : number_(ticket) {
    *std::to_chars(ticket_, ticket_ + sizeof ticket_ - 1, ticket).ptr = '\0';
  }

  request message() override { return {&kCancel, 1, {ticket_}}; }
  void succeed(io_loop&, const result&) override {}
  void fail(io_loop& io, const error& why) override {
    // Somebody cancelled the cancel; then the ticket is still in the queue.
    if (why.kind() == error_kind::cancelled) io.send_again(shared_from_this());
  }
  bool disconnected(io_loop&, const error&, bool) override { return false; }
  void add_to(std::vector<binary_array>& arguments) override { arguments[0].add(number_); }

 private:
  batch_kind own_kind() const override { return batch_kind::cancel; }

  const std::int64_t number_;
  char ticket_[24];
};

}  // namespace

io_loop::io_loop(engine& owner)
    : engine_(owner),
      parameters_(owner.parameters()),
      watch_(owner.options().heartbeat_interval, owner.options().heartbeat_limit),
      backoff_(tuned.shortest_pause, tuned.longest_pause) {}

void io_loop::run() {
  std::vector<helm::submission> arrived;
  hosts_left_ = extra_hosts();
  start_connecting();
  while (engine_.helm_.take_in(&arrived)) {
    take_in(&arrived);
    if (may_send()) send_backlog();
    if (connection_) work(false);
    sleep();
    do_what_is_due();
  }
  take_in(&arrived);
  shut_down();
}

void io_loop::take_in(std::vector<helm::submission>* arrived) {
  for (helm::submission& one : *arrived) {
    if (one.withdraw) {
      one.op->withdrawn(*this);
    } else if (state_ == state::ready || one.op->wanted(*this)) {
      one.op->submitted(*this);
      backlog_.push_back(std::move(one.op));
    }
  }
  arrived->clear();
  if (state_ == state::offline && !backlog_.empty()) {
    outage_began_ = clock::now();
    backoff_.reset();
    hosts_left_ = extra_hosts();
    start_connecting();
  }
}

/// Where sessions are shared, a pooler may take one away that has not answered everything: then
/// nothing is sent before the last answer is there.
bool io_loop::may_send() const {
  return state_ == state::ready && !is_shared_ && (!engine_.shares_sessions() || pipeline_.empty());
}

/// What can be a batch's waits until the one before the last has been answered: what the threads
/// ask for meanwhile goes out together. NB: and all that is behind it, as a thread that gives a
/// number back without waiting for the answer finds that done by what it asks next.
bool io_loop::is_held_back(const operation& op) const {
  return op.kind_in_batch() != batch_kind::none && pipeline_.size() >= kRoundTrips;
}

void io_loop::send_backlog() {
  sending_.swap(backlog_);
  if (sending_.size() + pipeline_.size() > kOfOneCaller) crowd_ = kCrowdMemory;
  std::size_t gathered = 0;
  if (sending_.size() > 1 && pipeline_.size() < kRoundTrips && !schema_.empty())
    gathered = gather_batches(*this, sending_, kRoundTrips);
  bool alive = true;
  bool held_back = false;
  for (std::size_t i = 0; i < sending_.size(); ++i) {
    auto& op = sending_[i];
    const bool must_wait = schema_.empty() && op->message().what->needs_extension;
    held_back = held_back || (i >= gathered && is_held_back(*op));
    if (!alive || must_wait || !may_send() || held_back) {
      take_back(std::move(op));
    } else if (op->wanted(*this)) {
      if (pipeline_.empty()) heard();  // silence begins when an answer is due
      alive = pipeline_.send(*connection_, std::move(op), schema_);
    }
  }
  sending_.clear();
  if (!alive) {
    lose_connection(connection_->message());
  } else if (!backlog_.empty() && !finding_schema_ && schema_.empty() && may_send()) {
    find_schema();
  }
}

bool io_loop::send_now(std::shared_ptr<operation> op) {
  if (pipeline_.empty()) heard();
  if (pipeline_.send(*connection_, std::move(op), schema_)) return true;
  connection_gone(connection_->message());
  return false;
}

void io_loop::cancel_ticket(std::int64_t ticket) {
  tickets_.take(ticket);
  backlog_.push_back(std::make_shared<cancel_operation>(ticket));
}

short io_loop::socket_events() const {
  return static_cast<short>(POLLIN | (more_to_write_ ? POLLOUT : 0));
}

/// The next thing to do that neither the socket nor another thread brings; nothing if there is
/// none.
std::optional<io_loop::clock::time_point> io_loop::next_event() const {
  std::optional<clock::time_point> next;
  const auto by = [&next](clock::time_point when) { next = next ? std::min(*next, when) : when; };
  if (!deadlines_.empty()) by(deadlines_.begin()->first.first);
  if (!retries_.empty()) by(retries_.begin()->first);
  if (state_ == state::connecting) by(attempt_->deadline());
  if (state_ == state::setting_up) by(set_up_until_);
  if (const auto event = next_liveness_event()) by(*event);
  if (state_ == state::pausing) by(until_);
  return next;
}

int io_loop::timeout_ms() const {
  if (may_send() && !finding_schema_ && !backlog_.empty() && !is_held_back(*backlog_.front()))
    return 0;
  if (state_ == state::connecting && attempt_->socket() < 0) return 0;
  if (question_ && question_->socket() < 0) return 0;
  if (watch_.asking() && watch_.socket() < 0) return 0;
  const auto next = next_event();
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3600000));
}

void io_loop::sleep() {
  pollfd fds[4] = {
      {engine_.helm_.wake_fd(), POLLIN, 0}, {-1, 0, 0}, {-1, 0, 0}, {timed_.fd(), POLLIN, 0}};
  if (state_ == state::connecting) {
    fds[1] = {attempt_->socket(), attempt_->events(), 0};
  } else if (connection_) {
    fds[1] = {connection_->socket(), socket_events(), 0};
  }
  if (question_) {
    fds[2] = {question_->socket(), question_->events(), 0};
  } else if (watch_.asking()) {
    fds[2] = {watch_.socket(), watch_.events(), 0};
  }
  const bool lends = may_lend();
  // Once it is lent, all of this is another thread's.
  const auto alarm = lends ? next_event() : std::nullopt;
  const int timeout = timeout_ms();
  const int ready = ::poll(fds, 4, engine_.helm_.may_sleep(lends) ? timeout : 0);
  if (!engine_.helm_.woke(ready > 0 && fds[0].revents != 0)) {
    engine_.helm_.wait_for_turn(timed_.fd(), alarm);
    return;
  }
  woke(ready > 0 && fds[1].revents != 0, ready > 0 && fds[2].revents != 0);
}

void io_loop::woke(bool socket_ready, bool side_socket_ready) {
  switch (state_) {
    case state::connecting:
      // A connection that failed at once has no socket, which poll() passes over.
      if (socket_ready || attempt_->socket() < 0 || clock::now() >= attempt_->deadline())
        go_on_connecting(socket_ready || attempt_->socket() < 0);
      break;
    case state::setting_up:
    case state::ready:
      if (socket_ready) {
        heard();
        work(true);
      } else if (state_ == state::setting_up && clock::now() >= set_up_until_) {
        attempt_failed(error(error_kind::cannot_connect, "timeout while the session was set up"));
      } else {
        look_for_life();
      }
      side_socket_woke(side_socket_ready);
      break;
    case state::pausing:
      if (clock::now() >= until_) start_connecting();
      break;
    case state::offline:
      break;
  }
}

void io_loop::work(bool readable) {
  const bool alive = connection_->flush(&more_to_write_) && (!readable || connection_->consume());
  if (!alive) connection_->consume();
  std::string reason = alive ? "" : connection_->message();
  // What the server said before it went still counts: an answer that came is an answer.
  handle_answers();
  if (alive) handle_notifications();
  if (!connection_) return;  // an answer led to sending, and that found it gone
  if (state_ == state::ready && is_shared_ && pipeline_.empty()) {
    leave_shared_session();
    return;
  }
  const bool ended = !connection_->last_words().empty();
  if (ended) reason = connection_->last_words();
  if (!alive || ended) {
    connection_gone(reason);
  } else if (connection_->broken()) {
    connection_gone(connection_->message());
  }
}

namespace {

/// The extension was dropped, or is in another schema by now.
bool lacks_extension(const pipeline::answer& answer) {
  const std::string& code = answer.failure->sqlstate();
  return (!answer.op || answer.op->message().what->needs_extension) &&
         (code == "42883" || code == "3F000" || code == "42P01");
}

/// It ran, or would have run, in a session that is not this client's own: one without its mark, or
/// one whose prepared statements are another's.
bool is_a_strangers(const pipeline::answer& answer) {
  if (!answer.op || !answer.op->message().what->marked) return false;
  if (!answer.failure) {
    const int last = answer.value ? PQnfields(answer.value.get()) - 1 : -1;
    return field(answer.value, 0, last) != "t";
  }
  const std::string& code = answer.failure->sqlstate();
  return code == "22004" || code == "26000" || code == "42P05";
}

/// The server has no library for the extension any more: nothing was done.
bool lacks_library(const pipeline::answer& answer) {
  return answer.op && answer.failure && answer.failure->sqlstate() == "58P01" &&
         answer.op->message().what->needs_extension;
}

}  // namespace

/// A batch, element by element.
void io_loop::take_back(std::shared_ptr<operation> op) {
  const std::size_t before = backlog_.size();
  op->take_apart(backlog_);
  if (backlog_.size() == before) backlog_.push_back(std::move(op));
}

void io_loop::handle_answers() {
  while (connection_) {
    auto answer = pipeline_.next(*connection_);
    if (!answer) return;
    if (answer->failure && lacks_extension(*answer)) {
      forget_schema();
      answer->failure = not_installed();
    }
    if (!answer->op) continue;
    if (is_a_strangers(*answer)) {
      take_back(std::move(answer->op));  // nothing was done; it ends with the others
      is_shared_ = true;
      continue;
    }
    if (state_ == state::ready && lacks_library(*answer)) {
      const std::string reason = answer->failure->what();
      take_back(std::move(answer->op));
      lose_connection(reason);
      return;
    }
    if (answer->failure) {
      answer->op->fail(*this, *answer->failure);
    } else {
      answer->op->succeed(*this, answer->value);
    }
    tell_early_losses();
  }
}

void io_loop::handle_notifications() {
  if (!connection_) return;
  using message = std::unique_ptr<PGnotify, void (*)(void*)>;
  while (message one{PQnotifies(connection_->handle()), PQfreemem}) {
    // Only the server knows the channel's name and tells it to nobody but this session.
    if (channel_ != one->relname) continue;
    if (const auto what = parse_notification(one->extra)) handle(*what);
  }
}

void io_loop::handle(const notification& what) {
  // With a fence it is of a lease that the client was told of, before it or by the answer that ends
  // after it: a session that commits a grant and finds the lease gone says so before it is ready.
  if (what.error && what.fence) {
    if (!tell_loss(what) && !pipeline_.empty()) early_losses_.push_back(what);
    return;
  }
  if (!what.ticket) return;
  auto wait = tickets_.take(*what.ticket);
  if (!wait) {
    if (*what.ticket > newest_ticket_) early_[*what.ticket] = what;
    return;
  }
  if (what.error == "ended") {
    wait->ended(*this);
  } else if (what.error) {
    const std::string name = what.pool ? " \"" + *what.pool + "\"" : "";
    wait->refused(*this, error(error_kind::no_such_pool,
                               "pool" + name + " was " + *what.error + " while waiting for it"));
  } else if (what.index && what.fence) {
    wait->granted(*this, static_cast<int>(*what.index), *what.fence);
  }
}

/// False if no such lease is known.
bool io_loop::tell_loss(const notification& what) {
  const auto record = leases_.find(what);
  if (!record) return false;
  leases_.remove(*record);
  record->lose(*what.error == "ended" ? "ended by force" : "pool " + *what.error);
  return true;
}

void io_loop::tell_early_losses() {
  for (const notification& what : early_losses_) tell_loss(what);
  early_losses_.clear();
}

void io_loop::ticket_known(std::int64_t ticket, std::shared_ptr<wait_operation> wait) {
  tickets_.add(ticket, std::move(wait));
  newest_ticket_ = std::max(newest_ticket_, ticket);
  const auto early = early_.find(ticket);
  if (early == early_.end()) return;
  const notification what = std::move(early->second);
  early_.erase(early);
  handle(what);
}

void io_loop::shut_down() {
  const error why = client_closed_error();
  if (!std::exchange(ever_attempted_, true)) engine_.first_attempt_.set_exception(pointer_to(why));
  engine_.connected = false;
  engine_.backend_pid = 0;
  for (auto& record : leases_.take_all()) record->close();
  std::vector<std::string> tokens;
  for (auto& record : timed_.take_all())
    if (record->close()) tokens.push_back(record->token());
  for (auto& wait : tickets_.take_all()) wait->refused(*this, why);
  for (auto& op : pipeline_.take_all()) op->fail(*this, why);
  take_back_retries();
  // A wait that fails may leave a release behind, and that a token.
  while (!backlog_.empty()) {
    sending_.swap(backlog_);
    for (auto& op : sending_) {
      if (const std::string* token = op->gives_back()) tokens.push_back(*token);
      op->fail(*this, why);
    }
    sending_.clear();
  }
  if (state_ == state::ready && !schema_.empty() && !is_shared_) give_back_all(tokens);
  deadlines_.clear();
  question_.reset();
  connection_.reset();
}

void io_loop::give_back_all(const std::vector<std::string>& tokens) {
  const auto deadline = clock::now() + kFarewell;
  const auto say = [&](std::shared_ptr<operation> op) {
    if (engine_.shares_sessions() && !hear_all_until(deadline)) return false;
    return pipeline_.send(*connection_, std::move(op), schema_);
  };
  for (const std::string& token : tokens)
    if (!say(std::make_shared<token_release>(token))) return;
  if (!engine_.shares_sessions() && !say(std::make_shared<internal_operation>(kReleaseAll))) return;
  hear_all_until(deadline);
}

/// Whether all that was sent has been answered. Nobody waits for these answers any more.
bool io_loop::hear_all_until(clock::time_point deadline) {
  while (true) {
    if (!connection_->flush(&more_to_write_)) return false;
    while (pipeline_.next(*connection_)) continue;
    if (pipeline_.empty()) return true;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now());
    if (left.count() <= 0) return false;
    pollfd fd = {connection_->socket(), socket_events(), 0};
    if (::poll(&fd, 1, static_cast<int>(left.count())) < 0 && errno != EINTR) return false;
    if ((fd.revents & ~POLLOUT) != 0 && !connection_->consume()) return false;
  }
}

}  // namespace numpool::detail
