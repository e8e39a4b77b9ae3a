#include "signal_pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "failure.hpp"
#include "run/signal_queue.hpp"

namespace numpool::cli {
namespace {

volatile std::sig_atomic_t pipe_of_handler = -1;

void on_signal(int number) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(number);
  if (write(pipe_of_handler, &byte, 1) < 0) {
    // Full: so many signals are waiting that one more tells nothing new.
  }
  errno = saved;
}

void set_action(int number, void (*action)(int)) {
  struct sigaction set {};
  set.sa_handler = action;
  set.sa_flags = SA_RESTART;
  sigfillset(&set.sa_mask);
  sigaction(number, &set, nullptr);
}

}  // namespace

signal_pipe::signal_pipe(std::initializer_list<int> numbers) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw_errno("pipe");
  read_end_ = descriptor(ends[0]);
  write_end_ = descriptor(ends[1]);
  pipe_of_handler = ends[1];
  for (int number : numbers) {
    struct sigaction before {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler == SIG_IGN) continue;
    set_action(number, on_signal);
    caught_.push_back(number);
  }
}

signal_pipe::~signal_pipe() {
  for (int number : caught_) set_action(number, SIG_DFL);
}

std::optional<int> signal_pipe::next() {
  unsigned char byte = 0;
  if (read(read_end_.get(), &byte, 1) != 1) return {};
  return byte;
}

void signal_pipe::stop() {
  set_action(SIGTSTP, SIG_DFL);
  stop_self(true);
  set_action(SIGTSTP, on_signal);
}

}  // namespace numpool::cli
