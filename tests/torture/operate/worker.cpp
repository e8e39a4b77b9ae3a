// What a worker does.
#include "torture/operate/worker.h"

#include <algorithm>

namespace numpool_test::operate {

namespace {

constexpr int kLongNap = 150;  // milliseconds

}  // namespace

void Worker::run() {
  while (!over_) {
    connect();
    // Whom nobody lets in need not ask as often.
    if (role_ == Role::kStranger) nap(60 * kMillisecond);
    const int what = below(100);
    if (what < 45)
      use_acquire();
    else if (what < 60)
      use_transaction();
    else if (what < 75)
      use_ticket();
    else if (what < 84)
      use_batch();
    else if (what < 96)
      use_token();
    else
      wait_idle();
    if (session_ && !open_.empty()) end_all();
  }
  while (!tokens_.empty()) end_token(tokens_.begin()->first);
  goodbye();
}

void Worker::use_acquire() {
  const int pool = some_pool();
  // Where the wait has no end of its own, it is the operators' to end it.
  if (one_in(2))
    take("numpool_try_acquire", pool, "", Scope::kSession);
  else if (one_in(8))
    take("numpool_acquire", pool, "", Scope::kSession);
  else
    take("numpool_acquire", pool, milliseconds(kMillisecond * below(kLongNap)), Scope::kSession);
  if (!open_.empty() && kPools[pool].settings.max_hold != 0 && one_in(12)) overstay();
  hold();
}

// What was leased in it for the session is rolled back or goes on; the rest ends with it.
void Worker::use_transaction() {
  if (!ask("BEGIN")) return;
  const int pool = some_pool();
  if (one_in(3))
    take("numpool_acquire", pool, milliseconds(kMillisecond * below(50)), Scope::kSession);
  else if (one_in(3))
    take("numpool_try_acquire_xact", pool, "", Scope::kTransaction);
  else
    take("numpool_acquire_xact", pool, milliseconds(kMillisecond * below(50)), Scope::kTransaction);
  if (session_ && state_.empty()) hold();
  if (session_ && one_in(12)) return sever();
  if (session_) finish_transaction(!one_in(3));
  if (session_) hold();
}

void Worker::finish_transaction(bool commits) {
  const bool failed = PQtransactionStatus(session_->handle()) == PQTRANS_INERROR;
  const Time asked = now();
  const std::vector<Which> taken = open_;
  const bool done = ask(commits ? "COMMIT" : "ROLLBACK").has_value();
  for (const Which which : taken) {
    Grant& grant = at(which);
    const bool stays = commits && !failed && grant.scope == Scope::kSession;
    if (stays && done) continue;
    // Without an answer it may be any end, from then on.
    grant.end = End::kReleased;
    grant.end_asked = asked;
    grant.end_told = now();
    tell_board(which, false);
    open_.erase(std::remove(open_.begin(), open_.end(), which), open_.end());
  }
}

void Worker::use_ticket() {
  const int pool = some_pool();
  const Time asked = now();
  const auto outcome =
      ask("SELECT ticket, index, fence FROM numpool_enqueue(" + quoted(pool) + ")");
  note_use(pool, asked, outcome.has_value(), state_ == "42501");
  if (!outcome) return;
  const auto& row = outcome->rows.at(0);
  if (row[1]) {
    note(pool, row[1], row[2], asked, Scope::kSession);
  } else {
    try {
      session_->notifications(Milliseconds(below(kLongNap)));
    } catch (const TestError&) {
    }
    poll(pool, *row[0], asked);
  }
  hold();
}

void Worker::poll(int pool, const std::string& ticket, Time asked) {
  const auto outcome = ask("SELECT state, index, fence FROM numpool_poll(" + ticket + ")");
  if (!outcome) return;
  const auto& row = outcome->rows.at(0);
  if (row[0] == "granted")
    note(pool, row[1], row[2], asked, Scope::kSession);
  else if (row[0] == "waiting")
    ask("SELECT numpool_cancel(" + ticket + ")");
  else if (row[0] != "ended" && row[0] != "gone")  // gone: it was notified of the end, too
    log_.surprise("a ticket is " + row[0].value_or("NULL"));
}

void Worker::use_batch() {
  const std::vector<int> pools = {some_pool(), some_pool(), some_pool()};
  std::string names;
  for (const int pool : pools) names += (names.empty() ? "" : ", ") + quoted(pool);
  const Time asked = now();
  const auto outcome =
      ask("SELECT ticket, index, fence, sqlstate FROM numpool_enqueue_batch(ARRAY[" + names + "])");
  if (!outcome) return;
  std::vector<std::pair<int, std::string>> waiting;
  for (std::size_t i = 0; i < outcome->rows.size(); ++i) {
    const auto& row = outcome->rows[i];
    if (row[3] && row[3] != "42501" && row[3] != "40P01")
      log_.surprise("a ticket of a batch: " + *row[3]);
    note_use(pools[i], asked, row[0].has_value(), row[3] == "42501");
    if (row[1])
      note(pools[i], row[1], row[2], asked, Scope::kSession);
    else if (row[0])
      waiting.emplace_back(pools[i], *row[0]);
  }
  nap(10 * kMillisecond);
  for (const auto& [pool, ticket] : waiting)
    if (session_) poll(pool, ticket, asked);
  if (session_) hold();
  if (session_ && one_in(2)) release_batch();
}

void Worker::use_token() {
  const Time ttl = kMillisecond * (100 + below(one_in(4) ? 1500 : 300));
  if (const auto which = take_token(some_pool(), ttl)) hold_token(*which);
}

void Worker::hold_token(Which which) {
  for (int steps = below(4); steps > 0 && !over_; --steps) {
    nap(10 * kMillisecond);
    connect();
    if (!renew(which)) break;
  }
  if (tokens_.count(which) == 0) return;
  if (at(which).end != End::kOpen || !one_in(6)) return end_token(which);
  // To its time, and nobody renews it any more.
  tell_board(which, false);
  at(which).end = End::kLeft;
  tokens_.erase(which);
}

void Worker::wait_idle() {
  const int pool = some_pool();
  const Time asked = now();
  const auto outcome = ask("SELECT numpool_wait_idle(" + quoted(pool) + ", " +
                           milliseconds(kMillisecond * below(300)) + ")");
  const bool idle = outcome && outcome->value() == "t";
  note_use(pool, asked, idle, state_ == "42501");
  if (idle) log_.idles.push_back({pool, asked, now()});
}

void Worker::hold() {
  for (int steps = below(4); steps > 0 && session_; --steps) {
    nap((one_in(16) ? 60 : 2) * kMillisecond);
    const std::vector<Which> all = open_;
    for (const Which which : all)
      if (session_) look(which);
  }
}

void Worker::overstay() {
  const Time end = now() + kHoldSlack + 200 * kMillisecond;
  while (now() < end && !over_) nap(100 * kMillisecond);
}

void Worker::end_all() {
  const int what = below(1000);
  if (what < 60) return sever();
  if (what < 90) return goodbye();
  if (what < 150) return end_by("SELECT numpool_release_all()");
  if (what < 180) return end_by("DISCARD ALL");
  if (what < 240) return release_batch();
  while (session_ && !open_.empty()) {
    const Which which = open_.back();
    if (one_in(12)) release_and_roll_back(which);
    if (!session_ || open_.empty() || open_.back() != which) continue;
    if (one_in(3))
      release_fenced(which);
    else
      release(which);
  }
}

void Worker::release_and_roll_back(Which which) {
  if (!ask("BEGIN")) return;
  const Time asked = now();
  const auto outcome = ask_about("numpool_release", which);
  if (!session_) return;
  if (outcome && outcome->value() == "t") at(which).seen = asked;
  if (outcome && outcome->value() == "f") note_lost(which, asked);
  ask("ROLLBACK");
}

}  // namespace numpool_test::operate
