#include <numpool/pool.hpp>

#include <utility>

#include "access.hpp"
#include "creation.hpp"
#include "engine.hpp"
#include "future_of.hpp"
#include "status_queries.hpp"
#include "io_wait.hpp"

namespace numpool {

using detail::statement;

namespace {

std::optional<std::string> owned(std::optional<std::string_view> text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

}  // namespace

pool::pool(std::shared_ptr<detail::engine> engine, std::string_view name,
           std::shared_ptr<const detail::creation> what)
    : engine_(std::move(engine)),
      name_(std::make_shared<const std::string>(name)),
      creation_(std::move(what)) {}
pool::pool(const pool&) noexcept = default;
pool& pool::operator=(const pool&) noexcept = default;
pool::~pool() = default;

lease pool::acquire(const wait_options& options) const {
  if (auto granted = try_acquire(options)) return std::move(*granted);
  throw detail::timed_out_error(*name_);
}

std::optional<lease> pool::try_acquire() const {
  engine_->need_own_session();
  return detail::with_pool(*engine_, *name_, creation_, [&] {
    auto attempt = std::make_shared<detail::try_operation>(engine_, name_);
    engine_->drive(attempt);
    return attempt->wait();
  });
}

std::optional<lease> pool::try_acquire(const wait_options& options) const {
  engine_->need_own_session();
  const auto deadline = detail::deadline_of(options);
  // Whoever will not wait takes no ticket either.
  if (deadline && *deadline <= std::chrono::steady_clock::now()) {
    if (options.cancellation.cancelled()) detail::wait_cancelled_error().raise();
    return try_acquire();
  }
  return detail::with_pool(*engine_, *name_, creation_, [&] {
    auto wait = std::make_shared<detail::wait_operation>(engine_, name_, deadline);
    wait->start(options.cancellation);
    return wait->wait();
  });
}

void pool::acquire_async(std::function<void(acquire_result)> callback,
                         const wait_options& options) const {
  if (!callback)
    throw numpool::error(error_kind::invalid_value, "acquire_async without a callback");
  engine_->need_own_session();
  const auto start = [engine = engine_, name = name_, deadline = detail::deadline_of(options),
                      token = options.cancellation](std::function<void(acquire_result)> done) {
    std::make_shared<detail::wait_operation>(engine, name, deadline, std::move(done))->start(token);
  };
  detail::start_with_pool<acquire_result>(
      engine_, name_, creation_, start,
      [](const error& why) { return detail::access::make_result(why); }, std::move(callback));
}

std::future<lease> pool::acquire_future(const wait_options& options) const {
  return detail::future_of<lease, acquire_result>(
      [&](auto callback) { acquire_async(std::move(callback), options); });
}

int pool::resize(int size) const {
  return detail::resize(*engine_, *name_, size);
}

std::optional<std::string> pool::metadata() const {
  constexpr statement kMetadata{"SELECT {}numpool_metadata($1)"};
  return engine_->call(kMetadata, {*name_}).at(0).at(0);
}

void pool::set_metadata(std::optional<std::string_view> json) const {
  constexpr statement kSet{"SELECT {}numpool_set_metadata($1, $2)"};
  engine_->call(kSet, {*name_, owned(json)});
}

bool pool::replace_metadata(std::optional<std::string_view> expected,
                            std::optional<std::string_view> json) const {
  constexpr statement kReplace{"SELECT {}numpool_replace_metadata($1, $2, $3)"};
  return engine_->call(kReplace, {*name_, owned(expected), owned(json)}).at(0).at(0) == "t";
}

pool_status pool::status() const {
  auto found = detail::pool_statuses(*engine_, *name_);
  if (found.empty()) detail::no_such_pool(*name_).raise();
  return std::move(found.front());
}

std::vector<lease_info> pool::leases() const {
  return detail::lease_infos(*engine_, *name_);
}

std::vector<waiter_info> pool::waiters() const {
  return detail::waiter_infos(*engine_, *name_);
}

}  // namespace numpool
