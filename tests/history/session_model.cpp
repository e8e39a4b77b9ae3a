#include "session_model.h"

#include <algorithm>

namespace numpool_test {

void SessionModel::apply(const Event& event) {
  switch (event.verb) {
    case Verb::kSession:
      if (!state_.held.empty() || in_transaction()) broken("a session within a session", event);
      pid_ = event.index;
      connected_ = event.asked;
      break;
    case Verb::kAcquire:
      acquire(event);
      break;
    case Verb::kEnqueue:
      enqueue(event);
      break;
    case Verb::kGranted:
      granted(event);
      // A notification is not an answer either.
      if (event.text == "notification") return;
      break;
    case Verb::kCancel:
      cancel(event);
      break;
    case Verb::kRelease:
      release(event);
      break;
    case Verb::kReleaseAll:
      release_all(event);
      break;
    case Verb::kFence:
      fence(event);
      break;
    case Verb::kError:
      error(event);
      break;
    case Verb::kLost:
    case Verb::kClose:
      // A goodbye is not answered: the session may have been ended before.
      return give_up_all(last_alive_, event.told);
    case Verb::kDiscard:
      give_up_all(event.asked, event.told);
      break;
    default:
      savepoint_event(event);
  }
  last_alive_ = std::max(last_alive_, event.asked);
}

void SessionModel::end_of_log() {
  give_up_all(last_alive_, kNever);
}

void SessionModel::savepoint_event(const Event& event) {
  const std::size_t level = static_cast<std::size_t>(event.index);
  switch (event.verb) {
    case Verb::kBegin:
      if (in_transaction()) broken("BEGIN in a transaction", event);
      saved_.push_back(state_);
      break;
    case Verb::kSavepoint:
      if (level != saved_.size()) broken("a savepoint at the wrong depth", event);
      saved_.push_back(state_);
      break;
    case Verb::kReleaseSavepoint:
      if (level < 1 || level >= saved_.size()) return broken("no such savepoint", event);
      saved_.resize(level);
      break;
    case Verb::kRollbackTo:
      if (level < 1 || level >= saved_.size()) return broken("no such savepoint", event);
      roll_back_to(level, event.asked, event.told);
      break;
    case Verb::kCommit:
      if (failed()) return roll_back(event.asked, event.told);
      commit(event);
      break;
    case Verb::kRollback:
      roll_back(event.asked, event.told);
      break;
    default:
      break;
  }
}

void SessionModel::broken(const std::string& what, const Event& event) {
  sink_.broken("pid " + std::to_string(pid_) + ": " + what + ": " + to_line(event));
}

bool SessionModel::may_be_gone(int pool, Time from, Time to) const {
  return wipes_ == nullptr || wipes_->between(pool, from, to);
}

bool SessionModel::waits_by_ticket(int pool) const {
  for (const auto& [number, ticket] : state_.tickets)
    if (ticket.pool == pool) return true;
  return false;
}

bool SessionModel::vanished(Holdings::iterator held, const Event& event) {
  if (!may_be_gone(held->first.first, held->second.asked, event.told)) return false;
  sink_.ended(held->second.lease, std::min(last_alive_, event.asked), event.told);
  state_.held.erase(held);
  return true;
}

void SessionModel::acquire(const Event& event) {
  if (event.index >= 0) return take(event);
  for (const auto& [key, held] : state_.held)
    if (key.first == event.pool && held.pending && !may_be_gone(event.pool, held.asked, event.told))
      return broken("got none though a pending release could be taken back", event);
}

// True if the number is the lowest whose release is pending, which is thereby taken back.
bool SessionModel::take_back(const Event& event, bool transaction_scope) {
  for (auto& [key, held] : state_.held) {
    if (key.first != event.pool || !held.pending) continue;
    if (key.second == event.index && held.fence == event.fence) {
      held.pending = false;
      held.transaction_scope = transaction_scope;
      held.ticket = event.ticket;
      return true;
    }
    if (may_be_gone(event.pool, held.asked, event.told)) continue;
    broken(key.second == event.index ? "a take-back with another fence"
                                     : "not the lowest pending release was taken back",
           event);
    return false;
  }
  return false;
}

// The session got an index: either a pending release is taken back, or it is a new lease.
void SessionModel::take(const Event& event) {
  const bool transaction_scope = event.verb == Verb::kAcquire && event.text == "transaction";
  if (take_back(event, transaction_scope)) return;
  if (event.fence <= 0) {
    // The pool was dropped before the statement could ask for the fence.
    if (!may_be_gone(event.pool, event.asked, event.told)) broken("a lease without a fence", event);
    return;
  }
  const auto same = state_.held.find({event.pool, event.index});
  if (same != state_.held.end() && !vanished(same, event)) broken("got what it holds", event);
  Held fresh;
  fresh.lease = sink_.began(event, pid_);
  fresh.fence = event.fence;
  fresh.ticket = event.ticket;
  fresh.asked = event.asked;
  fresh.transaction_scope = transaction_scope;
  state_.held[{event.pool, event.index}] = fresh;
  if (!in_transaction()) commit(event);
}

void SessionModel::enqueue(const Event& event) {
  if (event.index >= 0) return take(event);
  if (state_.tickets.count(event.ticket) != 0) broken("a ticket twice", event);
  state_.tickets[event.ticket] = {event.pool, event.asked, false};
}

// A grant to a ticket does not depend on the open transaction: it holds wherever the ticket does.
void SessionModel::granted(const Event& event) {
  const auto ticket = state_.tickets.find(event.ticket);
  if (ticket == state_.tickets.end())
    return broken("a grant to a ticket that does not wait", event);
  Event grant = event;
  grant.asked = ticket->second.asked;
  Held held;
  held.fence = event.fence;
  held.ticket = event.ticket;
  held.asked = grant.asked;
  held.pending = ticket->second.ending;
  const auto same = state_.held.find({event.pool, event.index});
  if (same != state_.held.end() && !vanished(same, event)) broken("got what it holds", event);
  held.lease = sink_.began(grant, pid_);
  for (State& saved : saved_) {
    const auto waiting = saved.tickets.find(event.ticket);
    if (waiting == saved.tickets.end()) continue;
    Held then = held;
    then.pending = waiting->second.ending;
    saved.held[{event.pool, event.index}] = then;
    saved.tickets.erase(waiting);
  }
  state_.tickets.erase(ticket);
  state_.held[{event.pool, event.index}] = held;
}

void SessionModel::cancel(const Event& event) {
  const bool yes = event.text == "t";
  const auto ticket = state_.tickets.find(event.ticket);
  if (ticket != state_.tickets.end()) {
    if (yes == ticket->second.ending &&
        !may_be_gone(ticket->second.pool, ticket->second.asked, event.told))
      broken("cancel of a waiting ticket", event);
    ticket->second.ending = true;
  } else {
    const auto held = std::find_if(
        state_.held.begin(), state_.held.end(),
        [&](const Holdings::value_type& one) { return one.second.ticket == event.ticket; });
    const bool holds = held != state_.held.end() && !held->second.pending;
    if (yes && !holds) broken("cancel of nothing worked", event);
    if (!yes && holds && !vanished(held, event)) broken("cancel did nothing", event);
    if (yes && holds) held->second.pending = true;
  }
  if (!in_transaction()) commit(event);
}

void SessionModel::release(const Event& event) {
  const bool yes = event.text == "t";
  const auto held = state_.held.find({event.pool, event.index});
  const bool holds = held != state_.held.end() && !held->second.pending;
  if (yes && !holds && !waits_by_ticket(event.pool)) broken("release of nothing worked", event);
  if (!yes && holds && !vanished(held, event)) broken("release did nothing", event);
  if (yes && holds) held->second.pending = true;
  if (!in_transaction()) commit(event);
}

void SessionModel::release_all(const Event& event) {
  int expected = 0;
  for (auto& [key, held] : state_.held) {
    expected += held.pending ? 0 : 1;
    held.pending = true;
  }
  for (auto& [number, ticket] : state_.tickets) {
    expected += ticket.ending ? 0 : 1;
    ticket.ending = true;
  }
  // A lease whose extension is gone still counts; a lease whose pool was dropped does not.
  const bool known = wipes_ != nullptr && !wipes_->any_between(connected_, event.told);
  if (known && event.index != expected)
    broken("release_all did not count " + std::to_string(expected), event);
  if (!in_transaction()) commit(event);
}

void SessionModel::fence(const Event& event) {
  const auto held = state_.held.find({event.pool, event.index});
  if (held == state_.held.end()) {
    if (event.fence != 0 && !waits_by_ticket(event.pool)) broken("a fence of nothing held", event);
  } else if (event.fence != held->second.fence && !vanished(held, event)) {
    broken("another fence than it was given", event);
  }
}

void SessionModel::error(const Event& event) {
  const char status = event.text.empty() ? '?' : event.text.back();
  if (!in_transaction()) {
    if (status != 'I') broken("in a transaction without BEGIN", event);
    return;
  }
  if (status == 'I') return roll_back(event.asked, event.told);
  if (status != 'E') broken("an error that did not fail the transaction", event);
  // A later rollback brings this back, so it was given up here at least in part.
  failed_since_ = std::min(failed_since_, event.asked);
}

void SessionModel::commit(const Event& event) {
  State kept;
  for (const auto& [key, held] : state_.held)
    if (!held.pending && !held.transaction_scope) kept.held[key] = held;
  for (const auto& [number, ticket] : state_.tickets)
    if (!ticket.ending) kept.tickets[number] = ticket;
  saved_.clear();
  become(std::move(kept), event.asked, event.told);
}

void SessionModel::roll_back_to(std::size_t level, Time asked, Time told) {
  asked = std::min(asked, failed_since_);
  failed_since_ = kNever;
  saved_.resize(level + 1);
  become(State(saved_.back()), asked, told);
}

void SessionModel::roll_back(Time asked, Time told) {
  if (!in_transaction()) return;
  roll_back_to(0, asked, told);
  saved_.clear();
}

void SessionModel::give_up_all(Time asked, Time told) {
  saved_.clear();
  failed_since_ = kNever;
  become(State(), asked, told);
}

void SessionModel::become(State state, Time asked, Time told) {
  for (const auto& [key, held] : state_.held) {
    const auto still = state.held.find(key);
    if (still == state.held.end() || still->second.lease != held.lease)
      sink_.ended(held.lease, asked, told);
  }
  state_ = std::move(state);
}

}  // namespace numpool_test
