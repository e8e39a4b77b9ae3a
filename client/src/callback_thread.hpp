#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace numpool::detail {

/// Runs the user's callbacks one at a time, in order, with no lock held, so that they may call
/// anything without holding up the I/O thread. The thread is started by the first callback.
class callback_thread {
 public:
  callback_thread();
  ~callback_thread();

  /// Any thread, with no lock held. After stop() the callback runs at once on the calling thread,
  /// so that none is ever lost.
  void post(std::function<void()> callback);

  /// Runs what was posted before and ends the thread; waits for that, unless called by a callback.
  void stop() noexcept;

 private:
  /// Shared with the thread, which may outlive this object when a callback destroys the client.
  struct queue {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> callbacks;
    bool stopping = false;
  };

  static void call(const std::function<void()>& callback) noexcept;
  static void run(const std::shared_ptr<queue>& shared);

  std::shared_ptr<queue> queue_;
  std::mutex thread_mutex_;  ///< guards thread_; held while joining
  std::thread thread_;
};

}  // namespace numpool::detail
