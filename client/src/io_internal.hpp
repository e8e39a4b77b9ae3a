#pragma once

#include <functional>
#include <utility>

#include "io_operation.hpp"

namespace numpool::detail {

/// A statement of the I/O thread's own; who sends it gets the answer, unless the connection goes.
class internal_operation : public operation {
 public:
  using handler = std::function<void(const result&, const error*)>;

  explicit internal_operation(const statement& what, handler done = nullptr,
                              const char* value = nullptr)
      : what_(what), done_(std::move(done)), value_(value) {}

  request message() override { return {&what_, value_ != nullptr ? 1 : 0, {value_}}; }
  void succeed(io_loop&, const result& answer) override {
    if (done_) done_(answer, nullptr);
  }
  void fail(io_loop&, const error& why) override {
    if (done_) done_(result(), &why);
  }
  bool disconnected(io_loop&, const error&, bool) override { return false; }

 private:
  const statement what_;
  const handler done_;
  const char* const value_;  ///< sent at once, so it need not live longer
};

}  // namespace numpool::detail
