#include <numpool/timed_lease.hpp>

#include <utility>

#include <numpool/client.hpp>

#include "access.hpp"
#include "creation.hpp"
#include "engine.hpp"
#include "future_of.hpp"
#include "io_timed.hpp"
#include "io_wait.hpp"
#include "timed_record.hpp"
#include "timed_wait.hpp"
#include "token.hpp"
#include "token_calls.hpp"

namespace numpool {

namespace {

/// How long a place lasts at most.
constexpr std::chrono::milliseconds kLongestPlace{30000};

/// Whose lease it is, as far as this role may see it.
constexpr detail::statement kAdopt{
    "SELECT r.fence, (pg_catalog.date_part('epoch', r.ttl) * 1000000)::pg_catalog.int8, l.pool,"
    " l.index FROM {}numpool_renew($1) AS r LEFT JOIN {}numpool_leases AS l"
    " ON l.token = $1 AND l.fence = r.fence"};

void refuse(const char* what) {
  error(error_kind::invalid_value, what).raise();
}

void check_token(std::string_view token) {
  if (!detail::is_token(token)) refuse("the token is not a uuid");
}

detail::timed_wish wish_of(const timed_options& options) {
  if (!options.token.empty()) check_token(options.token);
  if (options.holder.find('\0') != std::string::npos)
    refuse("the holder must not contain a NUL character");
  detail::timed_wish out;
  out.ttl = std::to_string(options.ttl.count());
  out.place = std::max(std::min(options.ttl, kLongestPlace), std::chrono::milliseconds(3));
  out.is_own_token = !options.token.empty();
  out.token = out.is_own_token ? options.token : detail::new_token();
  if (!options.holder.empty()) out.holder = options.holder;
  return out;
}

std::optional<std::chrono::steady_clock::time_point> deadline_of(const timed_options& options) {
  wait_options limits;
  limits.timeout = options.timeout;
  return detail::deadline_of(limits);
}

}  // namespace

timed_lease::timed_lease(std::shared_ptr<detail::timed_record> record) noexcept
    : record_(std::move(record)) {}

timed_lease::timed_lease() noexcept = default;
timed_lease::timed_lease(timed_lease&& other) noexcept = default;

timed_lease& timed_lease::operator=(timed_lease&& other) noexcept {
  if (this != &other) {
    if (record_) record_->release(false);
    record_ = std::move(other.record_);
  }
  return *this;
}

timed_lease::~timed_lease() {
  if (record_) record_->release(false);
}

int timed_lease::index() const noexcept {
  return record_ ? record_->index() : -1;
}

std::int64_t timed_lease::fence() const noexcept {
  return record_ ? record_->fence() : 0;
}

const std::string& timed_lease::token() const noexcept {
  static const std::string none;
  return record_ ? record_->token() : none;
}

const std::string& timed_lease::pool_name() const noexcept {
  static const std::string none;
  return record_ ? record_->pool() : none;
}

boottime_clock::time_point timed_lease::valid_until() const noexcept {
  return record_ ? record_->valid_until() : boottime_clock::time_point();
}

bool timed_lease::renew() {
  return record_ && record_->renew();
}

void timed_lease::release() {
  if (record_) record_->release(true);
}

std::string timed_lease::detach() noexcept {
  const std::shared_ptr<detail::timed_record> record = std::move(record_);
  if (!record) return {};
  record->detach();
  return record->token();
}

bool timed_lease::held() const noexcept {
  return record_ && record_->held();
}

bool timed_lease::lost() const noexcept {
  return record_ && record_->lost();
}

void timed_lease::on_lost(std::function<void()> callback) {
  if (!record_) throw error(error_kind::invalid_value, "on_lost() of no lease");
  record_->on_lost(std::move(callback));
}

timed_lease pool::acquire_timed(const timed_options& options) const {
  if (auto granted = wait_timed(options)) return std::move(*granted);
  throw detail::timed_out_error(*name_);
}

std::optional<timed_lease> pool::try_acquire_timed(const timed_options& options) const {
  timed_options limited = options;
  if (!limited.timeout) limited.timeout = std::chrono::nanoseconds(0);
  return wait_timed(limited);
}

std::optional<timed_lease> pool::wait_timed(const timed_options& options) const {
  const auto deadline = deadline_of(options);
  return detail::with_pool(*engine_, *name_, creation_, [&] {
    auto wait = std::make_shared<detail::timed_wait>(engine_, name_, wish_of(options), deadline);
    wait->start(options.cancellation);
    return wait->wait();
  });
}

void pool::acquire_timed_async(std::function<void(timed_result)> callback,
                               const timed_options& options) const {
  if (!callback)
    throw numpool::error(error_kind::invalid_value, "acquire_timed_async without a callback");
  const auto start = [engine = engine_, name = name_, wish = wish_of(options),
                      deadline = deadline_of(options),
                      token = options.cancellation](std::function<void(timed_result)> done) {
    std::make_shared<detail::timed_wait>(engine, name, wish, deadline, std::move(done))
        ->start(token);
  };
  detail::start_with_pool<timed_result>(
      engine_, name_, creation_, start,
      [](const error& why) { return detail::access::make_timed_result(why); }, std::move(callback));
}

std::future<timed_lease> pool::acquire_timed_future(const timed_options& options) const {
  return detail::future_of<timed_lease, timed_result>(
      [&](auto callback) { acquire_timed_async(std::move(callback), options); });
}

std::optional<timed_lease> client::adopt(std::string_view token) const {
  check_token(token);
  const auto sent_at = boottime_clock::now();
  detail::rows answer = engine().call(kAdopt, {std::string(token)});
  const detail::row& only = answer.at(0);
  if (!only.at(0) || !only.at(1) || !only.at(2) || !only.at(3)) return std::nullopt;
  auto record = std::make_shared<detail::timed_record>(
      engine_, detail::timed_grant{std::make_shared<const std::string>(*only[2]),
                                   std::string(token), std::stoi(*only[3]), std::stoll(*only[0]),
                                   sent_at, std::chrono::microseconds(std::stoll(*only[1]))});
  engine_->submit(std::make_shared<detail::timed_beginning>(record));
  return detail::access::make_timed(std::move(record));
}

}  // namespace numpool
