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
      io_loop loop(*raw);
      raw->loop_ = &loop;
      loop.run();
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

bool engine::take_helm(const std::shared_ptr<operation>& op) {
  const auto result = forked() ? helm::put_result::refused : helm_.put({op, false}, true);
  if (result == helm::put_result::refused) client_closed_error().raise();
  return result == helm::put_result::taken;
}

void engine::submit(std::shared_ptr<operation> op) {
  if (forked() || helm_.put({std::move(op), false}, false) == helm::put_result::refused)
    client_closed_error().raise();
}

void engine::post(const std::shared_ptr<operation>& op) {
  if (take_helm(op)) loop_->send_as_caller(op);
}

void engine::drive(const std::shared_ptr<operation>& op,
                   std::optional<std::chrono::steady_clock::time_point> deadline) {
  if (take_helm(op)) loop_->drive(op, deadline);
}

void engine::withdraw(std::shared_ptr<operation> op) noexcept {
  if (!forked()) helm_.put({std::move(op), true}, false);
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
  drive(op);
  return op->wait();
}

void engine::close() noexcept {
  if (forked()) return;
  if (helm_.close()) closed_.set();
  if (io_thread_.load() == std::this_thread::get_id()) return;
  {
    std::lock_guard<std::mutex> lock(thread_mutex_);
    if (thread_.joinable()) thread_.join();
  }
  callbacks_.stop();
}

}  // namespace numpool::detail
