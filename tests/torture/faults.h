// What the directors of more than one mix do to a server, and see of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "history/event.h"
#include "support/session.h"
#include "torture/server.h"

namespace numpool_test {

// A session of a server that may have to start first. Throws when it has not within five minutes.
// `more` is added to the connection string.
Session connect_in_time(const std::string& more = "");

// Kills a backend, another session's or the clerk, and waits until the server has seen that and
// `session` is lost. When that was asked; nullopt: there was none, or it had just ended by itself.
std::optional<Time> kill_some_backend(const Server& server, Session& session);

// Calls `look` with a session, so long after each other, until `goes_on` is false; with a new
// session where that is lost.
void keep_looking(const std::atomic<bool>& goes_on, Milliseconds pause,
                  const std::function<void(Session&)>& look);

// How many numbers the pool gives to the session, which gives them back. `pool` is an SQL literal.
std::int64_t numbers_given(Session& session, const std::string& pool, int size);

}  // namespace numpool_test
