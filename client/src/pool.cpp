#include <numpool/pool.hpp>

#include <utility>

#include "engine.hpp"
#include "status_queries.hpp"
#include "io_wait.hpp"

namespace numpool {

using detail::statement;

pool::pool(std::shared_ptr<detail::engine> engine, std::string id)
    : engine_(std::move(engine)), id_(std::make_shared<const std::string>(std::move(id))) {}

lease pool::acquire(const cancellation_token& token) const {
  auto wait = std::make_shared<detail::wait_operation>(engine_, id_);
  wait->start(token);
  return std::move(*wait->wait());
}

std::optional<lease> pool::try_acquire() const {
  auto attempt = std::make_shared<detail::try_operation>(engine_, id_);
  engine_->submit(attempt);
  return attempt->wait();
}

std::optional<lease> pool::acquire_by(std::chrono::steady_clock::time_point deadline,
                                      const cancellation_token& token) const {
  auto wait = std::make_shared<detail::wait_operation>(engine_, id_, deadline);
  wait->start(token);
  return wait->wait();
}

void pool::acquire_async(std::function<void(acquire_result)> callback,
                         const cancellation_token& token) const {
  if (!callback) throw numpool::error("acquire_async without a callback", errc::invalid_value);
  std::make_shared<detail::wait_operation>(engine_, id_, std::nullopt, std::move(callback))
      ->start(token);
}

std::future<lease> pool::acquire_future(const cancellation_token& token) const {
  auto promise = std::make_shared<std::promise<lease>>();
  std::future<lease> future = promise->get_future();
  acquire_async(
      [promise](acquire_result result) {
        if (result.has_lease()) {
          promise->set_value(result.get());
        } else {
          promise->set_exception(std::make_exception_ptr(*result.error()));
        }
      },
      token);
  return future;
}

int pool::resize(int size) const {
  return detail::resize(*engine_, *id_, size);
}

std::optional<std::string> pool::metadata() const {
  constexpr statement kMetadata{"SELECT {}numpool_metadata($1)"};
  return engine_->call(kMetadata, {*id_}).at(0).at(0);
}

void pool::set_metadata(const std::optional<std::string>& json) const {
  constexpr statement kSet{"SELECT {}numpool_set_metadata($1, $2)"};
  engine_->call(kSet, {*id_, json});
}

bool pool::replace_metadata(const std::optional<std::string>& expected,
                            const std::optional<std::string>& json) const {
  constexpr statement kReplace{"SELECT {}numpool_replace_metadata($1, $2, $3)"};
  return engine_->call(kReplace, {*id_, expected, json}).at(0).at(0) == "t";
}

pool_status pool::status() const {
  auto found = detail::pool_statuses(*engine_, *id_);
  if (found.empty()) throw detail::no_such_pool(*id_);
  return std::move(found.front());
}

std::vector<lease_info> pool::leases() const {
  return detail::lease_infos(*engine_, *id_);
}

std::vector<waiter_info> pool::waiters() const {
  return detail::waiter_infos(*engine_, *id_);
}

}  // namespace numpool
