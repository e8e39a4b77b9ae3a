#pragma once

#include <array>
#include <cstddef>

namespace numpool::detail {

/// A statement of the library. "{}" in its text stands for the extension's schema and a dot.
struct statement {
  const char* sql;
  int prepared_slot = -1;       ///< which prepared statement, or -1: parsed each time
  bool needs_extension = true;  ///< not sent before the extension's schema is known
  bool marked = false;          ///< its last value is the session's mark, its last column `ours`
};

/// What an operation sends: a statement and its values, which live as long as the operation. There
/// is room for the mark behind its values.
struct request {
  const statement* what;
  int count;
  std::array<const char*, 6> values;
  std::array<int, 6> lengths{};  ///< of those that are binary
  std::array<int, 6> binary{};   ///< 1 for those that are
};

constexpr std::size_t kPreparedSlots = 7;

// What takes or frees something for this session first asks the server whether the session it runs
// in is this client's own: whether it bears the mark that the client gave it. A pooler that shares
// sessions between clients may put a statement anywhere. In a stranger's session nothing happens,
// and `ours` is false, or the function gets NULL, which is refused with 22004: CASE does not
// evaluate what it does not choose.
#define NUMPOOL_IF_OURS(value, argument)                                                         \
  "CASE WHEN pg_catalog.current_setting('numpool_client.mark', true) = " value " THEN " argument \
  " END"
#define NUMPOOL_OURS(value)                                                           \
  "(SELECT COALESCE(pg_catalog.current_setting('numpool_client.mark', true) = " value \
  ", false)"                                                                          \
  " AS ours OFFSET 0) AS m"

// One composite value, "(ticket,index,fence)": in FROM it would cost a backend a scan and a store
// of rows as well.
constexpr statement kEnqueue{
    "SELECT {}numpool_enqueue(" NUMPOOL_IF_OURS("$2", "$1") "), true AS ours", 0, true, true};
constexpr statement kTryAcquire{
    "SELECT i, {}numpool_fence($1, i), true AS ours"
    " FROM {}numpool_try_acquire(" NUMPOOL_IF_OURS("$2", "$1") ") AS i",
    1, true, true};
// The fence is compared so that a lease of a pool that was dropped, created again and leased again
// on this very session never gives back the newer lease's number. Whether there was anything to
// give back is not asked.
constexpr statement kRelease{
    "SELECT (" NUMPOOL_IF_OURS("$4",
                               "CASE WHEN {}numpool_fence($1, $2) = $3 THEN {}numpool_release($1, "
                               "$2) ELSE false END") ") IS NOT NULL AS ours",
    2, true, true};
constexpr statement kCancel{
    "SELECT CASE WHEN m.ours THEN {}numpool_cancel($1) END, m.ours FROM " NUMPOOL_OURS("$2"), 3,
    true, true};
// The same for the elements of arrays, each with the SQLSTATE of its error.
constexpr statement kEnqueueBatch{
    "SELECT e.ticket, e.index, e.fence, e.sqlstate, true AS ours"
    " FROM {}numpool_enqueue_batch(" NUMPOOL_IF_OURS("$2", "$1::pg_catalog.text[]") ") AS e",
    4, true, true};
constexpr statement kReleaseBatch{
    "SELECT r.released, r.sqlstate, true AS ours FROM {}numpool_release_batch(" NUMPOOL_IF_OURS(
        "$4", "$1::pg_catalog.text[]") ", $2, $3) AS r",
    5, true, true};
constexpr statement kCancelBatch{
    "SELECT c.cancelled, c.sqlstate, true AS ours"
    " FROM {}numpool_cancel_batch(" NUMPOOL_IF_OURS("$2", "$1::pg_catalog.int8[]") ") AS c",
    6, true, true};
constexpr statement kReleaseAll{
    "SELECT CASE WHEN m.ours THEN {}numpool_release_all() END, m.ours FROM " NUMPOOL_OURS("$1"), -1,
    true, true};

constexpr statement kChannel{"SELECT {}numpool_channel()"};
constexpr statement kFindSchema{
    "SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension e"
    " JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'numpool'",
    -1, false};

/// Marks the session. NB: the prefix is not the extension's, which lets no others have settings.
constexpr statement kMark{
    "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(),"
    " pg_catalog.set_config('numpool_client.mark', $1, false)",
    -1, false};
/// Whether the session that runs it is still the one that was marked.
constexpr statement kStillMarked{"SELECT m.ours FROM " NUMPOOL_OURS("$1"), -1, false};
/// Asked in another session: whether it bears this client's mark; it gets another one.
constexpr const char* kWhoseMark =
    "SELECT before.ours, pg_catalog.set_config('numpool_client.mark', 'asked', false) FROM"
    " (SELECT pg_catalog.current_setting('numpool_client.mark', true) = $1 AS ours OFFSET 0)"
    " AS before";
/// Asked in another session: whether this client's backend ($1) is there, and whether it is at work
/// on a statement with $3 in its text, as far as that is shown, since $2 ms or longer. One that
/// waits for its client is not at work. Who may not see, or sees a server that does not keep track,
/// is told that it is.
constexpr const char* kBackendIsAtWork =
    "SELECT pg_catalog.count(*) > 0, pg_catalog.bool_or(state IS NULL OR state = 'disabled'"
    " OR state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'"
    " AND query_start <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $2::int8 "
    "/ 1000.0)"
    " AND (pg_catalog.strpos(query, $3) > 0 OR pg_catalog.starts_with($3, query)))"
    " FROM pg_catalog.pg_stat_activity WHERE pid = $1";
/// The same of a statement with a signature, $1, in whatever session: a pooler has the backends.
constexpr const char* kStatementIsAtWork =
    "SELECT true, pg_catalog.current_setting('track_activities') = 'off' OR EXISTS (SELECT FROM"
    " pg_catalog.pg_stat_activity WHERE state = 'active' AND wait_event_type IS DISTINCT FROM"
    " 'Client' AND pg_catalog.starts_with(query, $1))";
constexpr statement kHeartbeat{"SELECT 1", -1, false};

/// What a client asks first that leaves nothing in the session: kMark without the mark.
constexpr statement kGreet{
    "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(), $1::pg_catalog.text", -1,
    false};
/// Loads the library, if it is there.
constexpr statement kLoad{"SELECT 1 FROM {}numpool_list('numpool') LIMIT 1"};

}  // namespace numpool::detail
