// Waiting for a server that is not there: which refusals pass by themselves, and for how long.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <random>

#include <numpool/client.hpp>

#include "arguments.hpp"

namespace numpool::cli {

/// How long a subcommand goes on without a server, unless it is told.
constexpr std::chrono::milliseconds kPatience{60000};

/// Whether `why` may pass with nothing changed by anybody on purpose: the server starts, stops, is
/// full, cannot be reached, is a standby that may be promoted, or lacks the library that another
/// node has.
bool may_pass(const error& why);

/// Whether nobody knows if the server did what it was asked.
bool in_doubt(const error& why);

/// The time that attempts may take together, and the pauses between them.
class patience {
 public:
  using clock = std::chrono::steady_clock;

  /// From now; 0 is for one attempt.
  explicit patience(std::chrono::milliseconds limit);

  bool over() const { return clock::now() >= end_; }
  /// How long a host may be silent in the next attempt: as the library has it, but not much longer
  /// than what is left.
  std::chrono::milliseconds time_per_host() const;
  /// What to wait before the next attempt: more and more, up to a second; a random part of a half
  /// is taken off, so that many programs do not come back in step.
  std::chrono::milliseconds next_pause();

 private:
  clock::time_point end_;
  std::chrono::milliseconds pause_{50};
  std::minstd_rand random_;
};

/// Whether what with_server() does may be done twice.
enum class repeat { may_be_in_doubt, not_in_doubt };

/// Connects and calls `body`, and does both again while the server is not there, as long as
/// --connect-timeout says; a terminal is told of it.  What may have been done already is repeated
/// only with repeat::may_be_in_doubt.  Where a pooler shares sessions it goes on with
/// client_options::transaction_pooling.  Throws the last error.
void with_server(const arguments& args, repeat how, const std::function<void(client&)>& body);
/// The same with options of one's own.
void with_server(const arguments& args, const client_options& options, repeat how,
                 const std::function<void(client&)>& body);

/// What has become of a change.
enum class change {
  made,
  not_made,  ///< there was nothing to be changed
  perhaps,   ///< there was nothing left, and the answer to a try before was lost: it may have done
             ///< it
};

/// with_server() for a change; `body` tells whether it made it.  Where the last try has no answer,
/// or fails after one that had none, that it may be done is told with the error.
change make_change(const arguments& args, repeat how, const std::function<bool(client&)>& body);

/// What is left of --timeout for a command that began at `started`; nothing if there is none.
std::optional<std::chrono::milliseconds> time_left(const arguments& args,
                                                   patience::clock::time_point started);

}  // namespace numpool::cli
