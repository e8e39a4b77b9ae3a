#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <numpool/timed_lease.hpp>

#include "holding.hpp"

namespace numpool::detail {

/// What a timed lease is when it begins.
struct timed_grant {
  std::shared_ptr<const std::string> pool;
  std::string token;
  int index;
  std::int64_t fence;
  boottime_clock::time_point sent_at;  ///< when the request left
  boottime_clock::duration lasts;      ///< from then on, at least
};

/// The state behind a timed lease.
class timed_record : public holding {
 public:
  using clock = boottime_clock;

  timed_record(std::shared_ptr<engine> owner, timed_grant granted);

  std::int64_t fence() const override { return fence_.load(); }
  const std::string& token() const { return token_; }
  clock::time_point valid_until() const;
  /// Nobody has to have noticed that its time has passed.
  bool held() const { return is(state::held) && clock::now() < valid_until(); }
  bool lost() const;

  /// Any thread.
  bool renew();

  /// The I/O thread. What is to be done now: it is lost if its time has passed. Returns when to
  /// come again, or nothing if it is nobody's to renew any more.
  std::optional<clock::time_point> look(io_loop& io);
  /// Makes it due.
  void renew_soon();

  // For the renewal, and any thread.
  void renewed(clock::time_point sent_at, std::int64_t fence, clock::duration ttl);
  void not_renewed();

  bool wanted(io_loop& io) override;
  request message() override;
  void succeed(io_loop& io, const result& answer) override;
  void fail(io_loop& io, const error& why) override;
  bool disconnected(io_loop& io, const error& why, bool was_sent) override;
  const std::string* gives_back() const override { return &token_; }

 private:
  clock::time_point next_renewal(clock::duration lasts) const;

  const std::string token_;
  std::atomic<std::int64_t> fence_;

  mutable std::mutex mutex_;  ///< guards the rest
  clock::time_point valid_until_;
  clock::time_point renew_at_;
  clock::duration lasts_;
  bool renewal_is_out_ = false;
};

}  // namespace numpool::detail
