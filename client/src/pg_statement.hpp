#pragma once

#include <array>
#include <cstddef>

namespace numpool::detail {

/// A statement of the library. "{}" in its text stands for the extension's schema and a dot.
struct statement {
  const char* sql;
  int prepared_slot = -1;       ///< which prepared statement, or -1: parsed each time
  bool needs_extension = true;  ///< not sent before the extension's schema is known
};

constexpr std::size_t kPreparedSlots = 4;

constexpr statement kEnqueue{"SELECT ticket, index, fence FROM {}numpool_enqueue($1)", 0};
constexpr statement kTryAcquire{
    "SELECT i, {}numpool_fence($1, i) FROM {}numpool_try_acquire($1) AS i", 1};
// The fence is compared so that a lease of a pool that was dropped, created again and leased again
// on this very session never gives back the newer lease's number.
constexpr statement kRelease{
    "SELECT CASE WHEN {}numpool_fence($1, $2) = $3 THEN {}numpool_release($1, $2) END", 2};
constexpr statement kCancel{"SELECT {}numpool_cancel($1)", 3};

constexpr statement kReleaseAll{"SELECT {}numpool_release_all()"};
constexpr statement kChannel{"SELECT {}numpool_channel()"};
constexpr statement kFindSchema{
    "SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension e"
    " JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'numpool'",
    -1, false};

}  // namespace numpool::detail
