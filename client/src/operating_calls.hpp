#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine.hpp"

namespace numpool::detail {

/// numpool_end_lease. False: there is no lease of the number, or none with that fence.
bool end_lease(engine& at, const std::string& pool, int index, std::optional<std::int64_t> fence);

/// numpool_set_service. Whether that changed anything.
bool set_service(engine& at, const std::string& pool, int index, bool in_service,
                 const std::optional<std::string>& reason);

/// numpool_drain. The same.
bool drain(engine& at, const std::string& pool, bool drained,
           const std::optional<std::string>& reason);

/// numpool_wait_idle: it waits on the server. False when the timeout has passed.
bool wait_idle(engine& at, const std::string& pool,
               std::optional<std::chrono::milliseconds> timeout);

/// numpool_settings: all settings, as JSON.
std::string settings(engine& at, const std::string& pool);
/// numpool_configure: the same, with those that `changes` has changed.
std::string configure(engine& at, const std::string& pool, const std::string& changes);

/// numpool_grant and numpool_revoke: all of the roles, or none.
void grant(engine& at, const std::string& pool, const std::vector<std::string>& roles);
void revoke(engine& at, const std::string& pool, const std::vector<std::string>& roles);
/// numpool_set_owner.
void set_owner(engine& at, const std::string& pool, const std::string& role);

/// A row of numpool_slots. What is empty is not known, or does not apply.
struct slot_info {
  int index = 0;
  std::string state;  ///< "leased", "free", "out of service", "resting"
  std::optional<std::chrono::microseconds> lasted;     ///< since it is so, by the server's clock
  std::optional<std::chrono::microseconds> time_left;  ///< of a timed lease, or of the rest
  std::optional<std::string> reason;
  std::optional<std::int64_t> fence;
  std::optional<int> pid;  ///< of who has it, or had it last
  std::optional<std::string> user;
  std::optional<std::string> last_end;  ///< how the last lease ended
};
std::vector<slot_info> slots(engine& from, const std::string& pool);
/// Those that rest and, `with_service`, those that are out of service and that nobody has.
std::vector<slot_info> kept_back(engine& from, const std::string& pool, bool with_service);

}  // namespace numpool::detail
