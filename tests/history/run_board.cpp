#include "run_board.h"

#include <sys/mman.h>

#include <iterator>
#include <new>
#include <stdexcept>

namespace numpool_test {

namespace {

// In the order of Mischief.
const char* const kNames[] = {"ROLLBACK",
                              "ROLLBACK TO a savepoint",
                              "RELEASE of a savepoint",
                              "error in the statement of an acquire or release",
                              "exception block",
                              "DISCARD ALL",
                              "disconnect",
                              "cancel by its own client",
                              "statement_timeout or lock_timeout set",
                              "pg_cancel_backend",
                              "pg_terminate_backend",
                              "SIGKILL of a client that holds",
                              "SIGKILL of a client that sleeps in the queue",
                              "SIGKILL of a client that listens",
                              "SIGKILL of a client without either",
                              "SIGSTOP of a client",
                              "SIGSTOP of a backend",
                              "forced drop",
                              "drop without force",
                              "resize",
                              "direct DML on definitions",
                              "change of definitions rolled back",
                              "DROP EXTENSION",
                              "VACUUM FULL of definitions",
                              "ALTER TABLE of definitions",
                              "REINDEX of definitions",
                              "LOCK of definitions",
                              "full arena",
                              "max_connections used up",
                              "storm of NOTIFY under an idle listener",
                              "NOTIFY refused, since its queue is full",
                              "forged notification",
                              "SIGKILL of a backend",
                              "SIGKILL of the postmaster",
                              "fast shutdown",
                              "immediate shutdown",
                              "smart shutdown",
                              "promotion after SIGKILL of the primary's postmaster",
                              "promotion after immediate shutdown of the primary",
                              "promotion after fast shutdown of the primary",
                              "promotion of a standby in the window after a crash",
                              "synchronous standby away",
                              "database made from a template, and a crash"};
static_assert(std::size(kNames) == static_cast<std::size_t>(Mischief::kCount));

}  // namespace

const char* name_of(Mischief mischief) {
  return kNames[static_cast<std::size_t>(mischief)];
}

RunBoard* make_shared_board() {
  void* memory =
      mmap(nullptr, sizeof(RunBoard), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
  return new (memory) RunBoard();
}

}  // namespace numpool_test
