#include "database.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "failure.hpp"

namespace numpool::exporter {
namespace {

using namespace std::chrono_literals;
using cli::failure;
using std::chrono::duration_cast;
using std::chrono::microseconds;

// An answer may be so old: the page asks each 2 s.
constexpr auto kFresh = 1s;
// For each host, unless the connection string says.
constexpr auto kConnectTime = 5s;
// The server ends a statement a little earlier by itself.
constexpr auto kAskTime = 6s;
constexpr auto kRetryTime = 1s;
constexpr auto kKeepDetail = 10s;
constexpr std::size_t kMaxDetails = 32;

// Times come as whole microseconds, which any locale and DateStyle leave alone.
#define MICROSECONDS(time) "(pg_catalog.date_part('epoch', " time ") * 1000000)::pg_catalog.int8"
#define SINCE(time) MICROSECONDS("pg_catalog.clock_timestamp() - " time)

constexpr char kRole[] =
    "SET statement_timeout = '5s'; SET default_transaction_read_only = on; SET client_encoding = "
    "utf8;"
    "SET client_min_messages = error;"
    "SELECT pg_catalog.current_setting('is_superuser') = 'on',"
    " pg_catalog.pg_has_role(current_user, 'pg_monitor', 'usage'), current_user,"
    " (SELECT pg_catalog.quote_ident(n.nspname) || '.' FROM pg_catalog.pg_extension e"
    " JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'numpool')";

constexpr char kPools[] =
    "SELECT pool, size, in_use, free, waiting, timed, out_of_service, resting,"
    " drained::pg_catalog.int4, " SINCE("waiting_since") ","
    " grants, handoffs, timeouts, cancels, expired, ended, deaths, deadlocks,"
    " " MICROSECONDS("wait_total") ", " MICROSECONDS("wait_longest") ","
    " pg_catalog.array_to_string(wait_counts, ' '), " MICROSECONDS("wait_sum") ","
    " " MICROSECONDS("counting_since") ", pg_catalog.count(*) OVER ()"
    " FROM {}numpool_show_counters() WHERE pg_catalog.starts_with(pool, $1) ORDER BY pool"
    " LIMIT $2::pg_catalog.int4";

constexpr char kMemory[] =
    "SELECT size, used, idle, free, largest_pool, pools, max_pools, tickets, max_tickets,"
    " pg_catalog.pg_is_in_recovery() FROM {}numpool_memory";

constexpr char kHolders[] =
    "SELECT index, pid, " SINCE("acquired_at") ","
    " " MICROSECONDS("expires_at - pg_catalog.clock_timestamp()") ", scope, state, usename,"
    " application_name, pg_catalog.host(client_addr), holder"
    " FROM {}numpool_leases WHERE pool = $1 ORDER BY index LIMIT $2::pg_catalog.int4";

constexpr char kQueue[] =
    "SELECT position, pid, " SINCE("since") ", kind, usename, application_name, holder"
    " FROM {}numpool_waiters WHERE pool = $1 ORDER BY position LIMIT $2::pg_catalog.int4";

constexpr char kWithheld[] =
    "SELECT index, state FROM {}numpool_slots($1) WHERE state IN ('out of service', 'resting')"
    " ORDER BY index LIMIT $2::pg_catalog.int4";

/// Reads the columns of a row from left to right.
class columns {
 public:
  columns(const PGresult* from, int row) : from_(from), row_(row) {}

  std::optional<std::string> text() {
    const int column = column_++;
    if (PQgetisnull(from_, row_, column)) return std::nullopt;
    return std::string(PQgetvalue(from_, row_, column));
  }
  std::optional<std::int64_t> number() {
    const auto value = text();
    if (!value) return std::nullopt;
    return std::strtoll(value->c_str(), nullptr, 10);
  }
  bool truth() { return text() == "t"; }

 private:
  const PGresult* from_;
  int row_;
  int column_ = 0;
};

std::vector<std::int64_t> numbers_of(const std::string& text) {
  std::vector<std::int64_t> numbers;
  const char* at = text.c_str();
  while (*at != '\0') {
    char* end = nullptr;
    numbers.push_back(std::strtoll(at, &end, 10));
    if (end == at) return {};
    at = end;
  }
  return numbers;
}

pool_figures read_pool(columns& row) {
  pool_figures pool;
  pool.name = row.text().value_or("");
  pool.size = row.number().value_or(0);
  for (auto member :
       {&pool_figures::in_use, &pool_figures::free, &pool_figures::waiting, &pool_figures::timed,
        &pool_figures::out_of_service, &pool_figures::resting, &pool_figures::drained,
        &pool_figures::oldest_wait, &pool_figures::grants, &pool_figures::handoffs,
        &pool_figures::timeouts, &pool_figures::cancels, &pool_figures::expired,
        &pool_figures::ended, &pool_figures::deaths, &pool_figures::deadlocks,
        &pool_figures::wait_total, &pool_figures::wait_longest})
    pool.*member = row.number();
  pool.wait_counts = numbers_of(row.text().value_or(""));
  if (pool.wait_counts.size() != std::size(kBounds) + 1) pool.wait_counts.clear();
  pool.wait_sum = row.number().value_or(0);
  pool.counting_since = row.number();
  return pool;
}

memory_figures read_memory(columns& row) {
  memory_figures memory;
  for (auto member :
       {&memory_figures::size, &memory_figures::used, &memory_figures::idle, &memory_figures::free,
        &memory_figures::largest_pool, &memory_figures::pools, &memory_figures::max_pools,
        &memory_figures::tickets, &memory_figures::max_tickets})
    memory.*member = row.number();
  return memory;
}

holder read_holder(columns row) {
  holder one;
  one.index = row.number().value_or(0);
  one.pid = row.number();
  one.age = row.number();
  one.left = row.number();
  one.scope = row.text().value_or("");
  one.state = row.text().value_or("");
  one.user = row.text();
  one.application = row.text();
  one.client = row.text();
  one.holder = row.text();
  return one;
}

waiting read_waiting(columns row) {
  waiting one;
  one.position = row.number().value_or(0);
  one.pid = row.number();
  one.age = row.number();
  one.kind = row.text().value_or("");
  one.user = row.text();
  one.application = row.text();
  one.holder = row.text();
  return one;
}

withheld_number read_withheld(columns row) {
  withheld_number one;
  one.index = row.number().value_or(0);
  one.state = row.text().value_or("");
  return one;
}

}  // namespace

database::database(const std::string& conninfo, std::string prefix)
    : parameters_(conninfo), prefix_(std::move(prefix)) {}

database::~database() = default;

bool database::wants(question what, const std::string& pool) const {
  return std::any_of(jobs_.begin(), jobs_.end(),
                     [&](const job& each) { return each.first == what && each.pool == pool; });
}

bool database::failed_since(steady_time asked) const {
  return failed_at_ && *failed_at_ >= asked - kFresh;
}

look<all_figures> database::pools(steady_time asked) {
  if (pools_ && pools_->asked >= asked - kFresh) return {&pools_->figures, false};
  if (failed_since(asked)) return {nullptr, true};
  // Before those for one pool, of which there may be many.
  if (!wants(question::pools, ""))
    jobs_.insert(jobs_.begin() + (is_ == state::asking ? 1 : 0), {question::pools, ""});
  return {};
}

look<pool_detail> database::pool(const std::string& name, steady_time asked) {
  const auto known = details_.find(name);
  if (known != details_.end() && known->second.asked >= asked - kFresh)
    return {&known->second.figures, false};
  if (failed_since(asked)) return {nullptr, true};
  if (!wants(question::holders, name)) jobs_.push_back({question::holders, name});
  return {};
}

void database::add_polled(std::vector<pollfd>* polled) const {
  if (is_ == state::away) return;
  if (is_ == state::connecting)
    polled->push_back({attempt_->socket(), attempt_->events(), 0});
  else
    polled->push_back({connection_->socket(), POLLIN, 0});
}

std::optional<steady_time> database::next_deadline() const {
  if (is_ == state::connecting) return attempt_->socket() < 0 ? now() : attempt_->deadline();
  if (is_ == state::asking) return deadline_;
  if (jobs_.empty()) return std::nullopt;
  if (is_ == state::away && failed_at_) return *failed_at_ + kRetryTime;
  return now();
}

void database::lose(const std::string& why) {
  error_ = why;
  while (!error_.empty() && error_.back() == '\n') error_.pop_back();
  attempt_.reset();
  connection_.reset();
  // Nothing was under way on a connection that was good: whoever asks is answered by the next one.
  const bool was_new = !jobs_.empty() && jobs_.front().first == question::role;
  if (std::exchange(is_, state::away) == state::idle && !was_new) return;
  jobs_.clear();
  failed_at_ = now();
}

void database::connect() {
  attempt_.emplace(parameters_, parameters_.connect_timeout().value_or(kConnectTime));
  is_ = state::connecting;
}

void database::go_on_connecting() {
  // A connection that failed at once has no socket.
  pollfd ready{attempt_->socket(), attempt_->events(), 0};
  const bool can_go_on = ready.fd < 0 || poll(&ready, 1, 0) > 0;
  if (!can_go_on && now() < attempt_->deadline()) return;
  switch (attempt_->go_on(can_go_on)) {
    case detail::connecting::outcome::pending:
      return;
    case detail::connecting::outcome::failed:
      return lose(attempt_->failure().what());
    case detail::connecting::outcome::connected:
      connection_.emplace(attempt_->take());
      attempt_.reset();
      PQsetErrorVerbosity(handle(), PQERRORS_DEFAULT);
      PQsetnonblocking(handle(), 1);
      jobs_.push_front({question::role, ""});
      is_ = state::idle;
  }
}

void database::go_on() {
  if (is_ == state::away && !jobs_.empty() && (!failed_at_ || now() >= *failed_at_ + kRetryTime))
    connect();
  if (is_ == state::connecting) go_on_connecting();
  if (is_ == state::idle || is_ == state::asking) {
    if (!PQconsumeInput(handle())) return lose(connection_->message());
  }
  while (is_ == state::idle || is_ == state::asking) {
    if (is_ == state::idle) {
      if (jobs_.empty()) break;
      begin_next_job();
      continue;
    }
    PQflush(handle());
    if (PQisBusy(handle())) break;
    const result answer(PQgetResult(handle()), &PQclear);
    if (answer == nullptr) {
      finish_job();
      continue;
    }
    const ExecStatusType status = PQresultStatus(answer.get());
    if (status == PGRES_TUPLES_OK)
      take(answer.get());
    else if (status != PGRES_COMMAND_OK && !take_failure(answer.get()))
      lose(PQresultErrorMessage(answer.get()));
  }
  if (is_ == state::asking && now() >= deadline_) lose("the server does not answer");
}

void database::begin_next_job() {
  asked_ = now();
  is_ = state::asking;
  ask(jobs_.front().first);
}

void database::ask(question what) {
  asking_ = what;
  deadline_ = now() + kAskTime;
  const char* text = what == question::pools     ? kPools
                     : what == question::memory  ? kMemory
                     : what == question::holders ? kHolders
                     : what == question::queue   ? kQueue
                                                 : kWithheld;
  std::string sql = what == question::role ? kRole : text;
  const std::size_t schema = sql.find("{}");
  if (schema != std::string::npos) sql.replace(schema, 2, schema_);
  const std::string limit = std::to_string(what == question::pools ? kMaxPools : kMaxRows);
  const std::string& name = what == question::pools ? prefix_ : jobs_.front().pool;
  const char* parameters[] = {name.c_str(), limit.c_str()};
  const bool plain = what == question::role || what == question::memory;
  const int sent =
      plain ? PQsendQuery(handle(), sql.c_str())
            : PQsendQueryParams(handle(), sql.c_str(), 2, nullptr, parameters, nullptr, nullptr, 0);
  if (sent == 0) lose(connection_->message());
}

void database::take_role(const PGresult* answer) {
  columns row(answer, 0);
  const bool is_superuser = row.truth();
  const bool monitors = row.truth();
  const std::string role = row.text().value_or("");
  if (is_superuser)
    throw failure(cli::kRefused, "role \"" + role +
                                     "\" is a superuser; connect as a role that is only a member "
                                     "of pg_monitor");
  if (!monitors) throw failure(cli::kRefused, "role \"" + role + "\" is no member of pg_monitor");
  const auto schema = row.text();
  if (!schema) return lose("the extension numpool is not installed in this database");
  schema_ = *schema;
}

void database::take_pools(const PGresult* answer) {
  new_pools_ = {};
  const int count = PQntuples(answer);
  for (int i = 0; i < count; ++i) {
    columns row(answer, i);
    new_pools_.pools.push_back(read_pool(row));
    new_pools_.left_out = row.number().value_or(count) - count;
  }
}

void database::take(const PGresult* answer) {
  const int count = PQntuples(answer);
  switch (asking_) {
    case question::role:
      return take_role(answer);
    case question::pools:
      return take_pools(answer);
    case question::memory: {
      columns row(answer, 0);
      new_pools_.memory = read_memory(row);
      new_pools_.standby = row.truth();
      return;
    }
    case question::holders:
      new_detail_ = {};
      for (int i = 0; i < count; ++i) new_detail_.holders.push_back(read_holder({answer, i}));
      return;
    case question::queue:
      for (int i = 0; i < count; ++i) new_detail_.queue.push_back(read_waiting({answer, i}));
      return;
    case question::withheld:
      for (int i = 0; i < count; ++i) new_detail_.withheld.push_back(read_withheld({answer, i}));
      return;
  }
}

// The pool may be gone by now, or be locked: its other figures are told all the same.
bool database::take_failure(const PGresult* answer) {
  const char* severity = PQresultErrorField(answer, PG_DIAG_SEVERITY_NONLOCALIZED);
  return asking_ == question::withheld && severity != nullptr &&
         std::string_view(severity) == "ERROR";
}

// Whether there may be numbers that are neither leased nor free. To look at each of a large pool is
// dear. Leases above the size of one that has shrunk may hide them, so small ones are looked at.
bool database::withholds_some(const std::string& pool) const {
  if (!pools_) return false;
  for (const pool_figures& each : pools_->figures.pools)
    if (each.name == pool)
      return each.size <= kMaxRows || each.in_use.value_or(0) + each.free.value_or(0) != each.size;
  return false;
}

// The answer to a question has been read to its end.
void database::finish_job() {
  if (asking_ == question::pools) return ask(question::memory);
  if (asking_ == question::holders) return ask(question::queue);
  if (asking_ == question::queue && withholds_some(jobs_.front().pool))
    return ask(question::withheld);
  is_ = state::idle;
  error_.clear();
  if (asking_ == question::memory) {
    new_pools_.took = duration_cast<microseconds>(now() - asked_).count();
    pools_ = {std::move(new_pools_), asked_};
    new_pools_ = {};
  } else if (asking_ == question::queue || asking_ == question::withheld) {
    const steady_time time = now();
    for (auto at = details_.begin(); at != details_.end();)
      at = at->second.asked + kKeepDetail < time || details_.size() >= kMaxDetails
               ? details_.erase(at)
               : std::next(at);
    details_[jobs_.front().pool] = {std::move(new_detail_), asked_};
    new_detail_ = {};
  }
  jobs_.pop_front();
}

}  // namespace numpool::exporter
