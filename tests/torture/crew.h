// The processes of a run: workers, each with a successor when it is killed, the watcher and the
// meddler. The director forks them all and has neither threads nor a connection meanwhile.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "torture/mix.h"
#include "torture/options.h"
#include "torture/server.h"

namespace numpool_test {

class Crew {
 public:
  // `server` is where the workers are connected.
  Crew(const Mix& mix, const Options& options, const std::string& folder, RunBoard& board,
       const Server& server);

  void start();
  // Notices who has ended, and replaces who was killed.
  void tend();
  // Kills a random worker that is doing just that with SIGKILL; any other worker if there is none.
  void kill_one(WorkerDoing doing);
  void stop_one_client();
  void stop_one_backend();
  // A random backend of a worker; 0 if none is connected.
  pid_t some_backend();
  void log_death(const std::string& kind, pid_t backend);
  // Notes the death of the server with all its sessions: it was told to end at `asked`, and is gone
  // now.
  void log_server_death(const std::string& kind, Time asked);
  // Notes that the database is another one from a moment between `asked` and now on.
  void log_new_database(Time asked);
  // All shall finish. False if somebody does not.
  bool finish();

  int workers() const { return workers_; }
  const std::vector<std::string>& logs() const { return logs_; }
  std::int64_t operations() const;
  void fault(const std::string& what) { log_.fault(what); }
  unsigned random(unsigned below) { return static_cast<unsigned>(engine_() % below); }

 private:
  struct Stopped {
    pid_t process;
    bool backend;
    Time until;
  };

  pid_t fork_off(const std::function<void()>& work);
  void start_worker(int slot);
  void ended(pid_t process, int status);
  void wake_stopped(bool all);
  std::string new_log(const std::string& name);

  const Mix& mix_;
  const Options& options_;
  std::string folder_;
  RunBoard& board_;
  const Server& server_;
  std::mt19937 engine_;
  int workers_;
  std::vector<std::string> logs_;
  Log log_;
  std::vector<int> lives_;
  std::map<pid_t, int> processes_;  // to slots; -1: not a worker
  std::set<pid_t> killed_;
  std::vector<Stopped> stopped_;
};

}  // namespace numpool_test
