#include "engine.hpp"

#include <utility>

#include "io_call.hpp"
#include "io_loop.hpp"

namespace numpool::detail {

error client_closed_error() {
  return error(error_kind::client_closed, "the client is closed");
}

std::shared_ptr<engine> engine::start(client_options options) {
  auto started = std::make_shared<engine>(std::move(options));
  std::future<void> connected = started->first_attempt_.get_future();
  {
    std::lock_guard<std::mutex> lock(started->thread_mutex_);
    started->thread_ = start_thread([raw = started.get()] {
      raw->io_thread_ = std::this_thread::get_id();
      io_loop(*raw).run();
    });
  }
  try {
    connected.get();
  } catch (...) {
    started->close();
    throw;
  }
  return started;
}

engine::engine(client_options options)
    : options_(std::move(options)), parameters_(options_.conninfo) {
  using std::chrono::milliseconds;
  if (options_.connect_timeout <= milliseconds(0) || options_.reconnect_limit < milliseconds(0) ||
      options_.heartbeat_interval < milliseconds(0) || options_.heartbeat_limit <= milliseconds(0))
    throw error(error_kind::invalid_value, "client_options: a time is out of range", {}, {},
                "connect_timeout and heartbeat_limit must be above 0, reconnect_limit and "
                "heartbeat_interval not below 0.");
}

engine::~engine() {
  close();
}

void engine::abandon(std::shared_ptr<engine> copy) {
  static auto* const abandoned = new std::vector<std::shared_ptr<engine>>();
  abandoned->push_back(std::move(copy));
}

bool engine::push(submission what) {
  if (forked()) return false;
  bool wake = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (refusing_) return false;
    inbox_.push_back(std::move(what));
    wake = std::exchange(sleeping_, false);
  }
  if (wake) wake_.set();
  return true;
}

void engine::submit(std::shared_ptr<operation> op) {
  if (!push({std::move(op), false})) client_closed_error().raise();
}

void engine::withdraw(std::shared_ptr<operation> op) noexcept {
  push({std::move(op), true});
}

void engine::need_own_session() const {
  if (!shares_sessions()) return;
  error(error_kind::not_supported, "a lease of a session, or a lock, needs a session of its own",
        {}, "With transaction_pooling no session is this client's.",
        "Lease by token, with acquire_timed(), or connect without the pooler.")
      .raise();
}

rows engine::call(const statement& what, std::vector<std::optional<std::string>> values) {
  auto op = std::make_shared<call_operation>(what, std::move(values));
  submit(op);
  return op->wait();
}

void engine::close() noexcept {
  if (forked()) return;
  bool first = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    first = !std::exchange(closing_, true);
    refusing_ = true;
    sleeping_ = false;
  }
  if (first) {
    closed_.set();
    wake_.set();
  }
  if (io_thread_.load() == std::this_thread::get_id()) return;
  {
    std::lock_guard<std::mutex> lock(thread_mutex_);
    if (thread_.joinable()) thread_.join();
  }
  callbacks_.stop();
}

bool engine::take(std::vector<submission>* into) {
  std::lock_guard<std::mutex> lock(mutex_);
  into->swap(inbox_);
  return !closing_;
}

bool engine::may_sleep() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closing_ || !inbox_.empty()) return false;
  sleeping_ = true;
  return true;
}

void engine::woke(bool event_fired) {
  if (event_fired) wake_.clear();
  std::lock_guard<std::mutex> lock(mutex_);
  sleeping_ = false;
}

}  // namespace numpool::detail
