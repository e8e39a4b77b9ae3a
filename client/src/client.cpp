#include <numpool/client.hpp>

#include <utility>

#include <numpool/error.hpp>

#include "engine.hpp"
#include "status_queries.hpp"

namespace numpool {

using detail::statement;

namespace {

constexpr statement kSetup{"CREATE EXTENSION IF NOT EXISTS numpool", -1, false};
constexpr statement kCleanup{"DROP EXTENSION IF EXISTS numpool", -1, false};
constexpr statement kCreate{"SELECT {}numpool_create($1, $2, $3, $4)"};
constexpr statement kDrop{"SELECT {}numpool_drop($1, $2, true)"};
constexpr statement kList{"SELECT {}numpool_list($1)"};

client_options with_conninfo(const std::string& conninfo) {
  client_options options;
  options.conninfo = conninfo;
  return options;
}

/// libpq passes text as C strings, so the server would see an id only up to a NUL.
const std::string& checked(const std::string& id) {
  if (id.empty()) throw error("the id of a pool must not be empty", errc::invalid_value);
  if (id.find('\0') != std::string::npos)
    throw error("the id of a pool must not contain a NUL character", errc::invalid_value);
  return id;
}

}  // namespace

client::client() : client(client_options()) {}
client::client(const std::string& conninfo) : client(with_conninfo(conninfo)) {}
client::client(client_options options) : engine_(detail::engine::start(std::move(options))) {}

client::~client() {
  close();
  if (engine_ && engine_->forked()) detail::engine::abandon(std::move(engine_));
}

client::client(client&&) noexcept = default;

client& client::operator=(client&& other) noexcept {
  if (this != &other) {
    close();
    if (engine_ && engine_->forked()) detail::engine::abandon(std::move(engine_));
    engine_ = std::move(other.engine_);
  }
  return *this;
}

detail::engine& client::engine() const {
  if (!engine_) throw detail::client_closed_error();
  return *engine_;
}

void client::setup() {
  try {
    engine().call(kSetup);
  } catch (const error& why) {
    // Another session did it at the same moment; IF NOT EXISTS looks too early for that.
    if (why.sqlstate() != "23505" && why.sqlstate() != "42710") throw;
    engine().call(kSetup);
  }
}

void client::cleanup() {
  engine().call(kCleanup);
}

pool client::create_or_open(const std::string& id, int size,
                            const std::optional<std::string>& metadata) {
  engine().call(kCreate, {checked(id), std::to_string(size), metadata, "true"});
  return pool(engine_, id);
}

pool client::create(const std::string& id, int size, const std::optional<std::string>& metadata) {
  engine().call(kCreate, {checked(id), std::to_string(size), metadata, "false"});
  return pool(engine_, id);
}

pool client::open(const std::string& id) {
  if (detail::pool_statuses(engine(), checked(id)).empty()) throw detail::no_such_pool(id);
  return pool(engine_, id);
}

bool client::drop(const std::string& id, drop_mode mode) {
  const char* force = mode == drop_mode::force ? "true" : "false";
  return engine().call(kDrop, {checked(id), force}).at(0).at(0) == "t";
}

int client::resize(const std::string& id, int size) {
  return detail::resize(engine(), checked(id), size);
}

std::vector<std::string> client::list(const std::string& prefix) {
  std::vector<std::string> ids;
  for (auto& row : engine().call(kList, {prefix})) ids.push_back(std::move(row.at(0).value()));
  return ids;
}

std::vector<pool_status> client::pools(const std::string& prefix) {
  return detail::pool_statuses_by_prefix(engine(), prefix);
}

int client::lease_count() const noexcept {
  return engine_ ? engine_->leases_held.load() : 0;
}

bool client::connected() const noexcept {
  return backend_pid() != 0;
}

int client::backend_pid() const noexcept {
  return engine_ ? engine_->backend_pid.load() : 0;
}

void client::close() noexcept {
  if (engine_) engine_->close();
}

}  // namespace numpool
