// What holders of the mix `timed` asked and were told, what happened meanwhile, and what of it
// breaks a promise.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "history/event.h"

namespace numpool_test {

enum class TimedVerb : std::uint8_t { kLease, kKeep, kRenew, kRelease, kAcquire };

// Of what a call did: it stands, it was rolled back, or its answer (or its transaction's) was lost.
enum class Fate : std::uint8_t { kStands, kUndone, kUnknown };

// One call. A token is used by one thread only, whose calls come one after the other; but a call
// whose answer was lost may take effect at any later time.
struct TimedCall {
  TimedVerb verb = TimedVerb::kLease;
  std::string token;  // "": of kAcquire, whose lease is the session's
  int pool = 0;
  int index = -1;          // -1: none, or it was not told
  std::int64_t fence = 0;  // 0: no number
  bool freed = false;      // what kRelease answered
  Time ttl = 0;
  Time patience = 0;  // how long it may wait
  Time asked = 0;
  Time told = kNever;  // kNever: the answer was lost
  // Of the transaction's COMMIT or ROLLBACK; as `asked` and `told` if it was the statement's own.
  Time end_asked = 0;
  Time end_told = kNever;
  Fate fate = Fate::kUnknown;
  Time given_up = kNever;  // of kAcquire: no later than when the session's lease may have ended

  // Whether it was told of a lease.
  bool tells() const { return fence != 0; }
  bool keeps_place() const { return verb == TimedVerb::kLease && told != kNever && fence == 0; }
};

// The server crashed, or the pool was dropped by force and made anew, at a moment in between.
struct Outage {
  int pool = -1;  // -1: a crash
  Time asked = 0;
  Time over = kNever;
};

struct TimedHistory {
  std::vector<std::vector<TimedCall>> holders;  // each in the order in which they were made
  std::vector<Outage> crashes;
  std::vector<Outage> drops;
};

// One call in words, for a log.
std::string describe(const TimedCall& call);

// The first few violations of each kind, in words.
std::vector<std::string> judge_timed(const TimedHistory& history);

}  // namespace numpool_test
