#include "library_thread.hpp"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace numpool::detail {

namespace {

unsigned depth = 0;  // written only by the one thread of a new process

}  // namespace

std::thread start_thread(std::function<void()> body) {
  class all_blocked {
   public:
    all_blocked() {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~all_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

   private:
    sigset_t before_;
  };
  const all_blocked inherited;
  return std::thread(std::move(body));
}

unsigned fork_depth() noexcept {
  static const int registered = pthread_atfork(nullptr, nullptr, [] { ++depth; });
  (void)registered;
  return depth;
}

}  // namespace numpool::detail
