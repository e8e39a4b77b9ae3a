#include "crew.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "history/watcher.h"
#include "history/wipes.h"
#include "torture/meddler.h"

namespace numpool_test {

namespace {

// Different for each life of each worker, and the same for the same seed.
unsigned seed_of(unsigned seed, int slot, int life) {
  std::seed_seq sequence{seed, static_cast<unsigned>(slot), static_cast<unsigned>(life)};
  unsigned result = 0;
  sequence.generate(&result, &result + 1);
  return result;
}

const char* text_of(WorkerDoing doing) {
  switch (doing) {
    case WorkerDoing::kHolding:
      return "holding";
    case WorkerDoing::kSleeping:
      return "sleeping";
    case WorkerDoing::kListening:
      return "listening";
    case WorkerDoing::kNothing:
      break;
  }
  return "idle";
}

}  // namespace

Crew::Crew(const Mix& mix, const Options& options, const std::string& folder, RunBoard& board,
           const Server& server)
    : mix_(mix),
      options_(options),
      folder_(folder),
      board_(board),
      server_(server),
      engine_(seed_of(options.seed, kMostWorkers, 0)),
      workers_(options.workers > 0 ? options.workers : mix.workers),
      logs_({folder + "/director"}),
      log_(logs_.front()),
      lives_(static_cast<std::size_t>(workers_)) {}

std::string Crew::new_log(const std::string& name) {
  logs_.push_back(folder_ + "/" + name);
  Log touch(logs_.back());
  return logs_.back();
}

pid_t Crew::fork_off(const std::function<void()>& work) {
  const pid_t director = getpid();
  const pid_t child = fork();
  if (child < 0) throw TestError("cannot fork");
  if (child > 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != director) _exit(1);
  try {
    work();
  } catch (const std::exception& error) {
    log_.fault(error.what());
    _exit(1);
  }
  _exit(0);
}

void Crew::start_worker(int slot) {
  const int life = lives_[static_cast<std::size_t>(slot)]++;
  const std::string log = new_log("worker-" + std::to_string(slot) + "-" + std::to_string(life));
  const pid_t process = fork_off([&] {
    Worker worker(seed_of(options_.seed, slot, life), log, mix_.pools, mix_.habits, board_, slot);
    worker.run([&] { return !board_.over; });
    worker.finish();
  });
  WorkerSlot& mine = board_.slots[slot];
  mine.process = process;
  processes_[process] = slot;
}

void Crew::start() {
  const std::string watched = new_log("watcher");
  processes_[fork_off([&] {
    Watcher watcher(watched, mix_.pools, true);
    while (!board_.over) {
      if (board_.leave)
        watcher.leave();
      else
        watcher.look();
      std::this_thread::sleep_for(5ms);
    }
  })] = -1;
  if (mix_.meddling != Meddling::kNone) {
    const std::string meddled = new_log("meddler");
    processes_[fork_off([&] {
      meddle(mix_, seed_of(options_.seed, kMostWorkers, 1), meddled, board_, options_.seconds);
    })] = -1;
  }
  for (int slot = 0; slot < workers_; slot++) start_worker(slot);
}

void Crew::ended(pid_t process, int status) {
  const int slot = processes_.at(process);
  processes_.erase(process);
  const bool killed = killed_.erase(process) != 0;
  if (killed && WIFSIGNALED(status)) {
    board_.slots[slot].backend = 0;
    if (!board_.over) start_worker(slot);
  } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !board_.over) {
    log_.fault("process of slot " + std::to_string(slot) + " ended early, with wait status " +
               std::to_string(status));
  }
}

void Crew::tend() {
  int status = 0;
  for (pid_t process; (process = waitpid(-1, &status, WNOHANG)) > 0;)
    if (processes_.count(process) != 0) ended(process, status);
  wake_stopped(false);
}

void Crew::wake_stopped(bool all) {
  const Time time = now();
  for (auto at = stopped_.begin(); at != stopped_.end();) {
    if (!all && at->until > time) {
      ++at;
      continue;
    }
    if (at->backend)
      server_.signal_backend(at->process, SIGCONT);
    else if (processes_.count(at->process) != 0)
      kill(at->process, SIGCONT);
    at = stopped_.erase(at);
  }
}

void Crew::log_death(const std::string& kind, pid_t backend) {
  const Time time = now();
  log_.write({Verb::kDeath, 0, backend, 0, 0, kind, time, time});
}

void Crew::log_server_death(const std::string& kind, Time asked) {
  log_.write({Verb::kDeath, 0, 0, 0, 0, kind, asked, now()});
}

void Crew::log_new_database(Time asked) {
  log_.write({Verb::kReset, Wipes::kEveryPool, 0, 0, 0, "", asked, now()});
}

void Crew::kill_one(WorkerDoing doing) {
  const int first = static_cast<int>(random(static_cast<unsigned>(workers_)));
  int slot = first;
  for (int i = 0; i < workers_; i++) {
    slot = (first + i) % workers_;
    if (board_.slots[slot].doing == doing) break;
  }
  WorkerSlot& victim = board_.slots[slot];
  const pid_t process = victim.process;
  if (processes_.count(process) == 0 || killed_.count(process) != 0) return;
  const WorkerDoing found = victim.doing;
  board_.count(found == WorkerDoing::kHolding     ? Mischief::kKillHolder
               : found == WorkerDoing::kSleeping  ? Mischief::kKillSleeper
               : found == WorkerDoing::kListening ? Mischief::kKillListener
                                                  : Mischief::kKillOther);
  log_death(std::string("SIGKILL-") + text_of(found), victim.backend);
  killed_.insert(process);
  kill(process, SIGKILL);
}

void Crew::stop_one_client() {
  const int slot = static_cast<int>(random(static_cast<unsigned>(workers_)));
  const pid_t process = board_.slots[slot].process;
  if (processes_.count(process) == 0) return;
  board_.count(Mischief::kStopClient);
  kill(process, SIGSTOP);
  stopped_.push_back({process, false, now() + 1000000 * (1 + random(80))});
}

void Crew::stop_one_backend() {
  const pid_t backend = some_backend();
  if (backend == 0 || !server_.signal_backend(backend, SIGSTOP)) return;
  board_.count(Mischief::kStopBackend);
  stopped_.push_back({backend, true, now() + 1000000 * (1 + random(40))});
}

pid_t Crew::some_backend() {
  const int first = static_cast<int>(random(static_cast<unsigned>(workers_)));
  for (int i = 0; i < workers_; i++)
    if (const pid_t backend = board_.slots[(first + i) % workers_].backend) return backend;
  return 0;
}

std::int64_t Crew::operations() const {
  std::int64_t sum = 0;
  for (const WorkerSlot& slot : board_.slots) sum += slot.operations;
  return sum;
}

bool Crew::finish() {
  board_.over = true;
  board_.leave = false;
  wake_stopped(true);
  const Time end = now() + Time{600} * 1000000000;
  while (!processes_.empty() && now() < end) {
    tend();
    std::this_thread::sleep_for(5ms);
  }
  const bool all = processes_.empty();
  for (const auto& [process, slot] : processes_) {
    log_.fault("the process of slot " + std::to_string(slot) + " does not finish");
    kill(process, SIGKILL);
    waitpid(process, nullptr, 0);
  }
  processes_.clear();
  return all;
}

}  // namespace numpool_test
