#include "shared/standbys.h"

#include "pg/compat.h"

extern "C" {
#include "replication/syncrep.h"
}

namespace numpool {

namespace {

int mode_of(Assurance assurance) {
  switch (assurance) {
    case Assurance::kWritten:
      return SYNC_REP_WAIT_WRITE;
    case Assurance::kApplied:
      return SYNC_REP_WAIT_APPLY;
    default:
      return SYNC_REP_WAIT_FLUSH;
  }
}

}  // namespace

Assurance asked_of_standbys() {
  if (!SyncRepRequested()) return Assurance::kLocal;
  switch (synchronous_commit) {
    case SYNCHRONOUS_COMMIT_REMOTE_WRITE:
      return Assurance::kWritten;
    case SYNCHRONOUS_COMMIT_REMOTE_APPLY:
      return Assurance::kApplied;
    default:
      return Assurance::kFlushed;
  }
}

Assurance assurance_of(XLogRecPtr position) {
  Assurance reached = Assurance::kLocal;
  LWLockAcquire(SyncRepLock, LW_SHARED);
  for (const Assurance next : {Assurance::kWritten, Assurance::kFlushed, Assurance::kApplied})
    if (WalSndCtl->lsn[mode_of(next)] >= position) reached = next;
  LWLockRelease(SyncRepLock);
  return reached;
}

bool listen_to_standbys(XLogRecPtr position, Assurance assurance) {
  const int mode = mode_of(assurance);
  LWLockAcquire(SyncRepLock, LW_EXCLUSIVE);
  const bool waits = sync_standbys_defined() && WalSndCtl->lsn[mode] < position;
  if (waits) {
    MyProc->waitLSN = position;
    MyProc->syncRepState = SYNC_REP_WAITING;
    sync_rep_queue_insert(mode);
  }
  LWLockRelease(SyncRepLock);
  return waits;
}

void stop_listening_to_standbys() {
  SyncRepCleanupAtProcExit();
  pg_read_barrier();
  MyProc->syncRepState = SYNC_REP_NOT_WAITING;
  MyProc->waitLSN = 0;
}

}  // namespace numpool
