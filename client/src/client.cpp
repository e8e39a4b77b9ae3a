#include <numpool/client.hpp>

#include <utility>

#include <numpool/error.hpp>

#include "access.hpp"
#include "creation.hpp"
#include "engine.hpp"
#include "status_queries.hpp"

namespace numpool {

using detail::statement;

namespace {

constexpr statement kIsInstalled{"SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'numpool'",
                                 -1, false};
// Those that set up at the same moment take turns: IF NOT EXISTS looks too early for that. The key
// of the lock is "numpool" as a number.
constexpr statement kSetup{
    "DO $$ BEGIN PERFORM pg_catalog.pg_advisory_xact_lock(31091360336408428);"
    " CREATE EXTENSION IF NOT EXISTS numpool; END $$",
    -1, false};
constexpr statement kUninstall{"DROP EXTENSION IF EXISTS numpool", -1, false};
constexpr statement kOpen{"SELECT {}numpool_open($1, $2)"};
constexpr statement kDrop{"SELECT {}numpool_drop($1, $2, true)"};
constexpr statement kIsStandby{"SELECT pg_catalog.pg_is_in_recovery()", -1, false};
constexpr statement kList{"SELECT {}numpool_list($1)"};

client_options with_conninfo(std::string_view conninfo) {
  client_options options;
  options.conninfo = conninfo;
  return options;
}

/// libpq passes text as C strings, so the server would see a name only up to a NUL.
std::string checked(std::string_view name) {
  if (name.empty()) throw error(error_kind::invalid_value, "the name of a pool must not be empty");
  if (name.find('\0') != std::string_view::npos)
    throw error(error_kind::invalid_value, "the name of a pool must not contain a NUL character");
  return std::string(name);
}

std::optional<std::string> owned(std::optional<std::string_view> text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

}  // namespace

client::client() : client(client_options()) {}
client::client(std::string_view conninfo) : client(with_conninfo(conninfo)) {}
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
  if (!engine_) detail::client_closed_error().raise();
  return *engine_;
}

void client::setup() const {
  // Where it is there, no right to create it is needed.
  if (!engine().call(kIsInstalled).empty()) return;
  try {
    engine().call(kSetup);
  } catch (const error& why) {
    // Somebody who does not know of the lock did it at the same moment.
    if (why.sqlstate() != "23505" && why.sqlstate() != "42710") throw;
    engine().call(kSetup);
  }
}

void client::uninstall() const {
  engine().call(kUninstall);
}

pool client::create_or_open(std::string_view name, int size,
                            std::optional<std::string_view> metadata,
                            std::optional<std::string_view> settings) const {
  const std::string wanted = checked(name);
  const auto what = std::make_shared<const detail::creation>(
      detail::creation{std::to_string(size), owned(metadata), owned(settings)});
  try {
    // Whoever may use a pool need not have the right to create it.
    engine().call(kOpen, {wanted, what->size});
  } catch (const no_such_pool_error&) {
    detail::create_pool(engine(), wanted, *what, true);
  }
  return detail::access::make_pool(engine_, name,
                                   detail::are_ephemeral(what->settings) ? what : nullptr);
}

pool client::create(std::string_view name, int size, std::optional<std::string_view> metadata,
                    std::optional<std::string_view> settings) const {
  detail::create_pool(engine(), checked(name),
                      {std::to_string(size), owned(metadata), owned(settings)}, false);
  return detail::access::make_pool(engine_, name);
}

pool client::open(std::string_view name) const {
  const std::string wanted = checked(name);
  if (detail::pool_statuses(engine(), wanted).empty()) detail::no_such_pool(wanted).raise();
  return detail::access::make_pool(engine_, name);
}

bool client::drop(std::string_view name, drop_mode mode) const {
  const char* force = mode == drop_mode::force ? "true" : "false";
  return engine().call(kDrop, {checked(name), force}).at(0).at(0) == "t";
}

int client::resize(std::string_view name, int size) const {
  return detail::resize(engine(), checked(name), size);
}

bool client::is_standby() const {
  return engine().call(kIsStandby).at(0).at(0) == "t";
}

std::vector<std::string> client::list(std::string_view prefix) const {
  std::vector<std::string> names;
  for (auto& row : engine().call(kList, {std::string(prefix)}))
    names.push_back(std::move(row.at(0).value()));
  return names;
}

std::vector<pool_status> client::pool_statuses(std::string_view prefix) const {
  return detail::pool_statuses_by_prefix(engine(), std::string(prefix));
}

int client::lease_count() const noexcept {
  return engine_ ? engine_->leases_held.load() : 0;
}

bool client::connected() const noexcept {
  return engine_ && engine_->connected.load();
}

int client::backend_pid() const noexcept {
  return engine_ ? engine_->backend_pid.load() : 0;
}

void client::close() noexcept {
  if (engine_) engine_->close();
}

}  // namespace numpool
