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

/// A number that the client holds, and how that ends: what lease_record and timed_record have in
/// common. Sent as an operation, it is its own release.
///
///     state     | means                                 | leaves it by
///     held      | ours                                  | release(), lose(), detach(), close()
///     releasing | given back, the server may not know   | finish()
///     released  | given back, and the server knows      |
///     lost      | over                                  |
///     detached  | a token's, for whoever has that       |
///     closed    | the client was closed                 |
class holding : public operation, public std::enable_shared_from_this<holding> {
 public:
  int index() const { return index_; }
  virtual std::int64_t fence() const = 0;
  const std::string& pool() const { return *pool_; }

  /// Any thread. `wait`: return when the server has the number back, and throw what went wrong.
  void release(bool wait);

  bool over() override { return !is(state::releasing); }

  /// Any thread: it ends without a release.
  void detach();

  void on_lost(std::function<void()> callback);

  /// Any thread: it ended against our will. Has the callbacks called if it was held.
  void lose(const std::string& reason);

  /// The I/O thread: the client is being closed. Whether it was held.
  bool close();

 protected:
  enum class state { held, releasing, released, lost, detached, closed };

  holding(std::shared_ptr<engine> owner, std::shared_ptr<const std::string> pool, int index);

  bool is(state wanted) const { return state_.load() == wanted; }
  engine& owner() const { return *engine_; }

  /// The release is over.
  void finish(std::optional<error> why = std::nullopt);

 private:
  /// Leaves it with the callback forgotten, which goes to `dropped`: what that owns may call us
  /// back when it is destroyed.
  bool leave_quietly(state next, std::function<void()>& dropped);
  bool leave_held(state next);

  const std::shared_ptr<engine> engine_;
  const std::shared_ptr<const std::string> pool_;
  const int index_;
  std::atomic<state> state_{state::held};

  std::mutex mutex_;  ///< guards the rest, and state_ when it leaves held
  std::condition_variable finished_;
  std::optional<error> error_;
  std::function<void()> on_lost_;
};

/// Whether a release that failed may yet come to something: somebody cancelled it, or the server is
/// short of something.
bool worth_repeating(const error& why);
/// Whether nothing is left to give back, or close() has seen to it.
bool nothing_left(const error& why);

}  // namespace numpool::detail
