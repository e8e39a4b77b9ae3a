#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <numpool/options.hpp>

#include "callback_thread.hpp"
#include "pg_conninfo.hpp"
#include "helm.hpp"
#include "io_event.hpp"
#include "io_operation.hpp"
#include "library_thread.hpp"

namespace numpool::detail {

class io_loop;

/// The part of a client that any thread may touch: the helm with its inbox, the callback thread,
/// and the books that are read without asking the server. Pools, leases and calls share it; after
/// close() it is an empty shell that refuses everything.
///
/// Lock order: none. No function here calls out, or takes a second lock, while it holds one.
class engine : public std::enable_shared_from_this<engine> {
 public:
  /// Connects. Throws what the first attempt failed with.
  static std::shared_ptr<engine> start(client_options options);

  explicit engine(client_options options);  ///< for start()
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Hands `op` to whoever is at the helm. Throws error_kind::client_closed.
  void submit(std::shared_ptr<operation> op);

  /// The same; or this thread takes the helm and sends `op` itself. Returns at once.
  void post(const std::shared_ptr<operation>& op);

  /// The same; and if this thread takes the helm, it stays there until op->over(), the deadline, or
  /// somebody else's need of the connection. So the caller still waits when this has returned.
  void drive(const std::shared_ptr<operation>& op,
             std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt);

  /// Has op->withdrawn() called by whoever is at the helm. Without effect after close().
  void withdraw(std::shared_ptr<operation> op) noexcept;

  /// Runs one statement and waits for its rows. Throws what went wrong.
  rows call(const statement& what, std::vector<std::optional<std::string>> values = {});

  void close() noexcept;

  const client_options& options() const { return options_; }
  /// Whether no two statements may count on the same session.
  bool shares_sessions() const { return options_.transaction_pooling; }
  /// Throws error_kind::not_supported if what belongs to a session cannot be had.
  void need_own_session() const;
  const connection_parameters& parameters() const { return parameters_; }
  /// How long one host may take.
  std::chrono::milliseconds time_per_host() const {
    if (const auto own = parameters_.connect_timeout()) return *own;
    return options_.connect_timeout;
  }
  callback_thread& callbacks() { return callbacks_; }

  /// Whether this is a copy that fork() made. Then close(), the destructor and submit() do nothing,
  /// and the copy is to be left alone: see abandon().
  bool forked() const noexcept { return fork_depth_ != fork_depth(); }
  /// Keeps `copy`, which is forked(), from being destroyed.
  static void abandon(std::shared_ptr<engine> copy);

  /// Readable for ever once close() began.
  int closed_fd() const { return closed_.fd(); }

  std::atomic<int> leases_held{0};
  std::atomic<bool> connected{false};  ///< by a connection that can be used
  std::atomic<int> backend_pid{0};     ///< 0 unless connected, and where there is no one backend
  std::atomic<int> session_pid{0};     ///< of the last session that there was

 private:
  friend class io_loop;

  /// Whether this thread is at the helm now; else `op` is in the inbox.
  bool take_helm(const std::shared_ptr<operation>& op);

  const client_options options_;
  const connection_parameters parameters_;
  const unsigned fork_depth_ = fork_depth();
  callback_thread callbacks_;
  event closed_;
  helm helm_;
  io_loop* loop_ = nullptr;  ///< for who is at the helm

  std::promise<void> first_attempt_;
  std::mutex thread_mutex_;  ///< guards thread_; held while joining
  std::thread thread_;
  std::atomic<std::thread::id> io_thread_{};
};

/// The error of every call that close() ended or that came after it.
error client_closed_error();

}  // namespace numpool::detail
