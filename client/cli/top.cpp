// numpool top: the views, live.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <ctime>
#include <exception>
#include <mutex>
#include <thread>

#include "commands.hpp"
#include "failure.hpp"
#include "patience.hpp"
#include "screen.hpp"
#include "signal_pipe.hpp"
#include "text.hpp"
#include "view.hpp"

namespace numpool::cli {
namespace {

using clock = std::chrono::steady_clock;

/// Looks at the server again and again in a thread of its own, so that keys work while the server
/// does not answer.
class refresher {
 public:
  refresher(client& server, const arguments& args, bar_style style);
  ~refresher();

  /// Readable after every look, until text() is called.
  int fd() const noexcept { return pipe_[0].get(); }
  /// What to show: the last look, or what went wrong.
  std::string text(std::size_t columns);

 private:
  void work();
  void look();

  client& server_;
  const arguments& args_;
  const bar_style style_;
  descriptor pipe_[2];

  std::mutex mutex_;
  std::condition_variable ended_changed_;
  bool ended_ = false;
  std::vector<pool_view> views_;  // one, if args_.pool is set
  std::string notice_;            // said before them
  std::string problem_;
  std::thread thread_;
};

refresher::refresher(client& server, const arguments& args, bar_style style)
    : server_(server), args_(args), style_(style) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw_errno("pipe");
  pipe_[0] = descriptor(ends[0]);
  pipe_[1] = descriptor(ends[1]);
  thread_ = std::thread([this] { work(); });
}

refresher::~refresher() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  ended_changed_.notify_all();
  server_.close();  // ends a call that is under way
  thread_.join();
}

void refresher::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!ended_) {
    lock.unlock();
    look();
    const char byte = 1;
    if (write(pipe_[1].get(), &byte, 1) < 0) {
      // Full: then it is readable already.
    }
    lock.lock();
    ended_changed_.wait_for(lock, args_.interval, [this] { return ended_; });
  }
}

void refresher::look() {
  std::vector<pool_view> views;
  std::string problem, notice;
  try {
    notice = standby_notice(server_);
    if (args_.pool) {
      views.push_back(fetch_pool(server_, *args_.pool));
    } else {
      views = fetch_overview(server_);
    }
  } catch (const std::exception& e) {
    problem = e.what();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (problem.empty()) {
    views_ = std::move(views);
    notice_ = std::move(notice);
  }
  problem_ = std::move(problem);
}

std::string refresher::text(std::size_t columns) {
  char bytes[64];
  while (read(pipe_[0].get(), bytes, sizeof bytes) > 0) continue;
  const std::lock_guard<std::mutex> lock(mutex_);
  const view_format format{columns, style_};
  std::string out = problem_.empty() ? "" : "not up to date: " + printable(problem_) + "\n";
  out += notice_;
  if (!args_.pool) return out + overview_text(views_, format);
  return views_.empty() ? out : out + pool_text(views_.front(), format);
}

std::string title() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[32];
  const std::size_t n = std::strftime(text, sizeof text, "%H:%M:%S", &local);
  return "numpool top  " + std::string(text, n) + "  q quits\n\n";
}

bool quits(int key) {
  return key == 'q' || key == 'Q';
}

/// Reads what keys there are; true if one of them quits or the terminal is gone.
bool take_keys() {
  char keys[64];
  const ssize_t n = read(STDIN_FILENO, keys, sizeof keys);
  if (n <= 0) return n == 0 || errno != EINTR;
  for (ssize_t i = 0; i < n; ++i) {
    if (quits(keys[i])) return true;
  }
  return false;
}

/// Returns the exit status.
int show(screen& display, refresher& source, signal_pipe& signals) {
  for (;;) {
    display.draw(title() + source.text(display.columns()));
    pollfd events[] = {
        {signals.fd(), POLLIN, 0}, {source.fd(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    if (poll(events, 3, -1) < 0 && errno != EINTR) throw_errno("poll");
    while (const auto number = signals.next()) {
      if (*number == SIGTSTP) {
        display.leave();
        signals.stop();
        display.enter();
      } else if (*number != SIGCONT && *number != SIGWINCH) {
        return kSignalBase + *number;
      }
    }
    if (events[2].revents != 0 && take_keys()) return kSuccess;
  }
}

}  // namespace

int run_top(const arguments& args) {
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
    throw failure(kUsage, "top needs a terminal; \"numpool status\" prints the same once");
  }
  client_options options = options_for(args, "numpool top");
  // A call fails soon, so that the screen says what is wrong; the next one tries again.
  options.reconnect_limit = std::chrono::milliseconds(500);
  int status = kSuccess;
  // Ctrl-C until it is connected has its default action.
  with_server(args, options, repeat::not_in_doubt, [&](client& server) {
    signal_pipe signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
    if (args.pool)
      (void)server.open(*args.pool);  // fails here, before the screen changes, if it must
    screen display;
    refresher source(server, args, bar_style_of_locale());
    status = show(display, source, signals);
  });
  return status;
}

}  // namespace numpool::cli
