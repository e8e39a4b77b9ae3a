#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "io_operation.hpp"

namespace numpool::detail {

class engine;

/// The state behind a lease; sent as an operation, it is its own release.
///
///     state     | means                                 | leaves it by
///     held      | ours                                  | release(), lose(), close()
///     releasing | given back, the server may not know   | finish()
///     released  | given back, and the server knows      |
///     lost      | taken from us                         |
///     closed    | the client was closed                 |
class lease_record : public operation, public std::enable_shared_from_this<lease_record> {
 public:
  /// `connection_number` numbers the connection that holds the lease.
  lease_record(std::shared_ptr<engine> owner, std::shared_ptr<const std::string> pool, int index,
               std::int64_t fence, std::uint64_t connection_number);

  int index() const { return index_; }
  std::int64_t fence() const { return fence_; }
  const std::string& pool() const { return *pool_; }
  bool held() const { return state_.load() == state::held; }
  bool lost() const { return state_.load() == state::lost; }

  /// Any thread. `wait`: return when the server has the number back, and throw what went wrong.
  void release(bool wait);

  void on_lost(std::function<void()> callback);

  /// The I/O thread: the lease ended against our will. Has the callbacks called if it was held.
  void lose(const std::string& reason);

  /// Any thread: the server has made it a token's.
  void kept();

  /// The I/O thread: the client is being closed.
  void close();

  bool wanted(io_loop& io) override;
  request message() override;
  void succeed(io_loop& io, const result& answer) override;
  void fail(io_loop& io, const error& why) override;
  bool disconnected(io_loop& io, const error& why, bool was_sent) override;

 private:
  enum class state { held, releasing, released, lost, closed };

  bool leave_held(state next);
  void finish(std::optional<error> why = std::nullopt);

  const std::shared_ptr<engine> engine_;
  const std::shared_ptr<const std::string> pool_;
  const std::int64_t fence_;
  const std::uint64_t connection_number_;
  const int index_;
  std::atomic<state> state_{state::held};
  char index_text_[12];
  char fence_text_[24];

  std::mutex mutex_;  ///< guards the three below, and state_ on its way to lost
  std::condition_variable finished_;
  std::optional<error> error_;
  std::function<void()> on_lost_;
};

}  // namespace numpool::detail
