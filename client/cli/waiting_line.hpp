// What a long wait waits for, said where somebody wants to know.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace numpool::cli {

/// What to say: `steady` until something happens, `changing` with the time.
struct waiting_text {
  std::string steady;
  std::string changing;
};

/// On a terminal one line of standard error, painted again every second and erased at the end;
/// elsewhere, if it is asked for, a line whenever something has happened.  Nothing in the first
/// second.  Its members are for one thread.
class waiting_line {
 public:
  /// `asked_for`: also where there is no terminal.
  explicit waiting_line(bool asked_for);
  /// clear(), and waits until the source has returned.
  ~waiting_line();
  waiting_line(const waiting_line&) = delete;
  waiting_line& operator=(const waiting_line&) = delete;

  /// From now on it says this, a second after it began to have something to say.
  void show(waiting_text text);
  /// The same, with what `source` says every second, in another thread; it may take its time.
  void show(std::function<waiting_text()> source);
  /// Erases what is there and says nothing until the next show().  Never waits for the source.
  void clear();

 private:
  void work();
  void paint();

  const bool in_place_;
  const bool wanted_;

  std::mutex mutex_;  ///< guards the rest
  std::condition_variable changed_;
  bool over_ = false;
  bool silent_ = true;
  waiting_text text_;
  std::function<waiting_text()> source_;
  std::string painted_;  ///< on the terminal; elsewhere the last `steady`
  std::thread thread_;
};

}  // namespace numpool::cli
