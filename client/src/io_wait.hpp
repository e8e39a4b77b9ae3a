#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <numpool/cancellation.hpp>
#include <numpool/lease.hpp>
#include <numpool/pool.hpp>

#include "io_backoff.hpp"
#include "io_operation.hpp"

namespace numpool::detail {

class engine;
class lease_record;

/// The earlier one of timeout and deadline, if there is any.
std::optional<std::chrono::steady_clock::time_point> deadline_of(const wait_options& options);

error wait_cancelled_error();
error timed_out_error(const std::string& pool);

/// One wait for a number, from enqueue to grant.
///
/// Who asked and who grants meet at one point, finish(), under the mutex: the first one decides.
/// A grant that comes second goes back to the pool; a cancel that comes second changes nothing.
/// So no grant is lost, and none is handed out after its caller was told there is none.
class wait_operation : public operation,
                       public expiring,
                       public std::enable_shared_from_this<wait_operation> {
 public:
  using clock = std::chrono::steady_clock;

  /// How the callback is called: on the callback thread, or by whoever decides, for the library's
  /// own ends; then the lease is in no book yet.
  enum class delivery { posted, direct };

  /// With a callback, the outcome goes to it; without, to wait().
  wait_operation(std::shared_ptr<engine> owner, std::shared_ptr<const std::string> pool,
                 std::optional<clock::time_point> deadline = std::nullopt,
                 std::function<void(acquire_result)> callback = nullptr,
                 delivery how = delivery::posted);

  /// Submits it, and withdraws it when `token` is cancelled. Without a callback this thread may
  /// already do what wait() waits for. Throws error_kind::client_closed.
  void start(const cancellation_token& token);

  /// Any thread: leaves the queue, and makes that the outcome.
  void cancel();

  /// For the calling thread: the lease, or nothing once the deadline is past. Throws what else
  /// went wrong.
  std::optional<lease> wait();

  /// The I/O thread, when the notification comes.
  void granted(io_loop& io, int index, std::int64_t fence);
  /// The I/O thread: there will be no grant.
  void refused(io_loop& io, const error& why);
  /// What the ticket was granted was ended before we were told of it: joins the queue again.
  void ended(io_loop& io);
  /// The I/O thread: the deadline is past, and nobody sleeps until then in wait().
  void expired(io_loop& io) override;

  void submitted(io_loop& io) override;
  bool wanted(io_loop& io) override;
  request message() override;
  void succeed(io_loop& io, const result& answer) override;
  void fail(io_loop& io, const error& why) override;
  bool disconnected(io_loop& io, const error& why, bool was_sent) override;
  void withdrawn(io_loop& io) override;
  bool over() override { return finished(); }
  void add_to(std::vector<binary_array>& arguments) override;
  void answered(io_loop& io, const result& answer, int row) override;

 private:
  /// Ticket, index and fence, as numpool_enqueue tells them.
  void enqueued(io_loop& io, const integer_triple& answer);
  batch_kind own_kind() const override { return batch_kind::enqueue; }

  struct outcome {
    std::shared_ptr<lease_record> granted;
    std::optional<error> failed;  ///< neither: the deadline is past, for wait() to say so
  };

  outcome timed_out() const;
  void forget_deadline(io_loop& io);

  /// Makes `what` the outcome unless there is one. Returns whether it did.
  bool finish(outcome what);
  bool finished();
  /// Whether there was one that has not been called.
  bool drop_callback();

  const std::shared_ptr<engine> engine_;
  const std::shared_ptr<const std::string> pool_;
  const std::optional<clock::time_point> deadline_;
  const bool has_callback_;
  const bool is_direct_;

  std::optional<std::int64_t> ticket_;  ///< the I/O thread's; set while it waits on the server
  std::optional<backoff> pauses_;       ///< the I/O thread's; once the server refused it for now

  cancellation_token token_;  ///< set before it is submitted; only the one that finishes reads them
  std::uint64_t token_key_ = 0;

  std::mutex mutex_;  ///< guards the rest
  std::condition_variable changed_;
  std::optional<outcome> outcome_;
  std::function<void(acquire_result)> callback_;
};

/// Takes the lowest free number, or nothing.
class try_operation : public operation {
 public:
  try_operation(std::shared_ptr<engine> owner, std::shared_ptr<const std::string> pool);

  std::optional<lease> wait();

  request message() override;
  void succeed(io_loop& io, const result& answer) override;
  void fail(io_loop& io, const error& why) override;
  bool disconnected(io_loop& io, const error& why, bool was_sent) override;
  bool over() override;

 private:
  const std::shared_ptr<engine> engine_;
  const std::shared_ptr<const std::string> pool_;

  std::mutex mutex_;  ///< guards the rest
  std::condition_variable changed_;
  bool finished_ = false;
  std::shared_ptr<lease_record> granted_;
  std::optional<error> error_;
};

}  // namespace numpool::detail
