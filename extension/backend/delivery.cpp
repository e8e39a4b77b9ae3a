#include "backend/delivery.h"

#include "backend/definitions.h"
#include "backend/ledger_undelivered.h"
#include "backend/undo_log.h"
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

void write_payload(const LedgerEntry* entry, char* payload) {
  const char* pool = entry->ref->json_name;
  if (entry->state == EntryState::kHeld)
    snprintf(payload, kMaxPayload, "{\"ticket\":%lld,\"pool\":%s,\"index\":%u,\"fence\":%lld}",
             static_cast<long long>(entry->ticket), pool, entry->index,
             static_cast<long long>(entry->fence));
  else if (entry->grant_delivered)
    snprintf(payload, kMaxPayload,
             "{\"pool\":%s,\"index\":%u,\"fence\":%lld,\"error\":\"dropped\"}", pool, entry->index,
             static_cast<long long>(entry->fence));
  else
    snprintf(payload, kMaxPayload, "{\"ticket\":%lld,\"pool\":%s,\"error\":\"dropped\"}",
             static_cast<long long>(entry->ticket), pool);
}

}  // namespace

const char* own_channel() {
  static char channel[33];
  snprintf(channel, sizeof(channel), "numpool_%llx",
           static_cast<unsigned long long>(my_session_id()));
  return channel;
}

void listen_to_own_channel() {
  if (!has_client())
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot wait by ticket in a session without a client"),
                    errhint("Use numpool_acquire.")));
  Async_Listen(own_channel());
  my_session().listens.store(true, std::memory_order_release);
}

void raise_delivery() {
  if (has_client())
    HandleNotifyInterrupt();
  else
    collect_undelivered();
}

void deliver() {
  if (!anything_undelivered() || !has_client()) return;
  // A commit that does something is not to wait for a socket: it raises a delivery of its own.
  if (TransactionIdIsValid(GetTopTransactionIdIfAny()) || !undo_log_is_empty()) return;
  debug_point(DebugPoint::kDeliveryDue);
  // DROP EXTENSION leaves the pools alive, and a hand-off in one of them means nothing any more.
  if (!definitions_exist()) drop_pools_of_gone_tables(MyDatabaseId, table_is_gone);
  collect_undelivered();
  char payload[kMaxPayload];
  dlist_mutable_iter at;
  dlist_foreach_modify(at, undelivered_entries()) {
    LedgerEntry* entry = dlist_container(LedgerEntry, undelivered_node, at.cur);
    // What this transaction did to it is not committed yet: its own COMMIT raises the next
    // delivery.
    if (entry->touched) continue;
    debug_point(DebugPoint::kMessageDue);
    write_payload(entry, payload);
    NotifyMyFrontEnd(own_channel(), payload, MyProcPid);
    debug_point(DebugPoint::kMessageWritten);
    mark_delivered(entry);
  }
}

}  // namespace numpool
