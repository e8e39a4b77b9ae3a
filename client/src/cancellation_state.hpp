#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace numpool::detail {

/// What a cancellation source and its tokens share. Callbacks run without the lock, on the thread
/// that cancels, and may still be running when remove() returns: they must own what they touch.
class cancellation_state {
 public:
  bool cancelled() const;
  void cancel();

  /// Returns a key for remove(), or 0 without keeping `callback` if it is cancelled already.
  std::uint64_t add(std::function<void()> callback);
  void remove(std::uint64_t key);

 private:
  mutable std::mutex mutex_;
  bool cancelled_ = false;
  std::uint64_t last_key_ = 0;
  std::map<std::uint64_t, std::function<void()>> callbacks_;
};

}  // namespace numpool::detail
