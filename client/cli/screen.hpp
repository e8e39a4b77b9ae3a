// The terminal as `top` uses it: alternate screen, keys one by one, restored on any exit.
#pragma once

#include <cstddef>
#include <string>

namespace numpool::cli {

/// At most one exists at a time.  Restored by the destructor, by exit(), by std::terminate() and by
/// a signal that means a crash; only SIGKILL leaves the terminal as it is.
class screen {
 public:
  /// Throws failure if standard input and output are not both terminals.
  screen();
  ~screen();
  screen(const screen&) = delete;
  screen& operator=(const screen&) = delete;

  std::size_t rows() const;
  std::size_t columns() const;

  /// Replaces what is shown by `text`, cut to the screen.  Draws over the old lines instead of
  /// clearing first, so nothing flickers.
  void draw(const std::string& text);

  /// Before and after a stop: the shell's terminal, then ours again.
  void leave();
  void enter();
};

/// What draw() writes: the first `rows` lines of `text`, each cut to `columns`.
std::string screen_text(const std::string& text, std::size_t rows, std::size_t columns);

}  // namespace numpool::cli
