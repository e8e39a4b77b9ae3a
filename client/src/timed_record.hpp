#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <numpool/timed_lease.hpp>

#include "io_operation.hpp"

namespace numpool::detail {

class engine;

/// What a timed lease is when it begins.
struct timed_grant {
  std::shared_ptr<const std::string> pool;
  std::string token;
  int index;
  std::int64_t fence;
  boottime_clock::time_point sent_at;  ///< when the request left
  boottime_clock::duration lasts;      ///< from then on, at least
};

/// The state behind a timed lease; sent as an operation, it is its own release.
///
///     state     | means                                 | leaves it by
///     held      | ours                                  | release(), lose(), detach(), close()
///     releasing | given back, the server may not know   | finish()
///     released  | given back, and the server knows      |
///     lost      | over                                  |
///     detached  | whoever has the token has it          |
///     closed    | the client was closed                 |
class timed_record : public operation, public std::enable_shared_from_this<timed_record> {
 public:
  using clock = boottime_clock;

  timed_record(std::shared_ptr<engine> owner, timed_grant granted);

  int index() const { return index_; }
  std::int64_t fence() const { return fence_.load(); }
  const std::string& token() const { return token_; }
  const std::string& pool() const { return *pool_; }
  clock::time_point valid_until() const;
  /// Nobody has to have noticed that its time has passed.
  bool held() const { return state_.load() == state::held && clock::now() < valid_until(); }
  bool lost() const;

  /// Any thread.
  bool renew();
  void release(bool wait);
  void detach();
  void on_lost(std::function<void()> callback);

  // The I/O thread.
  /// What is to be done now: it is lost if its time has passed. Returns when to come again, or
  /// nothing if it is nobody's to renew any more.
  std::optional<clock::time_point> look(io_loop& io);
  /// Whether it was held.
  bool close();

  // For the renewal, and any thread.
  void renewed(clock::time_point sent_at, std::int64_t fence, clock::duration ttl);
  void not_renewed();
  void lose(const std::string& reason);

  bool wanted(io_loop& io) override;
  request message() override;
  void succeed(io_loop& io, const result& answer) override;
  void fail(io_loop& io, const error& why) override;
  bool disconnected(io_loop& io, const error& why, bool was_sent) override;

 private:
  enum class state { held, releasing, released, lost, detached, closed };

  bool leave_held(state next);
  bool leave_quietly(state next);
  void finish(std::optional<error> why = std::nullopt);
  clock::time_point next_renewal(clock::duration lasts) const;

  const std::shared_ptr<engine> engine_;
  const std::shared_ptr<const std::string> pool_;
  const std::string token_;
  const int index_;
  std::atomic<std::int64_t> fence_;
  std::atomic<state> state_{state::held};

  mutable std::mutex mutex_;  ///< guards the rest, and state_ on its way to lost
  clock::time_point valid_until_;
  clock::time_point renew_at_;
  clock::duration lasts_;
  bool renewal_is_out_ = false;
  std::condition_variable finished_;
  std::optional<error> error_;
  std::function<void()> on_lost_;
};

}  // namespace numpool::detail
