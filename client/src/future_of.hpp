#pragma once

#include <future>
#include <memory>

#include "error_kinds.hpp"

namespace numpool::detail {

/// What comes of an asynchronous request, as a future; `start` takes the callback.
template <class Lease, class Result, class Start>
std::future<Lease> future_of(Start start) {
  auto promise = std::make_shared<std::promise<Lease>>();
  std::future<Lease> future = promise->get_future();
  start([promise](Result result) {
    if (const error* why = result.error()) {
      promise->set_exception(pointer_to(*why));
    } else {
      promise->set_value(result.get());
    }
  });
  return future;
}

}  // namespace numpool::detail
