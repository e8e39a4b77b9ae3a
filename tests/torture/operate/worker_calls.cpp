// How a worker asks, and writes down what it was told.
#include <algorithm>
#include <set>

#include "torture/operate/worker.h"

namespace numpool_test::operate {

namespace {

// No right to use the pool; no lease with that fence; a token in use; a deadlock; timed leases are
// being loaded after a start; the transaction has failed.
bool is_expected(const std::string& state) {
  static const std::set<std::string> all = {"42501", "55000", "55006", "40P01", "55P03", "25P02"};
  return all.count(state) != 0;
}

}  // namespace

// What the session had ends with it, sooner or later.
void Worker::lose_connection() {
  for (const Which which : open_) {
    at(which).end = End::kGone;
    at(which).end_told = now();
    tell_board(which, false);
  }
  open_.clear();
  disconnect();
}

std::optional<Outcome> Worker::ask(const std::string& sql, const std::string& also_expected) {
  const Outcome outcome = run_statement(sql);
  state_ = outcome.ok ? "" : outcome.sqlstate;
  if (outcome.ok) return outcome;
  if (lost_by(outcome))
    lose_connection();
  else if (state_ != also_expected && !is_expected(state_))
    surprise(sql, outcome);
  return std::nullopt;
}

std::optional<Outcome> Worker::ask_about(const std::string& function, Which which,
                                         const std::string& more) {
  return ask("SELECT " + function + "(" + quoted(at(which).pool) + ", " +
                 std::to_string(at(which).index) + more + ")",
             kOutside);
}

void Worker::note_use(int pool, Time asked, bool got, bool refused) {
  if (refused || (got && role_ != Role::kUser))
    log_.uses.push_back({pool, role_, asked, now(), refused});
}

// Whoever is given a number that he had has lost it meanwhile.
Grant& Worker::note(int pool, const Field& index, const Field& fence, Time asked, Scope scope) {
  const int number = std::atoi(index->c_str());
  const auto had = std::find_if(open_.begin(), open_.end(), [&](Which which) {
    return at(which).pool == pool && at(which).index == number;
  });
  if (had != open_.end()) note_lost(*had, asked);
  Grant made;
  made.pool = pool;
  made.index = number;
  made.fence = std::atoll(fence->c_str());
  made.scope = scope;
  made.pid = session_->pid();
  made.connected = connected_;
  made.asked = asked;
  made.told = now();
  log_.grants.push_back(made);
  tell_board(log_.grants.size() - 1, true);
  if (scope != Scope::kToken) open_.push_back(log_.grants.size() - 1);
  return log_.grants.back();
}

void Worker::tell_board(Which which, bool held) {
  const Grant& grant = at(which);
  Place& place = board_.at(grant.pool, grant.index);
  if (held)
    place.fence = grant.fence;
  else if (place.fence != grant.fence)
    return;
  place.held = held;
}

// Where its fence is NULL, it was ended before it was told.
void Worker::take(const std::string& function, int pool, const std::string& patience, Scope scope) {
  const Time asked = now();
  const auto outcome = ask("SELECT i, CASE WHEN i IS NOT NULL THEN numpool_fence(" + quoted(pool) +
                           ", i) END FROM " + function + "(" + quoted(pool) +
                           (patience.empty() ? "" : ", " + patience) + ") AS i");
  note_use(pool, asked, outcome && outcome->rows.at(0)[0].has_value(), state_ == "42501");
  if (outcome && outcome->rows.at(0)[1])
    note(pool, outcome->rows[0][0], outcome->rows[0][1], asked, scope);
}

std::optional<Worker::Which> Worker::take_token(int pool, Time ttl) {
  const Time asked = now();
  const auto outcome = ask("SELECT index, fence, token FROM numpool_lease(" + quoted(pool) + ", " +
                           milliseconds(ttl) + ", NULL, " +
                           milliseconds(kMillisecond * below(100)) + ", 'torture')");
  note_use(pool, asked, outcome && outcome->rows.at(0)[0].has_value(), state_ == "42501");
  if (!outcome || !outcome->rows.at(0)[1]) return std::nullopt;
  const auto& row = outcome->rows[0];
  Grant& made = note(pool, row[0], row[1], asked, Scope::kToken);
  made.over = asked + ttl;
  const Which which = log_.grants.size() - 1;
  tokens_[which] = *row[2];
  return which;
}

// Whether it goes on.
bool Worker::renew(Which which) {
  const Time asked = now();
  const auto outcome =
      ask("SELECT fence, extract(epoch FROM ttl) FROM numpool_renew('" + tokens_[which] + "')");
  if (!outcome) return false;
  const auto& row = outcome->rows.at(0);
  Grant& grant = at(which);
  if (row[0] && std::atoll(row[0]->c_str()) == grant.fence) {
    grant.seen = asked;
    grant.over = asked + static_cast<Time>(std::atof(row[1]->c_str()) * 1e9) - kMillisecond;
    return true;
  }
  // A crash has brought it back with another fence.
  if (row[0]) {
    grant.end = End::kGone;
    grant.end_told = now();
    return false;
  }
  grant.end = End::kLost;
  grant.end_asked = asked;
  grant.end_told = now();
  tokens_.erase(which);
  return false;
}

void Worker::end_token(Which which) {
  connect();
  const std::string sql = "SELECT numpool_release('" + tokens_[which] + "')";
  Time asked = now();
  auto outcome = ask(sql);
  // An operator is about to end it; he may roll back.
  for (int tries = 0; tries < 20 && state_ == "55006"; ++tries) {
    nap(20 * kMillisecond);
    asked = now();
    outcome = ask(sql);
  }
  Grant& grant = at(which);
  tell_board(which, false);
  tokens_.erase(which);
  if (grant.end != End::kOpen) return;
  grant.end_asked = asked;
  grant.end_told = now();
  const bool lost = outcome && outcome->value() == "f";
  grant.end = lost ? End::kLost : End::kReleased;
  if (outcome && !lost) grant.seen = asked;
}

void Worker::note_released(Which which, Time asked) {
  at(which).end = End::kReleased;
  at(which).end_asked = asked;
  at(which).end_told = now();
  tell_board(which, false);
  open_.erase(std::remove(open_.begin(), open_.end(), which), open_.end());
}

void Worker::note_lost(Which which, Time asked) {
  note_released(which, asked);
  at(which).end = End::kLost;
}

void Worker::look(Which which) {
  const Time asked = now();
  const auto outcome = ask_about("numpool_fence", which);
  if (!outcome && state_ != kOutside) return;
  if (!outcome || !outcome->value()) return note_lost(which, asked);
  at(which).seen = asked;
  if (outcome->number() != at(which).fence) log_.surprise("a lease has another fence");
}

void Worker::release(Which which) {
  const Time asked = now();
  const auto outcome = ask_about("numpool_release", which);
  if (outcome ? outcome->value() == "f" : state_ == kOutside) return note_lost(which, asked);
  note_released(which, asked);
  if (outcome) at(which).seen = asked;
}

void Worker::release_fenced(Which which) {
  const Time asked = now();
  const auto outcome = ask_about("numpool_release", which, ", " + std::to_string(at(which).fence));
  if (!outcome && (state_ == "55000" || state_ == kOutside)) return note_lost(which, asked);
  note_released(which, asked);
  if (outcome) at(which).seen = asked;
}

void Worker::release_batch() {
  std::string pools, indexes, fences;
  for (const Which which : open_) {
    const std::string comma = pools.empty() ? "" : ", ";
    pools += comma + quoted(at(which).pool);
    indexes += comma + std::to_string(at(which).index);
    fences += comma + std::to_string(at(which).fence);
  }
  const std::vector<Which> all = open_;
  const Time asked = now();
  const auto outcome =
      ask("SELECT released FROM numpool_release_batch(ARRAY[" + pools + "]::text[], ARRAY[" +
          indexes + "]::int[], ARRAY[" + fences + "]::bigint[])");
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (outcome && outcome->rows.at(i)[0] != "t") {
      note_lost(all[i], asked);
      continue;
    }
    note_released(all[i], asked);
    if (outcome) at(all[i]).seen = asked;
  }
}

// Everything at once, which does not say what of it was lost before.
void Worker::end_by(const std::string& sql) {
  const std::vector<Which> all = open_;
  const Time asked = now();
  ask(sql);
  for (const Which which : all) note_released(which, asked);
}

void Worker::goodbye() {
  if (!session_) return;
  const Time asked = now();
  for (const Which which : std::vector<Which>(open_)) note_released(which, asked);
  disconnect();
}

// As if the client were killed.
void Worker::sever() {
  const Time asked = now();
  for (const Which which : std::vector<Which>(open_)) {
    note_released(which, asked);
    at(which).end = End::kSevered;
  }
  ++log_.done["client gone without a goodbye"];
  session_->sever();
  disconnect();
}

}  // namespace numpool_test::operate
