#include <numpool/lease.hpp>

#include <utility>

#include <numpool/error.hpp>

#include "lease_record.hpp"

namespace numpool {

lease::lease(std::shared_ptr<detail::lease_record> record) noexcept : record_(std::move(record)) {}

lease::lease() noexcept = default;
lease::lease(lease&& other) noexcept = default;

lease& lease::operator=(lease&& other) noexcept {
  if (this != &other) {
    if (record_) record_->release(false);
    record_ = std::move(other.record_);
  }
  return *this;
}

lease::~lease() {
  if (record_) record_->release(false);
}

int lease::index() const noexcept {
  return record_ ? record_->index() : -1;
}

std::int64_t lease::fence() const noexcept {
  return record_ ? record_->fence() : 0;
}

const std::string& lease::pool_name() const noexcept {
  static const std::string none;
  return record_ ? record_->pool() : none;
}

void lease::release() {
  if (record_) record_->release(true);
}

bool lease::held() const noexcept {
  return record_ && record_->held();
}

bool lease::lost() const noexcept {
  return record_ && record_->lost();
}

void lease::on_lost(std::function<void()> callback) {
  if (!record_) throw error(error_kind::invalid_value, "on_lost() of no lease");
  record_->on_lost(std::move(callback));
}

}  // namespace numpool
