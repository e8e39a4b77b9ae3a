// How the I/O thread gets a connection, and what it does when it loses one.

#include <functional>
#include <utility>

#include "io_loop.hpp"
#include "error_kinds.hpp"
#include "lease_record.hpp"
#include "io_wait.hpp"

namespace numpool::detail {

namespace {

/// What a connection must live for its end not to count as a failed attempt to connect.
constexpr std::chrono::seconds kStable{2};

/// A statement of the I/O thread's own.
class internal_operation : public operation {
 public:
  using handler = std::function<void(const result&, const error*)>;

  explicit internal_operation(const statement& what, handler done = nullptr)
      : what_(what), done_(std::move(done)) {}

  request message() override { return {&what_, 0, {}}; }
  void succeed(io_loop&, const result& answer) override {
    if (done_) done_(answer, nullptr);
  }
  void fail(io_loop&, const error& why) override {
    if (done_) done_(result(), &why);
  }
  bool disconnected(io_loop&, const error&, bool) override { return false; }

 private:
  const statement what_;
  const handler done_;
};

constexpr statement kKeepalives{kServerKeepalives, -1, false};

}  // namespace

void io_loop::start_connecting() {
  state_ = state::connecting;
  attempt_.emplace(engine_.parameters(), engine_.options().connect_timeout);
}

void io_loop::go_on_connecting(bool ready) {
  switch (attempt_->go_on(ready)) {
    case connecting::outcome::pending:
      break;
    case connecting::outcome::failed:
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
      connected();
  }
}

void io_loop::connected() {
  state_ = state::ready;
  ready_since_ = clock::now();
  ++connection_number_;
  more_to_write_ = false;
  engine_.backend_pid = connection_->backend_pid();
  if (!std::exchange(ever_attempted_, true)) engine_.first_attempt_.set_value();
  if (send_now(std::make_shared<internal_operation>(kKeepalives))) find_schema();
}

void io_loop::attempt_failed(const error& why) {
  attempt_.reset();
  connection_.reset();
  const auto now = clock::now();
  const bool first = !std::exchange(ever_attempted_, true);
  if (!first && now - outage_began_ < engine_.options().reconnect_limit) {
    state_ = state::pausing;
    until_ = now + backoff_.next();
    return;
  }
  state_ = state::offline;
  if (first) engine_.first_attempt_.set_exception(pointer_to(why));
  std::vector<std::shared_ptr<operation>> hopeless;
  hopeless.swap(backlog_);
  for (auto& op : hopeless) op->fail(*this, why);
}

void io_loop::lose_connection(const std::string& reason) {
  const error why(error_kind::connection_lost,
                  "the connection to the server was lost" + (reason.empty() ? "" : ": " + reason));
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
  newest_ticket_ = 0;
  pipeline_ = pipeline();
  connection_.reset();
  schema_.clear();
  channel_.clear();
  finding_schema_ = false;

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

void io_loop::forget_schema() {
  schema_.clear();
  channel_.clear();
  if (connection_) connection_->forget_prepared();
}

void io_loop::find_schema() {
  finding_schema_ = true;
  send_now(std::make_shared<internal_operation>(kFindSchema,
                                                [this](const result& answer, const error* failed) {
                                                  finding_schema_ = false;
                                                  const auto schema = field(answer, 0, 0);
                                                  if (schema) {
                                                    schema_found(std::string(*schema));
                                                  } else if (failed != nullptr) {
                                                    schema_missing(*failed);
                                                  } else {
                                                    schema_missing(not_installed());
                                                  }
                                                }));
}

void io_loop::schema_found(const std::string& schema) {
  schema_ = schema;
  send_now(
      std::make_shared<internal_operation>(kChannel, [this](const result& answer, const error*) {
        if (const auto channel = field(answer, 0, 0)) channel_ = std::string(*channel);
      }));
}

void io_loop::schema_missing(const error& why) {
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
