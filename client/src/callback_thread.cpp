#include "callback_thread.hpp"

#include <utility>

#include "library_thread.hpp"

namespace numpool::detail {

namespace {

/// The queue this thread runs callbacks of, if it is a callback thread at all.
thread_local const void* running_for = nullptr;

}  // namespace

callback_thread::callback_thread() : queue_(std::make_shared<queue>()) {}

callback_thread::~callback_thread() {
  stop();
}

void callback_thread::post(std::function<void()> callback) {
  if (running_for == queue_.get()) {
    // No thread_mutex_: a thread that joins us holds it. What is queued here runs even then.
    std::lock_guard<std::mutex> lock(queue_->mutex);
    queue_->callbacks.push_back(std::move(callback));
    return;
  }
  {
    std::lock_guard<std::mutex> thread_lock(thread_mutex_);
    std::lock_guard<std::mutex> lock(queue_->mutex);
    if (!queue_->stopping) {
      queue_->callbacks.push_back(std::move(callback));
      if (!thread_.joinable()) thread_ = start_thread([shared = queue_] { run(shared); });
      queue_->changed.notify_one();
      return;
    }
  }
  call(callback);
}

/// One that throws ends the process, whichever thread it runs on.
void callback_thread::call(const std::function<void()>& callback) noexcept {
  callback();
}

void callback_thread::stop() noexcept {
  {
    std::lock_guard<std::mutex> lock(queue_->mutex);
    queue_->stopping = true;
  }
  queue_->changed.notify_one();
  if (running_for == queue_.get()) {
    // Another thread may be joining us, and then holds the mutex until we end.
    std::unique_lock<std::mutex> lock(thread_mutex_, std::try_to_lock);
    if (lock && thread_.joinable()) thread_.detach();
    return;
  }
  std::lock_guard<std::mutex> lock(thread_mutex_);
  if (thread_.joinable()) thread_.join();
}

void callback_thread::run(const std::shared_ptr<queue>& shared) {
  running_for = shared.get();
  std::unique_lock<std::mutex> lock(shared->mutex);
  while (true) {
    shared->changed.wait(lock, [&] { return shared->stopping || !shared->callbacks.empty(); });
    if (shared->callbacks.empty()) return;
    std::function<void()> callback = std::move(shared->callbacks.front());
    shared->callbacks.pop_front();
    lock.unlock();
    call(callback);
    callback = nullptr;  // what it owns is destroyed without the lock, too
    lock.lock();
  }
}

}  // namespace numpool::detail
