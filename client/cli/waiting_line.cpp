#include "waiting_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <utility>

#include "failure.hpp"
#include "text.hpp"

namespace numpool::cli {
namespace {

constexpr std::chrono::seconds kBeat{1};

/// A terminal that can erase a line.
bool is_terminal() {
  const char* name = std::getenv("TERM");
  return isatty(STDERR_FILENO) && name && *name && std::string_view(name) != "dumb";
}

/// Somebody else's program may be using it.
bool in_foreground() {
  return tcgetpgrp(STDERR_FILENO) == getpgrp();
}

std::size_t columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col : 80;
}

void write_text(const std::string& text) {
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) {
    // Nobody reads it; the wait goes on all the same.
  }
}

}  // namespace

waiting_line::waiting_line(bool asked_for)
    : in_place_(is_terminal()), wanted_(in_place_ || asked_for) {
  if (wanted_) thread_ = std::thread([this] { work(); });
}

waiting_line::~waiting_line() {
  clear();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void waiting_line::show(waiting_text text) {
  const std::lock_guard<std::mutex> lock(mutex_);
  text_ = std::move(text);
  silent_ = false;
}

void waiting_line::show(std::function<waiting_text()> source) {
  const std::lock_guard<std::mutex> lock(mutex_);
  source_ = std::move(source);
  silent_ = false;
}

void waiting_line::clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  silent_ = true;
  if (in_place_ && !painted_.empty()) write_text("\r\033[K");
  painted_.clear();
}

void waiting_line::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!changed_.wait_for(lock, kBeat, [this] { return over_; })) {
    if (silent_) continue;
    if (source_) {
      const auto source = source_;
      lock.unlock();
      waiting_text text = source();
      lock.lock();
      if (over_ || silent_) continue;
      text_ = std::move(text);
    }
    paint();
  }
}

void waiting_line::paint() {
  if (text_.steady.empty()) return;
  if (!in_place_) {
    if (std::exchange(painted_, text_.steady) != text_.steady)
      complain(text_.steady + text_.changing);
    return;
  }
  if (!in_foreground()) return;
  // The last column stays free: some terminals go to the next line there.
  painted_ = shorten(printable(text_.steady + text_.changing), columns() - 2);
  write_text("\r" + painted_ + "\033[K");
}

}  // namespace numpool::cli
