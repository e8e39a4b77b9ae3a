// How the I/O thread gets a connection, and what it does when it loses one.

#include <algorithm>
#include <utility>

#include "error_kinds.hpp"
#include "io_loop.hpp"
#include "io_wait.hpp"
#include "lease_record.hpp"

namespace numpool::detail {

namespace {

/// What a connection must live for its end not to count as a failed attempt to connect.
constexpr std::chrono::seconds kStable{2};

}  // namespace

void io_loop::start_connecting() {
  state_ = state::connecting;
  attempt_.emplace(parameters_, engine_.time_per_host());
}

void io_loop::go_on_connecting(bool ready) {
  switch (attempt_->go_on(ready)) {
    case connecting::outcome::pending:
      break;
    case connecting::outcome::failed:
      hosts_left_ = 0;  // libpq has tried them all
      attempt_failed(attempt_->failure());
      break;
    case connecting::outcome::connected:
      try {
        connection_.emplace(attempt_->take());
        connection_->enter_pipeline_mode();
      } catch (const error& why) {
        attempt_failed(why);
        break;
      }
      attempt_.reset();
      begin_set_up();
  }
}

/// Nothing has been sent for anybody on this connection, or it is of no use.
void io_loop::stop_using_connection() {
  if (connection_) parameters_.begin_after_host(connection_->host(), connection_->port());
  question_.reset();
  watch_.heard();
  heartbeat_is_out_ = false;
  pipeline_ = pipeline();
  connection_.reset();
  schema_.clear();
  channel_.clear();
  finding_schema_ = false;
}

void io_loop::attempt_failed(const error& why) {
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): `why` may be the attempt's own
  const error copy = why;
  attempt_.reset();
  stop_using_connection();
  if (hosts_left_ > 0) {
    --hosts_left_;
    start_connecting();
    return;
  }
  const auto now = clock::now();
  const bool may_go_on = ever_attempted_ && copy.kind() != error_kind::not_supported &&
                         now - outage_began_ < engine_.options().reconnect_limit;
  if (!may_go_on) {
    give_up_connecting(copy);
    return;
  }
  state_ = state::pausing;
  until_ = now + backoff_.next();
  hosts_left_ = extra_hosts();
}

void io_loop::give_up_connecting(const error& why) {
  state_ = state::offline;
  if (!std::exchange(ever_attempted_, true)) engine_.first_attempt_.set_exception(pointer_to(why));
  take_back_retries();
  std::vector<std::shared_ptr<operation>> hopeless;
  hopeless.swap(backlog_);
  for (auto& op : hopeless) op->fail(*this, why);
}

std::size_t io_loop::extra_hosts() const {
  return std::max<std::size_t>(parameters_.host_count(), 1) - 1;
}

/// The connection broke, or is of no use any more.
void io_loop::connection_gone(const std::string& reason) {
  if (state_ == state::setting_up) {
    attempt_failed(
        error(error_kind::cannot_connect, "the connection was lost while the session was set up" +
                                              (reason.empty() ? "" : ": " + reason)));
  } else if (state_ == state::ready) {
    lose_connection(reason);
  }
}

void io_loop::lose_connection(const std::string& reason) {
  const error why(error_kind::connection_lost,
                  "the connection to the server was lost" + (reason.empty() ? "" : ": " + reason));
  engine_.connected = false;
  engine_.backend_pid = 0;
  ++connection_number_;  // what is bound to the old connection is over now, not only with the next
                         // one
  std::vector<std::shared_ptr<operation>> kept;
  for (auto& lost : leases_.take_all()) lost->lose("connection lost");
  for (auto& wait : tickets_.take_all())
    if (wait->disconnected(*this, why, true)) kept.push_back(std::move(wait));
  for (auto& op : pipeline_.take_all())
    if (op->disconnected(*this, why, true)) kept.push_back(std::move(op));
  for (auto& op : backlog_)
    if (op->disconnected(*this, why, false)) kept.push_back(std::move(op));
  backlog_.swap(kept);
  early_.clear();
  early_losses_.clear();
  newest_ticket_ = 0;
  stop_using_connection();
  hosts_left_ = extra_hosts();

  const auto now = clock::now();
  if (now - ready_since_ >= kStable) {
    backoff_.reset();
    outage_began_ = now;
  } else if (outage_began_ == clock::time_point()) {
    outage_began_ = now;
  }
  state_ = state::pausing;
  until_ = now + backoff_.next();
}

}  // namespace numpool::detail
