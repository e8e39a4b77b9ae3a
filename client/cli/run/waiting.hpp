// Waiting for a turn while signals are watched.
#pragma once

#include "arguments.hpp"
#include "signal_queue.hpp"
#include "turn.hpp"

namespace numpool::cli {

/// How the waiting ended: with a number, by the timeout (neither), or by a signal.
struct waited {
  const held_number* held = nullptr;
  int signal = 0;
};

/// Waits for the outcome or a signal that ends the waiting.  After a signal the number, if it was
/// granted at that moment, has gone back; if that takes too long, the process ends here.
waited wait_for_turn(turn& queued, signal_queue& signals);

/// What the command line says of a lease by token, which has a ttl.
timed_options timed_options_of(const arguments& args);

}  // namespace numpool::cli
