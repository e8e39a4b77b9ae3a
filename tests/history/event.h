// What a log is made of. Each process of a run writes one: what it asked, what it got, and when, by
// one clock. A log is text, one event a line, so that it can be read when a check fails:
//   VERB POOL INDEX FENCE TICKET TEXT ASKED TOLD
// ASKED is before the statement was sent, TOLD after its answer came, both in nanoseconds. What an
// event does not use is 0, or - for TEXT.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>

namespace numpool_test {

using Time = std::int64_t;
constexpr Time kNever = std::numeric_limits<Time>::max();

inline Time now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

enum class Verb {
  // Of one session
  kSession,           // a connection is made: index is its backend's pid
  kAcquire,           // index -1: got none. TEXT is the scope, session or transaction
  kEnqueue,           // index -1: waits
  kGranted,           // a waiting ticket has its number; TEXT says by what it was learnt
  kCancel,            // of a ticket. TEXT is the answer, t or f
  kRelease,           // TEXT is the answer
  kReleaseAll,        // index is the answer
  kFence,             // fence is the answer, 0 for NULL
  kBegin,             //
  kSavepoint,         // index is its depth, counted from 1
  kReleaseSavepoint,  //
  kRollbackTo,        //
  kCommit,            //
  kRollback,          //
  kDiscard,           // DISCARD ALL
  kAlive,             // a statement that changes nothing was answered
  kError,             // TEXT is SQLSTATE:STATE, where STATE is the transaction's: I, T or E
  kLost,              // the connection went
  kClose,             // an orderly goodbye
  // Of whoever looks on or meddles
  kWipe,   // within this time every lease of the pool may have ended; pool -1: of every pool. TEXT
           // is kUnused if it was a drop without force
  kReset,  // the same of every pool, in a database that is a new one from then on
  kDeath,  // of the session with the pid `index`; 0: of all, with their server. TEXT is the kind
  kFault,  // seen to be wrong; all after the verb is its text
};

constexpr char kUnused[] = "unused";

struct Event {
  Verb verb = Verb::kAlive;
  int pool = 0;
  int index = 0;
  std::int64_t fence = 0;
  std::int64_t ticket = 0;
  std::string text;
  Time asked = 0, told = 0;
};

std::string to_line(const Event& event);  // without the end of line
// False if it is none.
bool from_line(const std::string& line, Event* event);

}  // namespace numpool_test
