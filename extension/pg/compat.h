// Differences between PostgreSQL 15 to 19, each under the name of the newest API that it stands
// for.
#pragma once

#include "pg/pg.h"

extern "C" {
#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#include "storage/procnumber.h"
#include "utils/wait_event.h"
#endif
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/procsignal.h"
#include "utils/acl.h"

// NB: libpq/libpq.h, which declares it, wants gssapi.h on Debian.
extern PGDLLIMPORT WaitEventSet* FeBeWaitSet;
}

namespace numpool {

// 17 numbers processes by ProcNumber; before, pgprocno and (for signals) the backend id differ.
#if PG_VERSION_NUM >= 170000
inline int my_proc_number() {
  return MyProcNumber;
}
inline int my_signal_slot() {
  return MyProcNumber;
}
#else
inline int my_proc_number() {
  return MyProc->pgprocno;
}
inline int my_signal_slot() {
  return MyBackendId;
}
#endif

// What stands in for a function of a newer PostgreSQL, under its name.
namespace compat {

// 17 has GetNamedDSMSegment, 19 with an argument for `init`; before, the slack of the main segment
// does.
inline void* GetNamedDSMSegment(const char* name, std::size_t size, void (*init)(void*)) {
#if PG_VERSION_NUM >= 190000
  bool found;
  const auto call = [](void* memory, void* callback) {
    reinterpret_cast<void (*)(void*)>(callback)(memory);
  };
  return ::GetNamedDSMSegment(name, size, call, &found, reinterpret_cast<void*>(init));
#elif PG_VERSION_NUM >= 170000
  bool found;
  return ::GetNamedDSMSegment(name, size, init, &found);
#else
  bool found;
  void* memory = ShmemInitStruct(name, size, &found);
  if (!found) init(memory);
  return memory;
#endif
}

// 19 names a tranche of locks for the whole server when it is made; before, each backend registers
// the name for itself.
inline int LWLockNewTrancheId([[maybe_unused]] const char* name) {
#if PG_VERSION_NUM >= 190000
  return ::LWLockNewTrancheId(name);
#else
  return ::LWLockNewTrancheId();
#endif
}

inline void know_tranche([[maybe_unused]] int tranche, [[maybe_unused]] const char* name) {
#if PG_VERSION_NUM < 190000
  LWLockRegisterTranche(tranche, name);
#endif
}

// 17 gives a set to a resource owner, or to none, and then, as before, it lasts.
inline WaitEventSet* CreateWaitEventSet(std::nullptr_t, int events) {
#if PG_VERSION_NUM >= 170000
  return ::CreateWaitEventSet(nullptr, events);
#else
  return ::CreateWaitEventSet(TopMemoryContext, events);
#endif
}

// 17 names wait events of extensions; before, all are "Extension".
inline std::uint32_t WaitEventExtensionNew([[maybe_unused]] const char* name) {
#if PG_VERSION_NUM >= 170000
  return ::WaitEventExtensionNew(name);
#else
  return PG_WAIT_EXTENSION;
#endif
}

// 18 can log that the lock was not to be had.
inline bool ConditionalXactLockTableWait(TransactionId transaction, [[maybe_unused]] bool log) {
#if PG_VERSION_NUM >= 180000
  return ::ConditionalXactLockTableWait(transaction, log);
#else
  return ::ConditionalXactLockTableWait(transaction);
#endif
}

// 16 lets a member of a role be kept from SET ROLE to it.
inline bool member_can_set_role(Oid member, Oid role) {
#if PG_VERSION_NUM >= 160000
  return ::member_can_set_role(member, role);
#else
  return is_member_of_role(member, role);
#endif
}

}  // namespace compat

// 17 keeps it in vxid.
inline LocalTransactionId my_local_transaction() {
#if PG_VERSION_NUM >= 170000
  return MyProc->vxid.lxid;
#else
  return MyProc->lxid;
#endif
}

// The same of a lock's owner.
inline LocalTransactionId lock_transaction(const LockInstanceData& instance) {
#if PG_VERSION_NUM >= 170000
  return instance.vxid.localTransactionId;
#else
  return instance.lxid;
#endif
}

// 16 makes the queue of those that wait for standbys a dlist. In the order of positions, as
// PostgreSQL's own insertion, which is not exported. Under SyncRepLock; MyProc->waitLSN is set.
inline void sync_rep_queue_insert(int mode) {
#if PG_VERSION_NUM >= 160000
  dlist_head* queue = &WalSndCtl->SyncRepQueue[mode];
  dlist_iter at;
  dlist_reverse_foreach(at, queue) {
    PGPROC* before = dlist_container(PGPROC, syncRepLinks, at.cur);
    if (before->waitLSN >= MyProc->waitLSN) continue;
    dlist_insert_after(&before->syncRepLinks, &MyProc->syncRepLinks);
    return;
  }
  dlist_push_head(queue, &MyProc->syncRepLinks);
#else
  SHM_QUEUE* queue = &WalSndCtl->SyncRepQueue[mode];
  SHM_QUEUE* before = queue;
  constexpr Size kLinks = offsetof(PGPROC, syncRepLinks);
  void* process = SHMQueuePrev(queue, queue, kLinks);
  while (process != nullptr && static_cast<PGPROC*>(process)->waitLSN >= MyProc->waitLSN)
    process = SHMQueuePrev(queue, &static_cast<PGPROC*>(process)->syncRepLinks, kLinks);
  if (process != nullptr) before = &static_cast<PGPROC*>(process)->syncRepLinks;
  SHMQueueInsertAfter(before, &MyProc->syncRepLinks);
#endif
}

// 18, and later minor releases of those before, turn the flag of WalSndCtl into one of several
// bits.
inline bool sync_standbys_defined() {
#ifdef SYNC_STANDBY_DEFINED
  // Until the checkpointer has read the setting, after a start, it speaks for itself.
  if ((WalSndCtl->sync_standbys_status & SYNC_STANDBY_INIT) == 0)
    return SyncRepStandbyNames != nullptr && SyncRepStandbyNames[0] != '\0';
  return (WalSndCtl->sync_standbys_status & SYNC_STANDBY_DEFINED) != 0;
#else
  return WalSndCtl->sync_standbys_defined;
#endif
}

}  // namespace numpool
