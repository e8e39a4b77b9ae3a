#include "backend/delivery.h"

#include "backend/definitions.h"
#include "backend/ledger_undelivered.h"
#include "pg/debug_point.h"
#include "shared/former_pools.h"
#include "shared/session.h"

namespace numpool {

namespace {

// A name takes at most 4,800 bytes as escaped JSON: 200 characters of 4 bytes that convert to
// nothing.
constexpr std::size_t kMaxPayload = 5120;

bool has_client() {
  return MyBackendType == B_BACKEND && whereToSendOutput == DestRemote;
}

// One event of one entry: its ticket (if it has one), its pool, what it holds or held, and what
// went wrong with it.
void write_payload(const LedgerEntry* entry, char* payload) {
  const bool held = entry->state == EntryState::kHeld;
  char* at = payload;
  char* const end = payload + kMaxPayload;
  at += snprintf(at, end - at, "{");
  if (entry->ticket_active)
    at += snprintf(at, end - at, "\"ticket\":%lld,", static_cast<long long>(entry->ticket));
  at += snprintf(at, end - at, "\"pool\":%s", entry->ref->json_name);
  if (held || entry->grant_delivered)
    at += snprintf(at, end - at, ",\"index\":%u,\"fence\":%lld", entry->index,
                   static_cast<long long>(entry->fence));
  snprintf(at, end - at,
           held           ? "}"
           : entry->ended ? ",\"error\":\"ended\"}"
                          : ",\"error\":\"dropped\"}");
}

// "" until it is asked for.
char channel[sizeof("numpool_") + 32] = "";

// Set when the client has asked for the channel.
bool wants_to_be_told = false;

// Set when this session has asked PostgreSQL for a short transaction to deliver in.
bool raised = false;

// Whether the open transaction is one that PostgreSQL runs to handle a notify interrupt: it holds
// no lock of the user's, so it may write to the client's socket. Such a transaction runs while the
// backend reads a command, when cancels are held off; or before it is ready for a query, after a
// delivery was raised, and then PostgreSQL has taken in the interrupt when it began. A stranger's
// signal that comes in between makes this say no, and the next one then says yes.
bool handles_notify_interrupt() {
  return QueryCancelHoldoffCount > 0 || (raised && !notifyInterruptPending);
}

}  // namespace

const char* own_channel() {
  if (channel[0] != '\0') return channel;
  std::uint64_t random[2];
  if (!pg_strong_random(random, sizeof(random)))
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
  snprintf(channel, sizeof(channel), "numpool_%016llx%016llx",
           static_cast<unsigned long long>(random[0]), static_cast<unsigned long long>(random[1]));
  return channel;
}

const char* tell_channel() {
  wants_to_be_told = true;
  return own_channel();
}

void stop_listening() {
  my_session().listens.store(false, std::memory_order_relaxed);
  channel[0] = '\0';
  wants_to_be_told = false;
}

void listen_on() {
  if (!my_session().listens.load(std::memory_order_relaxed)) return;
  if (dlist_is_empty(all_entries()))
    stop_listening();
  else
    Async_Listen(own_channel());
}

void listen_to_own_channel() {
  if (!has_client())
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot wait by ticket in a session without a client"),
                    errhint("Use numpool_acquire.")));
  Async_Listen(own_channel());
  my_session().listens.store(true, std::memory_order_release);
}

void listen_if_wanted() {
  if (wants_to_be_told && has_client()) listen_to_own_channel();
}

void raise_delivery() {
  if (has_client()) {
    raised = true;
    HandleNotifyInterrupt();
  } else {
    collect_undelivered();
  }
}

void deliver() {
  // A user's commit holds locks, and would hold them for as long as his client does not read: it
  // raises a delivery when it is over.
  if (!anything_undelivered() || !has_client() || !handles_notify_interrupt()) return;
  raised = false;
  debug_point(DebugPoint::kDeliveryDue);
  // DROP EXTENSION leaves the pools alive, and a hand-off in one of them means nothing any more.
  if (!definitions_exist()) drop_pools_of_gone_tables(MyDatabaseId, table_is_gone);
  collect_undelivered();
  char payload[kMaxPayload];
  dlist_mutable_iter at;
  dlist_foreach_modify(at, undelivered_entries()) {
    LedgerEntry* entry = dlist_container(LedgerEntry, undelivered_node, at.cur);
    debug_point(DebugPoint::kMessageDue);
    write_payload(entry, payload);
    NotifyMyFrontEnd(own_channel(), payload, MyProcPid);
    debug_point(DebugPoint::kMessageWritten);
    mark_delivered(entry);
  }
}

}  // namespace numpool
