#include "io_event.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace numpool::detail {

event::event() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

event::~event() {
  ::close(fd_);
}

void event::set() noexcept {
  const std::uint64_t one = 1;
  // Fails only when the counter is at its limit, and then the flag is up already.
  while (::write(fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void event::clear() noexcept {
  std::uint64_t value = 0;
  while (::read(fd_, &value, sizeof value) < 0 && errno == EINTR) {
  }
}

}  // namespace numpool::detail
