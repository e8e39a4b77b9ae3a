// Each kind of fault of timed leases is found when it is planted in a history, and what may be is
// not.
#include <doctest/doctest.h>

#include "torture/timed/history.h"

using namespace numpool_test;

namespace {

constexpr Time operator""_ms(unsigned long long milliseconds) {
  return static_cast<Time>(milliseconds) * 1000000;
}

constexpr Time kTtl = 100_ms;

// A statement of its own that takes two milliseconds.
TimedCall call(TimedVerb verb, const char* token, Time asked) {
  TimedCall made;
  made.verb = verb;
  made.token = token;
  made.ttl = kTtl;
  made.asked = made.end_asked = asked;
  made.told = made.end_told = asked + 2_ms;
  made.fate = Fate::kStands;
  return made;
}

TimedCall told(TimedVerb verb, const char* token, Time asked, std::int64_t fence, int index = 0) {
  TimedCall made = call(verb, token, asked);
  made.fence = fence;
  made.index = index;
  return made;
}

TimedCall lease(const char* token, Time asked, std::int64_t fence, int index = 0) {
  return told(TimedVerb::kLease, token, asked, fence, index);
}

TimedCall renewal(const char* token, Time asked, std::int64_t fence) {
  return told(TimedVerb::kRenew, token, asked, fence);
}

TimedCall none(TimedVerb verb, const char* token, Time asked) {
  return call(verb, token, asked);
}

TimedCall release(const char* token, Time asked, Fate fate = Fate::kStands) {
  TimedCall made = call(TimedVerb::kRelease, token, asked);
  made.freed = true;
  made.fate = fate;
  return made;
}

TimedCall lost(TimedCall made) {
  made.told = made.end_told = kNever;
  made.fence = 0;
  made.fate = Fate::kUnknown;
  return made;
}

const Outage kCrash = {-1, 50_ms, 60_ms};

bool finds(const TimedHistory& history, const std::string& kind) {
  const auto all = judge_timed(history);
  return all.size() == 1 && all[0].find(kind + ":") == 0;
}

bool sound(const TimedHistory& history) {
  return judge_timed(history).empty();
}

}  // namespace

TEST_CASE("timed: two holders") {
  CHECK(finds({{{lease("a", 0, 1)}, {lease("b", 90_ms, 2)}}, {}, {}}, "two holders"));
  CHECK(sound({{{lease("a", 0, 1)}, {lease("b", 99_ms, 2)}}, {}, {}}));
  CHECK(sound({{{lease("a", 0, 1)}, {lease("b", 90_ms, 2, 1)}}, {}, {}}));
  CHECK(sound({{{lease("a", 0, 1), release("a", 50_ms)}, {lease("b", 55_ms, 2)}}, {}, {}}));
  CHECK(finds({{{lease("a", 0, 1), renewal("a", 60_ms, 1)}, {lease("b", 120_ms, 2)}}, {}, {}},
              "two holders"));
  CHECK(finds({{{lease("a", 0, 1)}, {lease("b", 90_ms, 1)}}, {}, {}}, "two tokens with one fence"));
}

TEST_CASE("timed: a crash ends no lease of a token, and a forced drop does") {
  const std::vector<std::vector<TimedCall>> two = {{lease("a", 0, 1)}, {lease("b", 90_ms, 2)}};
  CHECK(finds({two, {kCrash}, {}}, "two holders"));
  CHECK(sound({two, {}, {{0, 50_ms, 60_ms}}}));
  CHECK(finds({two, {}, {{1, 50_ms, 60_ms}}}, "two holders"));
}

TEST_CASE("timed: a transaction that is rolled back holds until then") {
  TimedCall taken = lease("a", 0, 1);
  taken.end_asked = 30_ms;
  taken.end_told = 32_ms;
  taken.fate = Fate::kUndone;
  CHECK(sound({{{taken}, {lease("b", 31_ms, 2)}}, {}, {}}));
  CHECK(finds({{{taken}, {lease("b", 20_ms, 2)}}, {}, {}}, "two holders"));
}

TEST_CASE("timed: fences") {
  CHECK(finds({{{lease("a", 0, 5)}, {lease("b", 200_ms, 4)}}, {}, {}}, "fences against time"));
  CHECK(sound({{{lease("a", 0, 5), lease("a", 70_ms, 6)}}, {kCrash}, {}}));
  CHECK(finds({{{lease("a", 0, 5), lease("a", 70_ms, 5)}}, {kCrash}, {}},
              "no larger fence after a crash"));
}

TEST_CASE("timed: what is over is not renewed") {
  CHECK(sound({{{lease("a", 0, 1), renewal("a", 102_ms, 1)}}, {}, {}}));
  CHECK(finds({{{lease("a", 0, 1), renewal("a", 104_ms, 1)}}, {}, {}}, "over, and renewed"));
  CHECK(sound({{{lease("a", 0, 1), renewal("a", 60_ms, 1), renewal("a", 150_ms, 1)}}, {}, {}}));
  // A renewal whose answer was lost may have come.
  CHECK(
      sound({{{lease("a", 0, 1), lost(renewal("a", 90_ms, 1)), renewal("a", 150_ms, 1)}}, {}, {}}));
  // Released and taken back by a transaction whose COMMIT was not answered.
  TimedCall taken_back = release("a", 10_ms, Fate::kUndone);
  taken_back.end_told = kNever;
  CHECK(sound({{{lease("a", 0, 1), taken_back, lease("a", 20_ms, 1)}}, {}, {}}));
}

TEST_CASE("timed: what was released does not come back") {
  CHECK(finds({{{lease("a", 0, 1), release("a", 10_ms), lease("a", 20_ms, 1)}}, {}, {}},
              "released, and told again"));
  CHECK(finds({{{lease("a", 0, 1), release("a", 10_ms), renewal("a", 70_ms, 2)}}, {kCrash}, {}},
              "came back after its release"));
  CHECK(sound({{{lease("a", 0, 1), release("a", 10_ms), lease("a", 20_ms, 2)}}, {}, {}}));
  CHECK(sound(
      {{{lease("a", 0, 1), release("a", 10_ms, Fate::kUndone), renewal("a", 20_ms, 1)}}, {}, {}}));
}

TEST_CASE("timed: a lease lasts, and asking again gives the same") {
  CHECK(finds({{{lease("a", 0, 1), none(TimedVerb::kRenew, "a", 50_ms)}}, {}, {}},
              "lost before its time"));
  CHECK(finds({{{lease("a", 0, 1), none(TimedVerb::kRenew, "a", 70_ms)}}, {kCrash}, {}},
              "lost before its time"));
  CHECK(sound({{{lease("a", 0, 1), none(TimedVerb::kRenew, "a", 99_ms)}}, {}, {}}));
  CHECK(
      sound({{{lease("a", 0, 1), none(TimedVerb::kRenew, "a", 70_ms)}}, {}, {{0, 50_ms, 60_ms}}}));
  CHECK(finds({{{lease("a", 0, 1), lease("a", 50_ms, 1, 1)}}, {}, {}},
              "another number for the same token"));
}

TEST_CASE("timed: places are served in the order of their first call") {
  const TimedCall first = none(TimedVerb::kLease, "a", 0),
                  again = none(TimedVerb::kLease, "a", 60_ms);
  const TimedCall late = none(TimedVerb::kLease, "a", 150_ms);
  TimedCall sleeper = lease("b", 20_ms, 7, 1);
  sleeper.told = sleeper.end_told = 100_ms;
  CHECK(
      finds({{{first, again, lease("a", 90_ms, 8)}, {sleeper}}, {}, {}}, "overtaken in the queue"));
  CHECK(sound({{{first, again, lease("a", 90_ms, 6)}, {sleeper}}, {}, {}}));
  // Its place was over by then.
  CHECK(sound({{{first, late, lease("a", 170_ms, 8)}, {lease("b", 20_ms, 7, 1)}}, {}, {}}));
  CHECK(finds({{{first, again}, {lease("b", 20_ms, 7, 1)}}, {}, {}}, "overtaken while it waited"));
  // Who was there before, or comes after a crash, is not overtaken.
  CHECK(sound({{{first, again}, {lease("b", 1_ms, 7, 1)}}, {}, {}}));
  CHECK(sound({{{first, again}, {lease("b", 20_ms, 7, 1)}}, {{-1, 30_ms, 40_ms}}, {}}));
  // Nor is who comes after it by a lease that it has brought back.
  CHECK(sound({{{none(TimedVerb::kLease, "a", 45_ms), none(TimedVerb::kLease, "a", 130_ms)},
                {lease("b", 1_ms, 5, 1), lease("b", 110_ms, 6, 1)}},
               {{-1, 30_ms, 40_ms}},
               {}}));
}
