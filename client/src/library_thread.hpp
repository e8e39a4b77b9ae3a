#pragma once

#include <functional>
#include <thread>

namespace numpool::detail {

/// A thread of the library. Every signal is blocked in it: signals are the program's, which may
/// wait for them in a thread of its own choice.
std::thread start_thread(std::function<void()> body);

/// Grows with every fork() in the child, and stays the same for ever in the parent. A client of
/// another process is of no use here: its threads do not exist, its locks may be held for ever, and
/// its socket is the other process's.
unsigned fork_depth() noexcept;

}  // namespace numpool::detail
