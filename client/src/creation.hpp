#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <numpool/error.hpp>

namespace numpool::detail {

class engine;

/// What a pool is made of.
struct creation {
  std::string size;
  std::optional<std::string> metadata;
  std::optional<std::string> settings;  ///< JSON
};

/// Makes the pool, and returns whether it is new. Throws error_kind::pool_exists for one of another
/// size, and unless `if_not_exists` for any.
bool create_pool(engine& at, const std::string& name, const creation& what, bool if_not_exists);

/// Whether pools of these settings go when nobody uses them.
bool are_ephemeral(const std::optional<std::string>& settings);

/// Times that one call makes its ephemeral pool anew, at most, when somebody has dropped it.
constexpr int kCreations = 8;

/// What `call` returns. If there is no such pool, makes it and calls again; without `what` does
/// not.
template <class Call>
auto with_pool(engine& at, const std::string& name, const std::shared_ptr<const creation>& what,
               Call call) {
  for (int left = what ? kCreations : 0;; --left) {
    try {
      return call();
    } catch (const no_such_pool_error&) {
      if (left == 0) throw;
    }
    create_pool(at, name, *what, true);
  }
}

/// For start_with_pool: with so many times left.
template <class Result, class Start, class Failed>
void start_with_creation(std::shared_ptr<engine> at, std::shared_ptr<const std::string> name,
                         std::shared_ptr<const creation> what, Start start, Failed failed,
                         std::shared_ptr<std::function<void(Result)>> callback, int left) {
  start([=](Result result) {
    const error* why = result.error();
    if (!why || why->kind() != error_kind::no_such_pool || left == 0) {
      (*callback)(std::move(result));
      return;
    }
    try {
      create_pool(*at, *name, *what, true);
      start_with_creation<Result>(at, name, what, start, failed, callback, left - 1);
    } catch (const error& other) {
      (*callback)(failed(other));
    }
  });
}

/// with_pool() where `start` hands its result to a callback, which may wait for the server.
/// `failed` makes a result of an error.
template <class Result, class Start, class Failed>
void start_with_pool(std::shared_ptr<engine> at, std::shared_ptr<const std::string> name,
                     std::shared_ptr<const creation> what, Start start, Failed failed,
                     std::function<void(Result)> callback) {
  if (!what) return start(std::move(callback));
  start_with_creation<Result>(std::move(at), std::move(name), std::move(what), start, failed,
                              std::make_shared<std::function<void(Result)>>(std::move(callback)),
                              kCreations);
}

}  // namespace numpool::detail
