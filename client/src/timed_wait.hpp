#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <numpool/cancellation.hpp>
#include <numpool/lease.hpp>
#include <numpool/pool.hpp>
#include <numpool/timed_lease.hpp>

#include "io_backoff.hpp"
#include "io_operation.hpp"

namespace numpool::detail {

class engine;
class timed_record;
class wait_operation;

/// What is asked for, checked.
struct timed_wish {
  std::string ttl;  ///< in milliseconds
  std::chrono::milliseconds place{};
  std::string token;
  bool is_own_token = false;  ///< the user's: a place stays when the wait is given up
  std::optional<std::string> holder;
};

/// One wait for a timed lease. Two ways lead to it:
///
/// - By ticket, as wait_operation does it, and then numpool_keep: told at once of the grant.
/// - By place: numpool_lease that does not wait, again and again with the same token, which keeps
///   the place. For a token that may have a place or a lease already, for a timeout of 0, and with
///   transaction_pooling, where there are no tickets.
///
/// Both send the same request again when its answer was lost, since the token makes it one.
/// As in wait_operation the first finish() decides, and what comes second goes back.
class timed_wait : public operation,
                   public expiring,
                   public std::enable_shared_from_this<timed_wait> {
 public:
  using clock = std::chrono::steady_clock;

  timed_wait(std::shared_ptr<engine> owner, std::shared_ptr<const std::string> pool,
             timed_wish what, std::optional<clock::time_point> deadline,
             std::function<void(timed_result)> callback = nullptr);

  /// Throws error_kind::client_closed.
  void start(const cancellation_token& token);
  /// For the calling thread, without a callback: nothing once the deadline is past.
  std::optional<timed_lease> wait();

  void expired(io_loop& io) override;

  void submitted(io_loop& io) override;
  bool wanted(io_loop& io) override;
  request message() override;
  void succeed(io_loop& io, const result& answer) override;
  void fail(io_loop& io, const error& why) override;
  bool disconnected(io_loop& io, const error& why, bool was_sent) override;
  void withdrawn(io_loop& io) override;

 private:
  void take_ticket();
  void granted(acquire_result result);
  void ask_again(io_loop& io);
  void give_back(io_loop& io);
  void begin(io_loop& io, int index, std::int64_t fence, std::chrono::microseconds left);

  bool finish(std::shared_ptr<timed_record> record, const std::optional<error>& failed);
  bool finished();
  void give_up(const error& why);

  const std::shared_ptr<engine> engine_;
  const std::shared_ptr<const std::string> pool_;
  const timed_wish what_;
  const std::optional<clock::time_point> deadline_;
  const bool asks_once_;  ///< the deadline was past when it began
  const bool by_place_;
  bool is_watched_ = false;               ///< the I/O thread's
  boottime_clock::time_point sent_at_{};  ///< the I/O thread's
  clock::time_point repeats_until_{};     ///< the I/O thread's; an answer was lost
  backoff pauses_;                        ///< the I/O thread's
  lease held_;                            ///< what is to be kept; set before it is submitted
  std::string index_text_;

  cancellation_token token_;

  std::mutex mutex_;  ///< guards the rest
  std::condition_variable changed_;
  std::uint64_t token_key_ = 0;
  std::shared_ptr<wait_operation> queued_;
  bool done_ = false;
  std::shared_ptr<timed_record> granted_;
  std::optional<error> failed_;
  std::function<void(timed_result)> callback_;
  const bool has_callback_;
};

}  // namespace numpool::detail
