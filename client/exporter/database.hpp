// The exporter's one connection to the database, which never blocks.  Whoever asks gets an answer
// that is at most a moment old, so however many ask, the database is asked once a moment.
#pragma once

#include <poll.h>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clock.hpp"
#include "figures.hpp"
#include "pg_connecting.hpp"

namespace numpool::exporter {

/// An answer: `figures` if it is there, `failed` if there will be none.
template <class T>
struct look {
  const T* figures = nullptr;
  bool failed = false;
};

class database {
 public:
  /// Connects later, by the string for libpq.
  database(const std::string& conninfo, std::string prefix);
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  /// What there is for who has asked at `asked`; asks the database if that is too old.
  look<all_figures> pools(steady_time asked);
  look<pool_detail> pool(const std::string& name, steady_time asked);
  /// Why there is no answer; empty while there is one.
  const std::string& error() const noexcept { return error_; }

  void add_polled(std::vector<pollfd>* polled) const;
  std::optional<steady_time> next_deadline() const;
  /// Goes on without waiting.  Throws cli::failure where this role must not be used: a superuser,
  /// or no member of pg_monitor.
  void go_on();

 private:
  enum class state { away, connecting, idle, asking };
  enum class question { role, pools, memory, holders, queue, withheld };
  struct job {
    question first;
    std::string pool;  ///< of holders and queue
  };
  template <class T>
  struct dated {
    T figures;
    steady_time asked;
  };
  using result = std::unique_ptr<PGresult, decltype(&PQclear)>;

  void connect();
  void go_on_connecting();
  void lose(const std::string& why);
  void begin_next_job();
  void ask(question what);
  bool take_failure(const PGresult* answer);
  void take(const PGresult* answer);
  void take_role(const PGresult* answer);
  void take_pools(const PGresult* answer);
  void finish_job();
  bool wants(question what, const std::string& pool) const;
  bool failed_since(steady_time asked) const;

  PGconn* handle() const { return connection_->handle(); }
  bool withholds_some(const std::string& pool) const;

  const detail::connection_parameters parameters_;
  std::string prefix_;
  std::optional<detail::connecting> attempt_;  ///< while it is connecting
  std::optional<detail::connection> connection_;
  state is_ = state::away;
  steady_time deadline_;  ///< of what is under way
  std::string schema_;    ///< quoted, with a dot
  std::deque<job> jobs_;  ///< the first is under way if is_ == asking
  question asking_ = question::role;
  steady_time asked_;  ///< when the first job was begun
  all_figures new_pools_;
  pool_detail new_detail_;
  std::optional<dated<all_figures>> pools_;
  std::map<std::string, dated<pool_detail>> details_;
  std::optional<steady_time> failed_at_;  ///< when somebody last waited in vain
  std::string error_;
};

}  // namespace numpool::exporter
