#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include <numpool/cancellation.hpp>
#include <numpool/client.hpp>
#include <numpool/lease.hpp>
#include <numpool/pool.hpp>

namespace numpool::detail {

/// What the library may do with the public classes and nobody else may: the friend of them all.
struct access {
  static lease make_lease(std::shared_ptr<lease_record> record) noexcept {
    return lease(std::move(record));
  }
  static engine& engine_of(const client& of) { return of.engine(); }
  /// With `what` it is ephemeral, and made so when it is gone.
  static pool make_pool(std::shared_ptr<engine> owner, std::string_view name,
                        std::shared_ptr<const creation> what = nullptr) {
    return pool(std::move(owner), name, std::move(what));
  }
  static const std::shared_ptr<lease_record>& record(const lease& of) noexcept {
    return of.record_;
  }
  static timed_lease make_timed(std::shared_ptr<timed_record> record) noexcept {
    return timed_lease(std::move(record));
  }
  static timed_result make_result(timed_lease granted) noexcept {
    return timed_result(std::move(granted));
  }
  static timed_result make_timed_result(const error& why) noexcept { return timed_result(why); }
  static acquire_result make_result(lease granted) noexcept {
    return acquire_result(std::move(granted));
  }
  static acquire_result make_result(const error& why) noexcept { return acquire_result(why); }
  static const std::shared_ptr<cancellation_state>& state(const cancellation_token& of) noexcept {
    return of.state_;
  }
};

}  // namespace numpool::detail
