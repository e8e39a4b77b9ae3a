#include "io_wait.hpp"

#include <algorithm>
#include <utility>

#include "access.hpp"
#include "cancellation_state.hpp"
#include "engine.hpp"
#include "io_batch.hpp"
#include "io_loop.hpp"
#include "lease_record.hpp"

namespace numpool::detail {

namespace {

constexpr const char* kRefusedForNow = "55P03";
constexpr std::chrono::milliseconds kShortestPause{20};
constexpr std::chrono::milliseconds kLongestPause{1000};

acquire_result result_of(std::shared_ptr<lease_record> granted,
                         const std::optional<error>& failed) {
  if (granted) return access::make_result(access::make_lease(std::move(granted)));
  return access::make_result(failed.value());
}

}  // namespace

error wait_cancelled_error() {
  return error(error_kind::cancelled, "the wait was cancelled");
}

error timed_out_error(const std::string& pool) {
  return error(error_kind::timed_out, "timed out waiting for a number of pool \"" + pool + "\"");
}

std::optional<std::chrono::steady_clock::time_point> deadline_of(const wait_options& options) {
  using clock = std::chrono::steady_clock;
  if (!options.timeout) return options.deadline;
  const auto now = clock::now();
  const auto longest = clock::time_point::max() - now;
  const auto end = now + std::min<std::chrono::nanoseconds>(*options.timeout, longest);
  return options.deadline ? std::min(*options.deadline, end) : end;
}

wait_operation::wait_operation(std::shared_ptr<engine> owner,
                               std::shared_ptr<const std::string> pool,
                               std::optional<clock::time_point> deadline,
                               std::function<void(acquire_result)> callback, delivery how)
    : engine_(std::move(owner)),
      pool_(std::move(pool)),
      deadline_(deadline),
      has_callback_(callback != nullptr),
      is_direct_(how == delivery::direct),
      callback_(std::move(callback)) {}

void wait_operation::start(const cancellation_token& token) {
  if (const auto& state = access::state(token)) {
    token_ = token;
    const std::weak_ptr<wait_operation> weak = weak_from_this();
    const std::uint64_t key = state->add([weak] {
      if (auto self = weak.lock()) self->cancel();
    });
    if (key == 0) {
      finish({nullptr, wait_cancelled_error()});
      return;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    token_key_ = key;
  }
  try {
    if (has_callback_) {
      engine_->submit(shared_from_this());
    } else {
      engine_->drive(shared_from_this(), deadline_);
    }
  } catch (const error& why) {
    const bool dropped = drop_callback();  // no thread is left to call it
    finish({nullptr, why});
    if (dropped) throw;
  }
}

bool wait_operation::drop_callback() {
  std::function<void(acquire_result)> dropped;  // destroyed after the lock: it may own anything
  std::lock_guard<std::mutex> lock(mutex_);
  if (!callback_) return false;
  dropped.swap(callback_);
  return true;
}

std::optional<lease> wait_operation::wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto decided = [this] { return outcome_.has_value(); };
  if (!deadline_) {
    changed_.wait(lock, decided);
  } else if (!changed_.wait_until(lock, *deadline_, decided)) {
    lock.unlock();
    if (finish({nullptr, std::nullopt})) engine_->withdraw(shared_from_this());
    lock.lock();
  }
  if (outcome_->failed) outcome_->failed->raise();
  if (!outcome_->granted) return std::nullopt;
  return access::make_lease(std::move(outcome_->granted));
}

bool wait_operation::finish(outcome what) {
  std::function<void(acquire_result)> callback;
  std::uint64_t key = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (outcome_) return false;
    callback.swap(callback_);
    key = std::exchange(token_key_, 0);
    outcome_.emplace();
    outcome_->failed = what.failed;
    if (!callback) outcome_->granted = std::move(what.granted);
  }
  changed_.notify_one();
  if (key != 0) access::state(token_)->remove(key);
  if (callback && is_direct_) {
    callback(result_of(std::move(what.granted), what.failed));
  } else if (callback) {
    engine_->callbacks().post([callback = std::move(callback), granted = std::move(what.granted),
                               failed = std::move(what.failed)]() mutable {
      callback(result_of(std::move(granted), failed));
    });
  }
  return true;
}

bool wait_operation::finished() {
  std::lock_guard<std::mutex> lock(mutex_);
  return outcome_.has_value();
}

void wait_operation::cancel() {
  if (finish({nullptr, wait_cancelled_error()})) engine_->withdraw(shared_from_this());
}

wait_operation::outcome wait_operation::timed_out() const {
  return {nullptr, has_callback_ ? std::optional<error>(timed_out_error(*pool_)) : std::nullopt};
}

void wait_operation::submitted(io_loop& io) {
  // Without a callback the caller itself sleeps until the deadline, in wait().
  if (deadline_ && has_callback_) io.watch_deadline(*deadline_, shared_from_this());
}

void wait_operation::forget_deadline(io_loop& io) {
  if (deadline_ && has_callback_) io.forget_deadline(*deadline_, *this);
}

void wait_operation::expired(io_loop& io) {
  if (finish(timed_out())) withdrawn(io);
}

bool wait_operation::wanted(io_loop&) {
  return !finished();
}

request wait_operation::message() {
  return {&kEnqueue, 1, {pool_->c_str()}};
}

void wait_operation::add_to(std::vector<binary_array>& arguments) {
  arguments[0].add(*pool_);
}

void wait_operation::succeed(io_loop& io, const result& answer) {
  enqueued(io, composite_field(answer, 0, 0));
}

void wait_operation::answered(io_loop& io, const result& answer, int row) {
  enqueued(io, {integer_field(answer, row, 0), integer_field(answer, row, 1),
                integer_field(answer, row, 2)});
}

void wait_operation::enqueued(io_loop& io, const integer_triple& answer) {
  const auto& [ticket, index, fence] = answer;
  if (index && fence) {
    granted(io, static_cast<int>(*index), *fence);
    return;
  }
  if (!ticket) {
    refused(io,
            error(error_kind::server, "the server's answer to enqueue could not be understood"));
    return;
  }
  ticket_ = ticket;
  io.ticket_known(*ticket, shared_from_this());
  if (finished()) withdrawn(io);
}

void wait_operation::granted(io_loop& io, int index, std::int64_t fence) {
  ticket_.reset();
  forget_deadline(io);
  auto record =
      std::make_shared<lease_record>(engine_, pool_, index, fence, io.connection_number());
  if (!is_direct_) io.leases().add(record);
  const bool late = deadline_ && clock::now() >= *deadline_;
  if (late) finish(timed_out());
  if (late || !finish({record, std::nullopt})) record->release(false);
}

void wait_operation::ended(io_loop& io) {
  ticket_.reset();
  if (!finished()) io.send_again(shared_from_this());
}

void wait_operation::refused(io_loop& io, const error& why) {
  ticket_.reset();
  forget_deadline(io);
  finish({nullptr, why});
}

/// An enqueue never waits, as others are sent behind it. Where it would have to (a transaction
/// drops the pool, or locks the definitions, and has not ended), the server refuses it for the
/// moment, and who waits anyway waits for that, too.
void wait_operation::fail(io_loop& io, const error& why) {
  if (why.kind() != error_kind::server || why.sqlstate() != kRefusedForNow || finished()) {
    refused(io, why);
    return;
  }
  if (!pauses_) pauses_.emplace(kShortestPause, kLongestPause);
  io.send_later(pauses_->next(), shared_from_this());
}

bool wait_operation::disconnected(io_loop&, const error&, bool) {
  ticket_.reset();
  return !finished();
}

void wait_operation::withdrawn(io_loop& io) {
  forget_deadline(io);
  // Without a ticket it is unsent, and wanted() drops it, or its answer is under way, and then
  // succeed() comes here or gives the grant back.
  if (ticket_) io.cancel_ticket(*std::exchange(ticket_, std::nullopt));
}

try_operation::try_operation(std::shared_ptr<engine> owner, std::shared_ptr<const std::string> pool)
    : engine_(std::move(owner)), pool_(std::move(pool)) {}

std::optional<lease> try_operation::wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return finished_; });
  if (error_) error_->raise();
  if (!granted_) return std::nullopt;
  return access::make_lease(std::move(granted_));
}

request try_operation::message() {
  return {&kTryAcquire, 1, {pool_->c_str()}};
}

void try_operation::succeed(io_loop& io, const result& answer) {
  const auto index = integer_field(answer, 0, 0);
  const auto fence = integer_field(answer, 0, 1);
  std::shared_ptr<lease_record> record;
  if (index && fence) {
    record = std::make_shared<lease_record>(engine_, pool_, static_cast<int>(*index), *fence,
                                            io.connection_number());
    io.leases().add(record);
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    granted_ = std::move(record);
    finished_ = true;
  }
  changed_.notify_one();
}

void try_operation::fail(io_loop&, const error& why) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    error_ = why;
    finished_ = true;
  }
  changed_.notify_one();
}

bool try_operation::over() {
  std::lock_guard<std::mutex> lock(mutex_);
  return finished_;
}

bool try_operation::disconnected(io_loop& io, const error& why, bool was_sent) {
  if (!was_sent) return true;
  fail(io, why);
  return false;
}

}  // namespace numpool::detail
