#include "turn.hpp"

#include <poll.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "duration.hpp"
#include "failure.hpp"
#include "io_event.hpp"
#include "patience.hpp"
#include "text.hpp"

namespace numpool::cli {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

/// What goes well for so long is over, and a failure after it is a new one.
constexpr milliseconds kOutage{2000};
/// How long a timed lease that is to go back waits for a server that is not there.
constexpr milliseconds kGivingBack{5000};

struct turn::state {
  explicit state(turn_request wanted)
      : request(std::move(wanted)), started(clock::now()), attempts(limit()) {}

  void work();
  void attempt();
  void wait_in(const pool& handle);
  /// Notes that there is no server, for a reason that may pass; false if time is up.
  bool waits_out(const error& why);
  waiting_text describe() const;
  /// Of attempts in an outage.
  milliseconds limit() const {
    return request.connect_timeout.value_or(request.timeout.value_or(kPatience));
  }
  /// What is left of the timeout.
  milliseconds left() const {
    return std::chrono::ceil<milliseconds>(started + *request.timeout - clock::now());
  }
  std::shared_ptr<client> current() const {
    const std::lock_guard<std::mutex> lock(mutex);
    return connection;
  }

  turn_request request;
  const clock::time_point started;
  bool shares_sessions = request.options.transaction_pooling;
  patience attempts;                        // in this outage
  std::optional<clock::time_point> queued;  // since when, in this attempt
  cancellation_source source;
  detail::event leaving;
  detail::event done;
  detail::event lost;

  // Written by the thread before `done` is set, by the owner afterwards.
  std::optional<lease> held;
  std::optional<timed_lease> timed;
  std::optional<held_number> number;  // of either
  std::exception_ptr problem;

  mutable std::mutex mutex;            // guards what follows
  std::shared_ptr<client> connection;  // none while there is no server
  std::string no_server;               // why there is none
  std::string reason;                  // of the loss
};

turn::turn(turn_request request) : state_(std::make_shared<state>(std::move(request))) {
  state_->request.options.on_lost = [shared = std::weak_ptr<state>(state_)](const lost_lease& l) {
    if (const auto s = shared.lock()) {
      const std::lock_guard<std::mutex> lock(s->mutex);
      s->reason = l.reason;
      s->lost.set();
    }
  };
  thread_ = std::thread([shared = state_] { work(*shared); });
}

turn::~turn() {
  state_->source.cancel();
  state_->leaving.set();
  if (thread_.joinable()) thread_.join();
  release();
}

void turn::work(state& s) noexcept {
  try {
    s.work();
  } catch (...) {
    s.problem = std::current_exception();
  }
  s.done.set();
}

void turn::state::work() {
  for (;;) {
    try {
      attempt();
      return;
    } catch (const error& why) {
      if (why.kind() == error_kind::not_supported && request.timed && !shares_sessions) {
        shares_sessions = true;
        continue;
      }
      if (!may_pass(why) || source.cancelled()) throw;
      if (!waits_out(why)) return;
      const bool had_a_server = queued && clock::now() - *queued > kOutage;
      if (had_a_server) attempts = patience(limit());
      if (attempts.over()) throw;
    }
    milliseconds pause = attempts.next_pause();
    if (request.timeout) pause = std::clamp(left(), milliseconds(0), pause);
    pollfd stop{leaving.fd(), POLLIN, 0};
    poll(&stop, 1, static_cast<int>(pause.count()));
  }
}

bool turn::state::waits_out(const error& why) {
  const std::lock_guard<std::mutex> lock(mutex);
  connection.reset();
  no_server = first_line(why.what());
  // Who does not wait for a number has not been kept waiting by the server either.
  return !request.timeout || *request.timeout == milliseconds(0) || left() > milliseconds(0);
}

void turn::state::attempt() {
  queued.reset();
  client_options options = request.options;
  options.connect_timeout = attempts.time_per_host();
  options.transaction_pooling = shares_sessions;
  // While it queues, the library itself goes on after a loss.
  options.reconnect_limit = request.connect_timeout.value_or(
      std::max(kPatience, request.timeout.value_or(milliseconds(0))));
  const auto server = std::make_shared<client>(std::move(options));
  {
    const std::lock_guard<std::mutex> lock(mutex);
    connection = server;
    no_server.clear();
  }
  const pool handle = request.create ? server->create_or_open(request.pool, *request.create,
                                                              std::nullopt, request.settings)
                                     : server->open(request.pool);
  queued = clock::now();
  wait_in(handle);
}

void turn::state::wait_in(const pool& handle) {
  if (request.timed) {
    timed_options wish = *request.timed;
    wish.cancellation = source.token();
    if (request.timeout) wish.timeout = std::max(left(), milliseconds(0));
    timed = request.timeout ? handle.try_acquire_timed(wish)
                            : std::optional<timed_lease>(handle.acquire_timed(wish));
    if (timed) number = {timed->index(), timed->fence(), timed->token()};
  } else {
    held = request.timeout ? handle.acquire_for(left(), source.token())
                           : std::optional<lease>(handle.acquire(source.token()));
    if (held) number = {held->index(), held->fence(), {}};
  }
}

int turn::outcome_fd() const noexcept {
  return state_->done.fd();
}
int turn::lost_fd() const noexcept {
  return state_->lost.fd();
}

const held_number* turn::outcome() {
  if (thread_.joinable()) thread_.join();
  if (state_->problem) std::rethrow_exception(state_->problem);
  return state_->number ? &*state_->number : nullptr;
}

std::string turn::no_server() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->no_server;
}

std::string turn::lost_reason() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->reason;
}

bool turn::leave(milliseconds limit) {
  state_->source.cancel();
  state_->leaving.set();
  pollfd waiting{state_->done.fd(), POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(limit.count())) != 1) {
    thread_.detach();
    return false;
  }
  if (thread_.joinable()) thread_.join();
  release();
  return true;
}

void turn::release() noexcept {
  const auto server = state_->current();
  if (!server) return;
  const auto end = clock::now() + kGivingBack;
  while (state_->timed && state_->timed->held() && !server->connected() && clock::now() < end) {
    poll(nullptr, 0, 20);
  }
  server->close();
}

void turn::detach() noexcept {
  if (state_->timed) state_->timed->detach();
}

std::shared_ptr<client> turn::connection() const {
  return state_->current();
}

std::function<waiting_text()> turn::describer() const {
  return [shared = state_] { return shared->describe(); };
}

waiting_text turn::state::describe() const {
  const auto server = current();
  if (!server || !server->connected()) {
    const std::lock_guard<std::mutex> lock(mutex);
    return {"waiting for the server" + (no_server.empty() ? "" : ": " + no_server), ""};
  }
  try {
    const pool handle = server->open(request.pool);
    int position = 0;
    const int own = server->backend_pid();  // 0: nobody can say which of the places is ours
    for (const waiter_info& one : handle.waiters()) {
      if (own != 0 && one.pid == own) position = one.position;
    }
    return describe_queue(handle.status(), position, handle.leases());
  } catch (const error&) {
    // The turn itself meets it, and says so.
    return {"waiting for \"" + request.pool + "\"", ""};
  }
}

void throw_timed_out(const std::string& pool, const turn& queued) {
  const std::string no_server = queued.no_server();
  throw failure(kTimedOut, no_server.empty()
                               ? "timed out waiting for a number of pool \"" + pool + "\""
                               : "timed out waiting for the server: " + no_server);
}

waiting_text describe_queue(const pool_status& pool, int position,
                            const std::vector<lease_info>& leases) {
  waiting_text text;
  text.steady = "waiting for \"" + pool.pool + "\": ";
  if (position > 0) text.steady += "position " + std::to_string(position) + ", ";
  text.steady += std::to_string(pool.in_use) + " of " + std::to_string(pool.size) + " in use";
  const auto longest = std::max_element(
      leases.begin(), leases.end(),
      [](const lease_info& a, const lease_info& b) { return a.held_for < b.held_for; });
  if (longest == leases.end()) return text;
  std::string who = "somebody";  // whom the server hides from this role
  if (longest->user) {
    who = *longest->user;
    if (longest->application && !longest->application->empty()) {
      who += " (" + *longest->application + ")";
    }
  }
  if (longest->pid != 0) who += " in session " + std::to_string(longest->pid);
  text.steady += ", longest held by " + who;
  text.changing =
      " for " + format_duration(std::chrono::duration_cast<milliseconds>(longest->held_for));
  return text;
}

}  // namespace numpool::cli
