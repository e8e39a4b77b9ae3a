// The server as its processes: found by $PGDATA, signalled, shut down and started again.
#pragma once

#include <sys/types.h>

#include <string>

namespace numpool_test {

// 0 if there is none.
pid_t postmaster_pid();
// Whether the process is a backend of our server, and not one of another that has its number now.
bool is_our_backend(pid_t pid);
// Signals a backend of our server. False if it is none.
bool signal_backend(pid_t pid, int number);
// Anonymous memory of a process, in kB; 0 if it is gone.
long anonymous_memory(pid_t pid);

// pg_ctl stop with this mode; true if it stopped in time.
bool stop_server(const std::string& mode, int seconds);
// Starts it, again and again while what an earlier one left is still in the way.
bool start_server(int seconds);
void kill_postmaster();

}  // namespace numpool_test
