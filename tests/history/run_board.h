// What the processes of a run show each other, in shared memory: who is doing what, what was done
// how often, and what is asked of all.
#pragma once

#include <atomic>
#include <cstdint>

namespace numpool_test {

enum class WorkerDoing { kNothing, kHolding, kSleeping, kListening };

// One worker's place. A later life of the worker uses it again.
struct WorkerSlot {
  std::atomic<int> process{0};
  std::atomic<int> backend{0};  // its pid; 0: not connected
  std::atomic<WorkerDoing> doing{WorkerDoing::kNothing};
  std::atomic<std::int64_t> operations{0};
  char channel[40] = {};  // of its tickets, once it has any
};

enum class Mischief {
  kRollback,
  kRollbackTo,
  kReleaseSavepoint,
  kFailingStatement,
  kExceptionBlock,
  kDiscard,
  kDisconnect,
  kSelfCancel,
  kTimeout,
  kCancel,
  kTerminate,
  kKillHolder,
  kKillSleeper,
  kKillListener,
  kKillOther,
  kStopClient,
  kStopBackend,
  kForcedDrop,
  kDrop,
  kResize,
  kDirectChange,
  kRolledBackChange,
  kDropExtension,
  kVacuumFull,
  kAlterTable,
  kReindex,
  kTableLock,
  kFullArena,
  kFullConnections,
  kNotifyStorm,
  kFullQueue,
  kForgedNotify,
  kKillBackend,
  kKillPostmaster,
  kShutdownFast,
  kShutdownImmediate,
  kShutdownSmart,
  kPromoteAfterKill,
  kPromoteAfterImmediate,
  kPromoteAfterFast,
  kPromoteUnheard,
  kStandbyAway,
  kDatabaseCopied,
  kCount
};

const char* name_of(Mischief mischief);

constexpr int kMostWorkers = 64;

struct RunBoard {
  std::atomic<bool> over{false};   // all shall finish
  std::atomic<bool> leave{false};  // all shall disconnect, and wait until it is false again
  std::atomic<std::int64_t> done[static_cast<std::size_t>(Mischief::kCount)] = {};
  WorkerSlot slots[kMostWorkers];

  void count(Mischief mischief) { done[static_cast<std::size_t>(mischief)]++; }
};

// One that processes forked later share; lives until the process ends.
RunBoard* make_shared_board();

}  // namespace numpool_test
