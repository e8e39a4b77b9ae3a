#include "screen.hpp"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "failure.hpp"
#include "text.hpp"

namespace numpool::cli {
namespace {

constexpr char kEnter[] = "\033[?1049h\033[?25l";
constexpr char kLeave[] = "\033[?25h\033[?1049l";

// For the handlers, which have no object to ask.
termios original_settings;
volatile std::sig_atomic_t active = 0;

/// Safe in a signal handler.
void restore_terminal() {
  if (!active) return;
  active = 0;
  if (write(STDOUT_FILENO, kLeave, sizeof kLeave - 1) < 0) {
    // The terminal is gone: nothing to restore but its settings.
  }
  tcsetattr(STDIN_FILENO, TCSADRAIN, &original_settings);
}

void on_crash(int number) {
  restore_terminal();
  raise(number);  // the default action, by SA_RESETHAND
}

[[noreturn]] void on_terminate() {
  restore_terminal();
  std::abort();
}

void install_handlers() {
  static bool installed = false;
  if (installed) return;
  installed = true;
  std::atexit(restore_terminal);
  std::set_terminate(on_terminate);
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_RESETHAND | SA_NODEFER;
  for (int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigaction(number, &action, nullptr);
}

winsize size_of_terminal() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
    size.ws_row = 24;
    size.ws_col = 80;
  }
  return size;
}

void write_all(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw_errno("cannot write to the terminal");
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace

screen::screen() {
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
    throw failure(kUsage, "top needs a terminal; \"numpool status\" prints the same once");
  }
  install_handlers();
  enter();
}

screen::~screen() {
  restore_terminal();
}

void screen::leave() {
  restore_terminal();
}

void screen::enter() {
  if (tcgetattr(STDIN_FILENO, &original_settings) != 0) throw_errno("cannot read the terminal");
  active = 1;
  termios settings = original_settings;
  // Keys come one by one and unseen; Ctrl-C and Ctrl-Z stay signals.
  settings.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  if (tcsetattr(STDIN_FILENO, TCSADRAIN, &settings) != 0) throw_errno("cannot set the terminal");
  write_all(kEnter);
}

std::size_t screen::rows() const {
  return size_of_terminal().ws_row;
}
std::size_t screen::columns() const {
  return size_of_terminal().ws_col;
}

void screen::draw(const std::string& text) {
  write_all("\033[H" + screen_text(text, rows(), columns()) + "\033[J");
}

std::string screen_text(const std::string& text, std::size_t rows, std::size_t columns) {
  std::string out;
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < text.size() && line < rows; ++line) {
    std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    // No line break after the last line: it would scroll.
    if (line > 0) out += "\r\n";
    out += shorten(text.substr(begin, end - begin), columns) + "\033[K";
    begin = end + 1;
  }
  return out;
}

}  // namespace numpool::cli
