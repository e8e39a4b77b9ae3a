// How a holder asks, and writes down what it was told.
#include <cstdio>
#include <set>
#include <thread>

#include "torture/timed/holder.h"

namespace numpool_test {

namespace {

constexpr Time kMillisecond = 1000000;

std::string milliseconds(Time time) {
  return "'" + std::to_string(time / kMillisecond) + " ms'";
}

// A crash, a pooler that has lost its server, a server that starts.
bool is_loss(const std::string& state) {
  return state == "lost" || state.compare(0, 2, "57") == 0 || state.compare(0, 2, "08") == 0;
}

// A token in use; the pool is being dropped, or was; and after either the transaction has failed.
bool is_expected(const std::string& state) {
  static const std::set<std::string> all = {"55006", "42704", "55000", "55P03", "25P02"};
  return all.count(state) != 0;
}

}  // namespace

std::string lease_sql(const std::string& token, int pool, Time ttl, Time patience) {
  return std::string("SELECT index, fence, token, expires_at FROM numpool_lease('") +
         kPoolsOfTimed[pool].name + "', " + milliseconds(ttl) + ", " +
         (token.empty() ? "NULL" : "'" + token + "'") + ", " + milliseconds(patience) +
         ", 'torture')";
}

Holder::Holder(int number, unsigned seed, std::string pooler, const std::atomic<bool>& over)
    : number_(number), pooler_(std::move(pooler)), over_(over), random_(seed) {}

Holder::Use Holder::new_use() {
  char token[40];
  std::snprintf(token, sizeof token, "%08x-0000-4000-8000-%012x", static_cast<unsigned>(number_),
                static_cast<unsigned>(++tokens_));
  const int pool = some_pool();
  const int what = below(10);
  const Time ttl = what < 5 ? 100 + below(400) : what < 8 ? 500 + below(1500) : 4000;
  return {token, pool, ttl * kMillisecond};
}

bool Holder::connect() {
  while (!session_) {
    through_pooler_ = !needs_session_ && one_in(2);
    try {
      session_.emplace((through_pooler_ ? pooler_ + " target_session_attrs=any " : std::string()) +
                       "connect_timeout=100");
    } catch (const TestError&) {
      if (over_ && one_in(100)) return false;
      std::this_thread::sleep_for(20ms);
    }
  }
  return true;
}

void Holder::disconnect() {
  session_.reset();
  in_transaction_ = false;
  open_.clear();
}

std::optional<Outcome> Holder::ask(const std::string& sql) {
  refused_ = false;
  // Nothing goes on in another session than it was begun in.
  if (!session_ && (in_transaction_ || !connect())) return std::nullopt;
  ++operations_;
  Outcome outcome;
  try {
    outcome = session_->run(sql, 120s);
  } catch (const TestError& error) {
    if (std::string(error.what()).find("in time") != std::string::npos)
      surprises_.push_back(sql + ": " + error.what());
    outcome.sqlstate = "lost";
  }
  if (outcome.ok) return outcome;
  ++refusals_[outcome.sqlstate];
  if (is_loss(outcome.sqlstate) || !session_->connected()) {
    session_.reset();
    return std::nullopt;
  }
  refused_ = true;
  if (!is_expected(outcome.sqlstate) && surprises_.size() < 10)
    surprises_.push_back(sql + ": " + outcome.sqlstate + " " + outcome.message);
  return std::nullopt;
}

TimedCall& Holder::note(const Use& use, TimedVerb verb, Time asked) {
  TimedCall call;
  call.verb = verb;
  call.token = use.token;
  call.pool = use.pool;
  call.ttl = use.ttl;
  call.asked = call.end_asked = asked;
  calls_.push_back(call);
  return calls_.back();
}

bool Holder::call(const Use& use, TimedVerb verb, const std::string& sql, Time patience) {
  if (!connect()) return false;
  const Time asked = now();
  const auto outcome = ask(sql);
  if (!outcome && refused_) return false;
  // While the leases are loaded after a start, whoever may not wait is told neither of a lease nor
  // of a place.
  if (outcome && verb == TimedVerb::kLease && !outcome->rows.at(0)[3] && !use.token.empty()) {
    ++refusals_["neither a number nor a place"];
    return false;
  }
  TimedCall& made = note(use, verb, asked);
  made.patience = patience;
  if (!outcome) return false;
  made.told = now();
  const auto& row = outcome->rows.at(0);
  if (row[0]) made.index = std::atoi(row[0]->c_str());
  if (row[1]) made.fence = std::atoll(row[1]->c_str());
  if (made.token.empty() && row[2]) made.token = *row[2];
  if (made.index >= 0) {
    told_index_ = made.index;
    told_fence_ = made.fence;
  }
  // NB: a renewal stands whatever the transaction comes to.
  if (in_transaction_ && verb != TimedVerb::kRenew) {
    open_.push_back(calls_.size() - 1);
  } else {
    made.end_told = made.told;
    made.fate = Fate::kStands;
  }
  return true;
}

bool Holder::lease(const Use& use, Time patience) {
  return call(use, TimedVerb::kLease, lease_sql(use.token, use.pool, use.ttl, patience), patience);
}

bool Holder::renew(const Use& use) {
  if (!call(use, TimedVerb::kRenew,
            "SELECT NULL, fence, NULL FROM numpool_renew('" + use.token + "')"))
    return false;
  TimedCall& made = calls_.back();
  if (!made.tells()) return true;
  // It does not say which number, and a lease that has come back has another fence.
  if (made.fence == told_fence_)
    made.index = told_index_;
  else
    lease(use, 0);
  return true;
}

bool Holder::free(const Use& use) {
  if (!connect()) return false;
  const Time asked = now();
  const auto outcome = ask("SELECT numpool_release('" + use.token + "')");
  if (!outcome && refused_) return false;
  TimedCall& call = note(use, TimedVerb::kRelease, asked);
  if (!outcome) return false;
  call.told = now();
  call.freed = outcome->value() == "t";
  if (in_transaction_) {
    open_.push_back(calls_.size() - 1);
  } else {
    call.end_told = call.told;
    call.fate = Fate::kStands;
  }
  return true;
}

std::optional<std::size_t> Holder::acquire(int pool) {
  const std::string name = std::string("'") + kPoolsOfTimed[pool].name + "'";
  const Time asked = now();
  const auto outcome = ask("SELECT i, CASE WHEN i IS NOT NULL THEN numpool_fence(" + name +
                           ", i) END FROM numpool_acquire(" + name + ", " +
                           milliseconds(kMillisecond * below(200)) + ") AS i");
  if (!outcome || !outcome->rows.at(0)[1]) return std::nullopt;
  note_session_lease(pool, asked, outcome->rows[0][0], outcome->rows[0][1]);
  return calls_.size() - 1;
}

bool Holder::begin() {
  if (!statement("BEGIN")) return false;
  in_transaction_ = true;
  open_.clear();
  return true;
}

bool Holder::roll_back_to(const std::string& savepoint) {
  const Time asked = now();
  const bool done = statement("ROLLBACK TO " + savepoint);
  if (!done) return false;
  for (const std::size_t at : open_) {
    calls_[at].end_asked = asked;
    calls_[at].end_told = now();
    calls_[at].fate = Fate::kUndone;
  }
  open_.clear();
  return true;
}

bool Holder::end(bool commits) {
  const Time asked = now();
  const bool failed = session_ && PQtransactionStatus(session_->handle()) == PQTRANS_INERROR;
  const bool done = statement(commits ? "COMMIT" : "ROLLBACK");
  for (const std::size_t at : open_) {
    TimedCall& call = calls_[at];
    call.end_asked = asked;
    if (!done) continue;
    call.end_told = now();
    if (call.fate == Fate::kUnknown) call.fate = commits && !failed ? Fate::kStands : Fate::kUndone;
  }
  if (!done && session_) disconnect();
  in_transaction_ = false;
  open_.clear();
  return done;
}

TimedCall& Holder::note_session_lease(int pool, Time asked, const Field& index,
                                      const Field& fence) {
  TimedCall& made = note({"", pool, 0}, TimedVerb::kAcquire, asked);
  made.told = made.end_told = now();
  made.fate = Fate::kStands;
  made.index = std::atoi(index->c_str());
  made.fence = std::atoll(fence->c_str());
  return made;
}

void Holder::nap(Time most) {
  if (most > kMillisecond)
    std::this_thread::sleep_for(std::chrono::microseconds(below(static_cast<int>(most / 1000))));
}

}  // namespace numpool_test
