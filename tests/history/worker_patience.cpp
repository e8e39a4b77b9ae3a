// How long a worker waits for an answer, and whether that was too long.
#include "worker.h"

namespace numpool_test {

namespace {

// How long to wait once the others only give up what they have.
constexpr Milliseconds kPatienceAtEnd = 60s;
constexpr Milliseconds kPoll = 100ms;
// The time from a grant to the answer may be no longer than this; a sleeper that nobody wakes
// sleeps for longer.
constexpr Time kLongestDelay = 5000000000;

}  // namespace

bool Worker::too_late(Clock::time_point began) {
  const auto time = Clock::now();
  if (board_.over && !end_seen_) end_seen_ = time;
  return time > began + kPatience || (end_seen_ && time > *end_seen_ + kPatienceAtEnd);
}

std::optional<Outcome> Worker::collect() {
  const auto began = Clock::now();
  for (polls_ = 0; !session_->done_within(kPoll) && !too_late(began);) polls_++;
  Outcome outcome = session_->finish(session_->done() ? kPatience : 0ms);
  told_ = now();
  if (!session_->connected()) throw Lost();
  // A cancel that comes after the statement was over makes nothing fail.
  if (outcome.ok || outcome.completed > 0) return outcome;
  failed(outcome);
  return std::nullopt;
}

// Time in which this process could not run counts as if it had been before the grant, whenever it
// was.
void Worker::check_delay(int pool, std::int64_t index) {
  if (told_ - asked_ <= kLongestDelay) return;
  const Time stalled = told_ - asked_ - polls_ * Time{kPoll.count()} * 1000000;
  const auto age =
      ask("SELECT (1e9 * extract(epoch FROM clock_timestamp() - acquired_at))::bigint FROM "
          "numpool_leases WHERE pid = pg_backend_pid() AND pool = " +
          quoted(pool) + " AND index = " + std::to_string(index));
  if (!age) return;
  note(Verb::kAlive);
  const Time delay = age->number().value_or(0) - stalled;
  if (delay > kLongestDelay)
    fault("was told of a grant " + std::to_string(delay / 1000000) + " ms after it");
}

}  // namespace numpool_test
