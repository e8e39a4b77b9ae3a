#include "torture/operate/operator.h"

#include <algorithm>
#include <set>

namespace numpool_test::operate {

namespace {

// No right; no such number; the token is in use; the transaction has failed; a deadlock over rows.
bool is_expected(const std::string& state) {
  static const std::set<std::string> all = {"42501", "22023", "55006", "25P02", "40P01"};
  return all.count(state) != 0;
}

std::string interval(Time time) {
  return time == 0 ? "null" : "\"" + std::to_string(time / kMillisecond) + " ms\"";
}

}  // namespace

void Operator::run() {
  while (!over_) {
    connect();
    if (role_ == Role::kStranger) nap(100 * kMillisecond);
    const int what = below(100);
    if (what < 20 && role_ != Role::kStranger)
      pause();
    else if (what < 40 && role_ == Role::kSuperuser)
      mend();
    else
      operate();
    nap(20 * kMillisecond);
  }
  disconnect();
}

void Operator::operate() {
  const int pool = below(kPoolCount);
  if (one_in(2))
    call(some_change(pool));
  else
    in_transaction(pool);
}

void Operator::in_transaction(int pool) {
  Outcome outcome;
  if (!ask("BEGIN", &outcome)) return;
  in_transaction_ = true;
  begun_ = settled_ = log_.changes.size();
  if (one_in(5)) in_savepoint(pool);
  bool goes_on = session_.has_value();
  for (int calls = 1 + below(3); calls > 0 && goes_on; --calls) {
    goes_on = call(some_change(pool));
    nap(5 * kMillisecond);
  }
  if (session_) finish(!one_in(3));
  in_transaction_ = false;
}

// NB: whether an error came or not, what was done in it is undone.
void Operator::in_savepoint(int pool) {
  Outcome outcome;
  if (!ask("SAVEPOINT s", &outcome)) return;
  const std::size_t from = log_.changes.size();
  call(some_change(pool));
  if (!session_) return;
  const Time asked = now();
  if (!ask("ROLLBACK TO s", &outcome)) return;
  settle(from, asked, Fate::kUndone);
  settled_ = log_.changes.size();
  ++log_.done["savepoints rolled back"];
}

bool Operator::finish(bool commits) {
  const bool failed = PQtransactionStatus(session_->handle()) == PQTRANS_INERROR;
  const Time asked = now();
  Outcome outcome;
  const bool done = ask(commits ? "COMMIT" : "ROLLBACK", &outcome);
  ++log_.done[commits && !failed ? "transactions committed" : "transactions rolled back"];
  settle(settled_, asked,
         !commits || failed ? Fate::kUndone
         : done             ? Fate::kStands
                            : Fate::kUnknown);
  return done;
}

void Operator::settle(std::size_t from, Time asked, Fate fate) {
  for (std::size_t i = from; i < log_.changes.size(); ++i) {
    log_.changes[i].end_asked = asked;
    log_.changes[i].end_told = now();
    log_.changes[i].fate = fate;
  }
}

void Operator::pause() {
  Change change = some_pause(3, true);
  if (!call(change)) return;
  nap((one_in(4) ? 100 : 20) * kMillisecond);
  change.on = !change.on;
  for (int tries = 0; tries < 3; ++tries) {
    connect();
    if (call(change)) break;
  }
}

// What others could not undo, since they had lost the right to or their connection.
void Operator::mend() {
  call(some_pause(2, false));
}

// Of a number's service, or one of so many times of a drain: its begin or its end.
Change Operator::some_pause(int drains_in, bool begins) {
  Change change;
  change.pool = below(kPoolCount);
  change.act = one_in(drains_in) ? Act::kDrain : Act::kService;
  change.index = change.act == Act::kService ? below(kPools[change.pool].size) : -1;
  change.on = begins == (change.act == Act::kDrain);
  return change;
}

Change Operator::some_end(int pool) {
  if (former_end_.fence != 0 && former_end_.pool == pool && one_in(2)) return former_end_;
  Change change;
  change.act = Act::kEndLease;
  change.pool = pool;
  // Mostly of one that somebody has, as far as he knows.
  for (int tries = one_in(5) ? 1 : 10; tries > 0; --tries) {
    change.index = below(kPools[pool].size);
    if (board_.at(pool, change.index).held) break;
  }
  if (!one_in(3)) change.fence = board_.at(pool, change.index).fence;
  if (former_end_.pool == pool || one_in(8)) former_end_ = change;
  return change;
}

Settings Operator::some_settings() {
  const auto some = [&](int limit) { return one_in(3) ? 0 : kMillisecond * (1 + below(limit)); };
  Settings settings;
  settings.cooldown = some(20);
  settings.death_delay = some(400);
  settings.max_hold = one_in(2) ? 0 : kMillisecond * (100 + below(300));
  return settings;
}

Change Operator::some_change(int pool) {
  const int what = below(100);
  Change change;
  change.pool = pool;
  if (what < 14 && kPools[pool].configured) {
    change.act = Act::kConfigure;
    change.settings = some_settings();
  } else if (what < 25 && kPools[pool].resized) {
    change.act = Act::kResize;
    change.size = kPools[pool].size + below(kMostNumbers - kPools[pool].size + 3) - 2;
  } else if (what < 32) {
    change.act = Act::kSetOwner;
    change.to = one_in(2) ? Role::kRed : Role::kBlue;
  } else if (what < 46) {
    change.act = Act::kGrant;
    change.on = one_in(2);
  } else if (what < 52) {
    change.act = Act::kService;
    change.index = below(kPools[pool].size);
    change.on = !one_in(4);
  } else if (what < 55) {
    change.act = Act::kResetCounters;
  } else {
    return some_end(pool);
  }
  return change;
}

std::string Operator::sql_of(const Change& change) {
  const std::string pool = quoted(change.pool), index = std::to_string(change.index);
  const std::string on = change.on ? "true" : "false";
  const std::string reason = one_in(2) ? ", 'torture'" : "";
  switch (change.act) {
    case Act::kEndLease:
      return "SELECT numpool_end_lease(" + pool + ", " + index +
             (change.fence != 0 ? ", " + std::to_string(change.fence) : "") + ")";
    case Act::kService:
      return "SELECT numpool_set_service(" + pool + ", " + index + ", " + on + reason + ")";
    case Act::kDrain:
      return "SELECT numpool_drain(" + pool + ", " + on + reason + ")";
    case Act::kConfigure:
      return "SELECT numpool_configure(" + pool +
             ", '{\"cooldown\": " + interval(change.settings.cooldown) +
             ", \"death_delay\": " + interval(change.settings.death_delay) +
             ", \"max_hold\": " + interval(change.settings.max_hold) + ", \"policy\": \"" +
             (one_in(2) ? "lowest" : "longest_free") + "\"}') IS NOT NULL";
    case Act::kResize:
      return "SELECT numpool_resize(" + pool + ", " + std::to_string(change.size) + ") IS NOT NULL";
    case Act::kSetOwner:
      return "SELECT numpool_set_owner(" + pool + ", '" + name_of(change.to) + "') IS NOT NULL";
    case Act::kGrant:
      return std::string("SELECT numpool_") + (change.on ? "grant" : "revoke") + "(" + pool +
             ", 'op_guest') IS NOT NULL";
    case Act::kResetCounters:
      return "SELECT numpool_reset_counters(" + pool + ") IS NOT NULL";
  }
  return "";
}

bool Operator::call(Change change) {
  change.by = role_;
  change.asked = change.end_asked = now();
  Outcome outcome;
  const bool done = ask(sql_of(change), &outcome);
  change.told = change.end_told = now();
  change.answered = session_.has_value();
  change.answer = !done || outcome.value() == "t";
  change.state = done || !change.answered ? "" : outcome.sqlstate;
  // Of a transaction that its end has yet to decide: if that is never asked, it is rolled back.
  change.fate = in_transaction_ ? (session_ ? Fate::kUnknown : Fate::kUndone)
                : done          ? Fate::kStands
                : session_      ? Fate::kUndone
                                : Fate::kUnknown;
  ++log_.done[change.act == Act::kEndLease && done && change.answer ? "leases ended, or to be ended"
              : done                                                ? "calls of operators done"
                                                                    : "calls of operators refused"];
  log_.changes.push_back(change);
  return done;
}

// A connection that goes rolls the open transaction back, whose end was not asked.
bool Operator::ask(const std::string& sql, Outcome* outcome) {
  const bool ends = sql == "COMMIT";
  *outcome = run_statement(sql);
  if (outcome->ok) return true;
  if (lost_by(*outcome)) {
    disconnect();
    if (in_transaction_ && !ends) settle(begun_, now(), Fate::kUndone);
  } else if (!is_expected(outcome->sqlstate)) {
    surprise(sql, *outcome);
  }
  return false;
}

}  // namespace numpool_test::operate
