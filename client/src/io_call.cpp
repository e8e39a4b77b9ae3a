#include "io_call.hpp"

#include <utility>

#include "io_loop.hpp"

namespace numpool::detail {

call_operation::call_operation(const statement& what,
                               std::vector<std::optional<std::string>> values)
    : what_(what), values_(std::move(values)) {}

rows call_operation::wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return rows_ || error_; });
  if (error_) error_->raise();
  return std::move(*rows_);
}

request call_operation::message() {
  request out{&what_, static_cast<int>(values_.size()), {}};
  for (std::size_t i = 0; i < values_.size(); ++i)
    out.values[i] = values_[i] ? values_[i]->c_str() : nullptr;
  return out;
}

void call_operation::succeed(io_loop& io, const result& answer) {
  // CREATE and DROP EXTENSION are such; then the schema is another one, or none.
  if (!what_.needs_extension) io.forget_schema();
  rows all = all_rows(answer);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    rows_ = std::move(all);
  }
  changed_.notify_one();
}

void call_operation::fail(io_loop&, const error& why) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    error_ = why;
  }
  changed_.notify_one();
}

bool call_operation::disconnected(io_loop& io, const error& why, bool was_sent) {
  if (!was_sent) return true;
  fail(io, why);
  return false;
}

bool call_operation::over() {
  std::lock_guard<std::mutex> lock(mutex_);
  return rows_ || error_;
}

}  // namespace numpool::detail
