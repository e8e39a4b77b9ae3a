#pragma once

namespace numpool::detail {

/// An eventfd: a flag that poll() can wait for.
class event {
 public:
  event();
  ~event();
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  int fd() const { return fd_; }
  void set() noexcept;    ///< any thread
  void clear() noexcept;  ///< the waiting thread

 private:
  int fd_;
};

}  // namespace numpool::detail
