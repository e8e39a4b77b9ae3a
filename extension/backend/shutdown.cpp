#include "backend/shutdown.h"

#include "backend/ledger.h"

extern "C" {
#include <fcntl.h>
#include <unistd.h>

#include "utils/pidfile.h"
}

namespace numpool {

namespace {

// The postmaster signals a thousand sessions within a few milliseconds.
constexpr long kPauseMicroseconds = 100000;

// Only the postmaster's lock file, in the working directory, says that the server is shutting down.
bool server_is_stopping() {
  char text[8192];
  const int file = open("postmaster.pid", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t length = read(file, text, sizeof(text) - 1);
  close(file);
  if (length <= 0) return false;
  text[length] = '\0';
  const char* line = text;
  for (int number = 1; number < LOCK_FILE_LINE_PM_STATUS && line != nullptr; ++number) {
    line = strchr(line, '\n');
    if (line != nullptr) ++line;
  }
  return line != nullptr && strncmp(line, PM_STATUS_STOPPING, sizeof(PM_STATUS_STOPPING) - 1) == 0;
}

}  // namespace

bool process_ends_badly() {
  return proc_exit_inprogress && pgStatSessionEndCause != DISCONNECT_NORMAL;
}

void let_shutdown_reach_all() {
  static bool done = false;
  if (done || !proc_exit_inprogress || pgStatSessionEndCause != DISCONNECT_KILLED ||
      dlist_is_empty(all_entries()))
    return;
  done = true;
  if (server_is_stopping()) pg_usleep(kPauseMicroseconds);
}

}  // namespace numpool
