// What a holder does.
#include "torture/timed/holder.h"

#include <algorithm>
#include <thread>

namespace numpool_test {

namespace {

constexpr Time kMillisecond = 1000000;

std::string kept_sql(const std::string& token, int pool, int index, Time ttl) {
  return "SELECT " + std::to_string(index) + ", fence, token FROM numpool_keep('" +
         kPoolsOfTimed[pool].name + "', " + std::to_string(index) + ", '" +
         std::to_string(ttl / kMillisecond) + " ms', '" + token + "', 'torture')";
}

}  // namespace

void Holder::run() {
  while (!over_) {
    if (!connect()) return;
    const int what = below(100);
    if (what < 65)
      lease_by_token();
    else if (what < 75)
      lease_without_token();
    else
      use_session(what < 90);
    if (one_in(3)) disconnect();
  }
}

// What needs one and the same session.
void Holder::use_session(bool acquires) {
  if (through_pooler_) disconnect();
  needs_session_ = true;
  if (acquires)
    acquire_and_keep();
  else
    wait_by_ticket_and_keep();
  needs_session_ = false;
}

void Holder::lease_by_token() {
  const Use use = new_use();
  if (one_in(8))
    take_in_transaction(use);
  else if (!come_until_granted(use))
    return;
  hold(use);
}

// With a place, which it keeps by calling again: mostly in time, and sometimes too late.
bool Holder::come_until_granted(const Use& use) {
  const Time place = std::min(use.ttl, 30000 * kMillisecond);
  for (int tries = 0; tries < 40 && !over_; ++tries) {
    if (one_in(20))
      lose_answer(use, lease_sql(use.token, use.pool, use.ttl, one_in(2) ? 0 : 50 * kMillisecond),
                  TimedVerb::kLease);
    const Time patience = one_in(2) ? 0 : kMillisecond * below(one_in(4) ? 1000 : 50);
    if (lease(use, patience) && calls_.back().tells()) return true;
    if (one_in(3)) disconnect();
    if (one_in(8)) renew(use);
    nap(one_in(20) ? 2 * place : std::min(place / 2, 60 * kMillisecond));
    if (one_in(30)) break;
  }
  if (!one_in(4)) release(use);
  return false;
}

void Holder::lease_without_token() {
  Use use = new_use();
  use.token.clear();
  if (!lease(use, kMillisecond * below(300)) || !calls_.back().tells()) return;
  use.token = calls_.back().token;
  hold(use);
}

void Holder::hold(const Use& use) {
  for (int steps = below(24); steps > 0 && !over_; --steps) hold_once(use);
  leave(use);
}

void Holder::hold_once(const Use& use) {
  if (one_in(6)) disconnect();
  const int what = below(100);
  if (what < 60) {
    renew(use);
  } else if (what < 70) {
    lease(use, 0);
  } else if (what < 75) {
    lose_answer(use, "SELECT numpool_renew('" + use.token + "')", TimedVerb::kRenew);
  } else if (what < 79) {
    lose_answer(use, lease_sql(use.token, use.pool, use.ttl, 0), TimedVerb::kLease);
    lease(use, 0);
  } else if (what < 86) {
    release_and_roll_back(use);
  } else if (what < 92) {
    release_and_take_back(use);
  } else {
    // In time, at some moment, or as soon as it is too late.
    const Time last = calls_.empty() ? 0 : calls_.back().told;
    if (one_in(2))
      nap(std::min(one_in(2) ? use.ttl * 2 : use.ttl / 4, 600 * kMillisecond));
    else if (last != kNever && last + use.ttl > now() && use.ttl < 1000 * kMillisecond)
      std::this_thread::sleep_for(
          std::chrono::nanoseconds(last + use.ttl + 1100000 + kMillisecond * below(3) - now()));
    renew(use);
  }
}

// Released, or left to its time.
void Holder::leave(const Use& use) {
  if (use.ttl > 2000 * kMillisecond || !one_in(4)) return release(use);
  if (!one_in(3)) return;
  nap(use.ttl * 2);
  renew(use);
}

void Holder::release(const Use& use) {
  // 55006: a call whose answer was lost may be asleep still.
  for (int tries = 0; tries < 20; ++tries) {
    if (free(use) || !refused_) break;
    nap(50 * kMillisecond);
  }
  if (one_in(4)) renew(use);
}

// The client is gone before the answer, and the call may be served at any time or never.
void Holder::lose_answer(const Use& use, const std::string& sql, TimedVerb verb) {
  if (!connect()) return;
  const Time asked = now();
  try {
    session_->send(sql);
  } catch (const TestError&) {
    return disconnect();
  }
  note(use, verb, asked);
  ++operations_;
  nap(3 * kMillisecond);
  session_->sever();
  disconnect();
}

void Holder::take_in_transaction(const Use& use) {
  if (!begin()) return;
  const bool savepoint = one_in(2);
  bool undone = false;
  if (savepoint && !statement("SAVEPOINT s")) return disconnect();
  lease(use, one_in(2) ? 0 : kMillisecond * below(100));
  if (savepoint && session_) {
    undone = one_in(2);
    if (!(undone ? roll_back_to("s") : statement("RELEASE s"))) {
      // An error before; it is rolled back.
      end(false);
      return;
    }
  }
  nap(10 * kMillisecond);
  if (one_in(3) && lease(use, 0) && undone) nap(kMillisecond);
  end(!one_in(4));
}

void Holder::release_and_roll_back(const Use& use) {
  if (!begin()) return;
  if (one_in(2)) {
    free(use);
    end(false);
    return;
  }
  if (!statement("SAVEPOINT s")) return disconnect();
  free(use);
  if (!roll_back_to("s")) return disconnect();
  end(true);
}

void Holder::release_and_take_back(const Use& use) {
  if (!begin()) return;
  if (free(use) && calls_.back().freed) {
    const std::size_t released = calls_.size() - 1;
    // The same again, and so it was not released; or it was over, and this is another.
    if (lease(use, 0) && calls_.back().tells()) calls_[released].fate = Fate::kUndone;
  }
  end(!one_in(3));
}

// These jobs end with the session, whatever it has left.
void Holder::acquire_and_keep() {
  if (const auto acquired = acquire(some_pool())) {
    nap(5 * kMillisecond);
    keep_what_is_held(*acquired);
  }
  disconnect();
}

void Holder::keep_what_is_held(std::size_t acquired) {
  Use use = new_use();
  use.pool = calls_[acquired].pool;
  const int index = calls_[acquired].index;
  const std::string keep = kept_sql(use.token, use.pool, index, use.ttl);
  const bool transaction = one_in(3);
  const bool commits = !transaction || !one_in(2);
  // From before the request on the session does not use it.
  calls_[acquired].given_up = now();
  if (transaction && !begin()) return;
  const bool kept = call(use, TimedVerb::kKeep, keep) && calls_.back().tells();
  if (transaction && !end(commits)) return;
  if (kept && commits) return hold(use);
  if (session_)
    statement(std::string("SELECT numpool_release('") + kPoolsOfTimed[use.pool].name + "', " +
              std::to_string(index) + ")");
}

void Holder::wait_by_ticket_and_keep() {
  const int pool = some_pool();
  const Time asked = now();
  auto outcome = ask(std::string("SELECT index, fence, ticket FROM numpool_enqueue('") +
                     kPoolsOfTimed[pool].name + "')");
  if (outcome && !outcome->rows.at(0)[0]) {
    const std::string ticket = *outcome->rows[0][2];
    session_->notifications(Milliseconds(below(500)));
    // What it was granted may be kept before it is asked for.
    outcome = ask("SELECT index, fence FROM numpool_leases WHERE ticket = " + ticket);
  }
  if (outcome && !outcome->rows.empty()) {
    note_session_lease(pool, asked, outcome->rows[0][0], outcome->rows[0][1]);
    keep_what_is_held(calls_.size() - 1);
  }
  disconnect();
}

}  // namespace numpool_test
