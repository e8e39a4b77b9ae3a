#include "turn.hpp"

#include <poll.h>

#include <mutex>
#include <utility>

#include "io_event.hpp"

namespace numpool::cli {

struct turn::state {
  turn_request request;
  cancellation_source source;
  detail::event done;
  detail::event lost;

  // Written by the thread before `done` is set, by the owner afterwards.
  std::unique_ptr<client> connection;
  std::optional<lease> held;
  std::exception_ptr problem;

  std::mutex mutex;
  std::string reason;  // of the loss; guarded by `mutex`
};

turn::turn(turn_request request) : state_(std::make_shared<state>()) {
  state_->request = std::move(request);
  state_->request.options.on_lost = [shared = std::weak_ptr<state>(state_)](const lost_lease& l) {
    if (const auto s = shared.lock()) {
      const std::lock_guard<std::mutex> lock(s->mutex);
      s->reason = l.reason;
      s->lost.set();
    }
  };
  thread_ = std::thread([shared = state_] { work(*shared); });
}

turn::~turn() {
  state_->source.cancel();
  if (thread_.joinable()) thread_.join();
  release();
}

void turn::work(state& s) noexcept {
  try {
    s.connection = std::make_unique<client>(std::move(s.request.options));
    const pool handle = s.request.create
                            ? s.connection->create_or_open(s.request.pool, *s.request.create)
                            : s.connection->open(s.request.pool);
    if (s.request.timeout) {
      s.held = handle.acquire_for(*s.request.timeout, s.source.token());
    } else {
      s.held = handle.acquire(s.source.token());
    }
  } catch (...) {
    s.problem = std::current_exception();
  }
  s.done.set();
}

int turn::outcome_fd() const noexcept {
  return state_->done.fd();
}
int turn::lost_fd() const noexcept {
  return state_->lost.fd();
}

const lease* turn::outcome() {
  if (thread_.joinable()) thread_.join();
  if (state_->problem) std::rethrow_exception(state_->problem);
  return state_->held ? &*state_->held : nullptr;
}

std::string turn::lost_reason() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->reason;
}

bool turn::leave(std::chrono::milliseconds limit) {
  state_->source.cancel();
  pollfd waiting{state_->done.fd(), POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(limit.count())) != 1) {
    thread_.detach();
    return false;
  }
  if (thread_.joinable()) thread_.join();
  release();
  return true;
}

void turn::release() noexcept {
  if (state_->connection) state_->connection->close();
}

}  // namespace numpool::cli
