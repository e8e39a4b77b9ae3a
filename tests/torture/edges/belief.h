// What the client's end of a run is judged by: who believed that he holds a number, and for how
// long; and when the way between him and the server was not what it should be.
#pragma once

#include <string>
#include <vector>

#include "history/event.h"

namespace numpool_test {

// One lease as its holder saw it, by the monotonic clock: from when the library handed it out until
// it was told to give it back, or said that it is lost.
struct Belief {
  int pool = 0;
  int index = 0;
  std::int64_t fence = 0;
  int door = 0;  // by which its holder reaches the server
  Time begin = 0;
  Time end = kNever;
  bool lost = false;  // ended by being told so
};

// A time in which a holder behind this door may not learn what became of his connection: nothing is
// forwarded, or the server's end was closed and the client's was not. A delay is one, too: `late`
// is how much later than otherwise he learns it.
struct Haze {
  int door = 0;
  Time from = 0;
  Time until = kNever;
  Time late = kNever;
  std::string kind;
};

// A time in which this process, or the machine, stood still.
struct Stall {
  Time from = 0;
  Time until = 0;
};

struct Evidence {
  std::vector<Belief> beliefs;
  std::vector<Haze> hazes;
  std::vector<Stall> stalls;
};

// How long two may believe, and how long until a loss is told.
struct Limits {
  Time in_haze = 15000000000;
  Time in_clear = 1000000000;
  Time grace = 1000000000;  // for this program's own threads
};

struct Verdict {
  std::vector<std::string> violations;  // the first few of each kind
  int overlaps = 0;                     // believers of what was another's
  Time longest_in_haze = 0, longest_in_clear = 0;
  int told_lost = 0;
};

// - A fence is believed once.
// - Nobody is told of a grant later than he would be told of its loss.
// - From the moment the next one believes, the earlier one goes on for at most `in_haze` and the
//   grace if his way was hazy, and `in_clear` if it was not.
// - Where nothing got through for longer than that, he is told by then.
// Time in which the process stood still is not counted.
Verdict judge_beliefs(Evidence evidence, const Limits& limits);

}  // namespace numpool_test
