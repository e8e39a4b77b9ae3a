// Which fences may be given. A database's fences are numbers of microseconds since 2000, counted on
// from where the last draw ended: a *draw* takes the next numbers from a durable source (a
// sequence), and once that is safe enough for whoever is to be given one, they are *installed* and
// handed out, one addition a grant. No lock, clock or log: the caller brings them (rules F1 to F8
// of the README).
#pragma once

#include <atomic>
#include <cstdint>

namespace numpool {

// What has the record of a draw, from the weakest to the strongest.
enum class Assurance : std::uint8_t {
  kLocal,    // this server's disk
  kWritten,  // the synchronous standbys: written there, flushed there, applied there
  kFlushed,
  kApplied,
};

namespace fence {

constexpr std::int64_t kSecond = 1000000;
constexpr std::int64_t kDay = 86400 * kSecond;

// How far beyond the clock the first draw of a server on a timeline goes, and the first of a
// source: further than who is left on the timeline before gets, if he lives on for as long.
constexpr std::int64_t kJump = 2 * kDay;
// How much further with each timeline, beyond the clock and beyond the last draw: so that of two
// servers the one promoted later is ahead, though it knows nothing of what the other one drew. No
// draw ends further beyond the clock than the jump and as many steps as there were timelines, which
// is where the first draw of a new source begins: so that is above all that was drawn from another.
constexpr std::int64_t kTimelineStep = 120 * kSecond;
constexpr std::uint32_t kMostSteps = 1 << 20;
// A clock that shows more (the year 2142) is not believed.
constexpr std::int64_t kLatestClock = std::int64_t{1} << 52;

// Numbers of a draw: few at first, so that a start does not get ahead of the clock, then more and
// more for who uses them up.
constexpr std::int64_t kLeastDraw = std::int64_t{1} << 16;
constexpr std::int64_t kMostDraw = std::int64_t{1} << 22;
// Numbers that one arrival may be granted.
constexpr std::int64_t kPerArrival = 64;
// What an owner may ask for: so much is left below 2^53 then.
constexpr std::int64_t kMostAdvance = (std::int64_t{1} << 53) - (std::int64_t{1} << 50);
// How long standbys must have been undefined until whoever asked for them does without.
constexpr std::int64_t kUndefinedGrace = 10 * kSecond;

}  // namespace fence

// Who draws: a server by its system, and the timeline that it is on.
struct FenceOrigin {
  std::uint32_t system;  // 0: unknown
  std::uint32_t timeline;
};

// What a source says of the last draw from it, by whatever server.
struct FenceSource {
  std::int64_t limit;  // every fence drawn from it is below
  FenceOrigin origin;
  bool used;  // whether anything has been drawn
};

struct FenceDraw {
  std::int64_t start;
  std::int64_t limit;
};

// The next `count` numbers of a source, none of them below `floor`, for who draws at that time
// (microseconds since 2000).
FenceDraw plan_draw(const FenceSource& source, const FenceOrigin& drawer, std::int64_t clock,
                    std::int64_t floor, std::int64_t count) noexcept;

// An arrival, or an owner, that needs fences.
struct FenceWish {
  std::uint32_t source;
  Assurance assurance;           // what its transactions wait for, if standbys are defined
  bool standbys_are_defined;     // synchronous ones
  std::int64_t undefined_since;  // as the caller has seen it while it waited
  std::int64_t reserve;          // numbers that all who may have been let in can still take
  std::int64_t at_least;         // 0: any
  std::int64_t now;              // microseconds
};

enum class FenceStep : std::uint8_t {
  kCovered,  // go on
  kDraw,     // draw, and note that with `drawn`
  kAwait,    // wait until `position` has `assurance`, and tell that with `assured`
  kPause,    // wait until `until`
};

struct FenceAdvice {
  FenceStep step;
  std::uint64_t position;
  Assurance assurance;
  std::int64_t until;
};

// The fences of one database. Guarded by a lock of the caller's; the atomic members may be read,
// and `next` raised by a grant, without it.
struct FenceBlock {
  std::atomic<std::int64_t> next;     // only grows, and never reaches `limit`
  std::atomic<std::int64_t> limit;    // 0: nothing is installed
  std::atomic<std::uint32_t> source;  // that they were drawn from
  std::atomic<Assurance> assured_as;  // what the draw is known to have
  std::uint64_t position;             // of the draw's record in the log
  std::int64_t count;                 // of the newest draw
  std::atomic<Assurance> asked;       // the strongest that anybody has waited for
  Assurance demanded;                 // what nothing may be installed without; at most `asked`
  // Drawn and not installed; limit 0: nothing.
  FenceDraw pending;
  std::uint64_t pending_position;
  std::uint32_t pending_source;
  bool pending_skips;  // what is left of the installed ones

  // Whether an arrival may be let in: there are fences, as safe as it wants them, for it and for
  // all before it.
  bool covers(const FenceWish& wish) const noexcept;

  // What whoever is not covered does next. Asked again after each step.
  FenceAdvice advise(const FenceWish& wish) noexcept;
  // The lowest number that a draw may begin with: above all that this server has drawn.
  std::int64_t floor(std::int64_t at_least) const noexcept;
  // How many to draw.
  std::int64_t draw_count(const FenceWish& wish) const noexcept;
  // A draw for that wish was logged, and its record ends `at` that position. It replaces one that
  // is pending.
  void drawn(const FenceDraw& draw, const FenceWish& wish, std::uint64_t at) noexcept;
  // All up to the position `upto` has `assurance`: installs what is pending, if that is enough.
  void assured(std::uint64_t upto, Assurance assurance) noexcept;

 private:
  bool has_numbers(const FenceWish& wish) const noexcept;
  void install(Assurance assurance) noexcept;
};

}  // namespace numpool
