// What a worker does with tickets: it enqueues, waits for its notification, now and then busy with
// something else, and at last takes what it got or cancels.
#include "worker.h"

#include <cstring>
#include <thread>

namespace numpool_test {

namespace {

// The number after "key": in a payload; nullopt if there is none.
std::optional<std::int64_t> number_of(const std::string& payload, const std::string& key) {
  const std::string quoted = "\"" + key + "\":";
  const std::size_t at = payload.find(quoted);
  if (at == std::string::npos) return std::nullopt;
  return std::stoll(payload.substr(at + quoted.size()));
}

}  // namespace

void Worker::use_ticket() {
  if (model_.in_transaction()) return try_acquire();
  if (slot_.channel[0] == '\0') {
    const auto channel = ask("SELECT numpool_channel()");
    if (!channel) return;
    note(Verb::kAlive);
    std::strncpy(slot_.channel, channel->value().value_or("").c_str(), sizeof(slot_.channel) - 1);
  }
  const int pool = random_pool();
  const auto outcome =
      ask("SELECT ticket, index, fence FROM numpool_enqueue(" + quoted(pool) + ")");
  if (!outcome) return;
  const auto& row = outcome->rows.at(0);
  Event event;
  event.verb = Verb::kEnqueue;
  event.pool = pool;
  event.ticket = std::stoll(*row[0]);
  event.index = row[1] ? std::stoi(*row[1]) : -1;
  event.fence = row[2] ? std::stoll(*row[2]) : 0;
  note(event);
  if (event.index < 0) follow_ticket(pool, event.ticket);
}

void Worker::follow_ticket(int pool, std::int64_t ticket) {
  // A session that holds nothing may wait as long as it takes, and then for nothing but the
  // notification. If that does not come, only this worker notices; so it goes on waiting when the
  // run is over and all the others give up.
  const bool for_ever = model_.held().empty() && random(3) == 0;
  const auto began = Clock::now();
  const unsigned looks = 1 + random(3);
  for (unsigned look = 0; (for_ever && model_.held().empty()) || look < looks; look++) {
    show(WorkerDoing::kListening);
    if (take_notifications(pool, ticket, Milliseconds(random(4)))) return;
    if (!board_.over && random(4) == 0) be_busy(!for_ever);
    if (!for_ever && random(4) == 0 && poll_ticket(pool, ticket)) return;
    if (board_.leave || (board_.over && !for_ever)) break;
    if (too_late(began)) {
      fault("ticket " + std::to_string(ticket) + " was forgotten");
      break;
    }
  }
  cancel_ticket(pool, ticket);
}

// True if a notification of this very ticket has come.
bool Worker::take_notifications(int pool, std::int64_t ticket, Milliseconds time) {
  bool settled = false;
  asked_ = now();
  const std::vector<Notification> all = session_->notifications(time);
  told_ = now();
  if (!session_->connected()) throw Lost();
  for (const Notification& one : all) {
    if (one.sender_pid != session_->pid()) continue;  // forged
    const auto index = number_of(one.payload, "index"), fence = number_of(one.payload, "fence");
    // Of a lease that it had: its pool was dropped by force.
    if (fence && one.payload.find("\"error\"") != std::string::npos) continue;
    const auto about = number_of(one.payload, "ticket");
    if (about && *about == last_ticket_) fault("told twice of a ticket: " + one.payload);
    if (!about || *about != ticket) continue;
    settled = true;
    last_ticket_ = ticket;
    if (!index || !fence)
      ticket_is_gone(pool, ticket);
    else
      note({Verb::kGranted, pool, static_cast<int>(*index), *fence, ticket, "notification", 0, 0});
  }
  return settled;
}

// True if it waits no more.
bool Worker::poll_ticket(int pool, std::int64_t ticket) {
  const auto outcome =
      ask("SELECT state, index, fence FROM numpool_poll(" + std::to_string(ticket) + ")");
  if (!outcome) return false;
  const auto& row = outcome->rows.at(0);
  if (row[0] == "waiting") {
    note(Verb::kAlive);
    return false;
  }
  // A notification that was under way before the answer does not count as a second one.
  const Time asked = asked_, told = told_;
  if (take_notifications(pool, ticket, 0ms)) return true;
  asked_ = asked;
  told_ = told;
  last_ticket_ = ticket;
  if (row[0] == "granted")
    note({Verb::kGranted, pool, std::stoi(*row[1]), std::stoll(*row[2]), ticket, "poll", 0, 0});
  else
    ticket_is_gone(pool, ticket);
  return true;
}

void Worker::cancel_ticket(int pool, std::int64_t ticket) {
  std::optional<Outcome> outcome;
  for (int tries = 0; !outcome; tries++) {
    if (tries > 1000) throw TestError("cannot cancel a ticket");
    // The extension may be dropped, and come back.
    if (tries > 0) std::this_thread::sleep_for(5ms);
    outcome = ask("SELECT numpool_cancel(" + std::to_string(ticket) + ")");
  }
  const Time asked = asked_, told = told_;
  session_->notifications();
  asked_ = asked;
  told_ = told;
  last_ticket_ = ticket;
  note({Verb::kCancel, pool, 0, 0, ticket, outcome->value().value_or("null"), 0, 0});
}

// Its pool was dropped.
void Worker::ticket_is_gone(int pool, std::int64_t ticket) {
  if (!habits_.pools_change) fault("ticket " + std::to_string(ticket) + " is gone");
  note({Verb::kCancel, pool, 0, 0, ticket, "f", 0, 0});
}

// While it waits: a notification may come only after the transaction.
void Worker::be_busy(bool may_acquire) {
  const int kind = static_cast<int>(random(3));
  if (kind == 0) {
    if (ask("SELECT pg_sleep(0.001)")) note(Verb::kAlive);
    return;
  }
  begin();
  while (model_.in_transaction()) {
    if (model_.failed())
      recover();
    else if (random(3) != 0)
      end_transaction();
    else if (may_acquire)
      try_acquire();
    else
      check_fence();
  }
}

}  // namespace numpool_test
