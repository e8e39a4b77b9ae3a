#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "io_event.hpp"
#include "io_operation.hpp"

namespace numpool::detail {

/// Who works the connection. One thread at a time is at the helm: it alone touches the io_loop.
/// That is the I/O thread, unless a thread that calls the library finds that nobody needs the
/// connection: then it sends its statement and reads the answer itself, and no other thread is
/// woken for it.
///
///     at the helm | the I/O thread sleeps for       | the helm goes to
///     I/O thread  | the socket, its timers, a wake  | nobody, when it lends it: nothing is
///                 |                                 | outstanding, nobody waits for a number
///     nobody      | the same                        | the I/O thread that wakes; a caller, who
///     wakes
///      (watched)  |                                 | it so that it patrols
///     nobody      | a moment (it patrols)           | a caller; the I/O thread, when no caller
///     came
///      (quiet)    |                                 | for a whole moment, or something was put
///     caller      | a moment, or its timers         | nobody (quiet), when the caller is through
///     and
///                 |                                 | the I/O thread patrols; else the I/O thread
///
/// - What is put while somebody is at the helm waits in the inbox. Who is at the helm and asleep is
///   woken for it, and looks into the inbox under the lock before it sleeps: no wake-up is lost.
/// - What is put while nobody is at the helm wakes the I/O thread, unless it is put by a caller who
///   takes the helm. None takes it while the inbox has something: that is the I/O thread's.
/// - A caller never leaves while there is something in the inbox, an answer outstanding that
/// somebody
///   waits for, a ticket in the queue, or anything to be done at a time: then it hands the helm to
///   the I/O thread, by name, which wakes for it if it sleeps and finds itself at the helm if it
///   does not.
/// - What the I/O thread wakes for while a caller is at the helm (a timer, close()) makes it ask
/// for the
///   helm. Who is asked gives it before it would sleep, and is woken if it sleeps already.
/// - While nobody is at the helm and quiet, what the server says is heard when the I/O thread has
///   patrolled: after two moments. No answer is outstanding then but to a release that nobody waits
///   for, and no ticket; it may be the loss of a lease, or of the connection.
///
/// What a caller does there is nothing that may take long, or that a caller's deadline or
/// cancellation could not end: it sends, reads and sleeps. It connects to nothing and resolves no
/// name, and leaves when either is to be done. A thread that is not in the process any more (a
/// fork) is nowhere at the helm, as the copy of a client does nothing.
class helm {
 public:
  using clock = std::chrono::steady_clock;

  struct submission {
    std::shared_ptr<operation> op;
    bool withdraw;
  };
  enum class put_result { refused, left, taken };

  /// How long the I/O thread lets callers alone before it looks whether they still come.
  static constexpr std::chrono::milliseconds kMoment{1};

  /// Any thread: leaves `what` in the inbox; or, if it may be taken along and nobody is at the
  /// helm, does not, and the caller is at the helm.
  put_result put(submission what, bool may_take);

  /// Whoever is at the helm: swaps the inbox into `into`, which must be empty. False: closing.
  bool take_in(std::vector<submission>* into);

  // For the I/O thread.
  /// Before it sleeps; false if it must not. `lends`: nobody is at the helm meanwhile.
  bool may_sleep(bool lends);
  /// After it slept. False: a caller has been at the helm, or is, so that what it slept for says
  /// nothing any more, and it has to wait_for_turn().
  bool woke(bool event_fired);
  /// Until it is at the helm again. It asks for it at the `alarm`, and when `timer_fd` is readable.
  void wait_for_turn(int timer_fd, std::optional<clock::time_point> alarm);
  int wake_fd() const { return wake_.fd(); }

  // For a caller at the helm.
  /// Before it sleeps; false if there is something in the inbox or it is to leave.
  bool caller_may_sleep();
  void caller_woke(bool event_fired);
  /// `is_clear`: nothing is left that somebody has to look after.
  void leave(bool is_clear);
  int caller_fd() const { return caller_wake_.fd(); }

  /// Any thread: from now on nothing can be put. True the first time.
  bool close();

 private:
  enum class position { io_thread, nobody, caller };

  bool ask_for_helm();  // with the lock; whether the caller has to be woken

  event wake_;
  event caller_wake_;

  std::mutex mutex_;  ///< guards the rest
  std::vector<submission> inbox_;
  position at_ = position::io_thread;
  /// The I/O thread will look within a moment. Where nobody is at the helm and it will not, it
  /// sleeps for the socket.
  bool patrols_ = false;
  bool is_asked_for_ = false;   ///< by the I/O thread, of a caller
  bool io_asleep_ = false;      ///< and nobody has woken it
  bool caller_asleep_ = false;  ///< and nobody has woken it
  std::uint64_t callers_ = 0;   ///< that came
  std::uint64_t lent_at_ = 0;   ///< callers_, when the I/O thread was last at the helm
  bool closing_ = false;
};

}  // namespace numpool::detail
