// In a session that does not bear the client's mark, its statements do nothing.

#include "fixture.hpp"
#include "pg_connection.hpp"

using namespace numpool::detail;

namespace {

class marked_session : public session {
 public:
  void bear(const std::string& mark) {
    query("SELECT set_config('numpool_client.mark', '" + mark + "', false)");
  }
  /// The last column of the answer, or the SQLSTATE.
  std::string run(const statement& what, std::vector<const char*> values) {
    const std::string sql = text_of(what, "public");
    const result answer(PQexecParams(handle(), sql.c_str(), static_cast<int>(values.size()),
                                     nullptr, values.data(), nullptr, nullptr, 0));
    if (const char* code = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE)) return code;
    return std::string(field(answer, 0, PQnfields(answer.get()) - 1).value_or("null"));
  }
};

}  // namespace

TEST_CASE_FIXTURE(fixture, "nothing is taken or freed in a stranger's session") {
  numpool::pool pool = client.create_or_open(id, 2);
  marked_session one;
  const char* name = id.c_str();
  const std::string pools = "{" + id + "}";
  for (const char* mark : {"", "another"}) {
    CAPTURE(mark);
    if (*mark != '\0') one.bear(mark);
    CHECK(one.run(kEnqueue, {name, "ours"}) == "22004");
    CHECK(one.run(kTryAcquire, {name, "ours"}) == "22004");
    CHECK(one.run(kEnqueueBatch, {pools.c_str(), "ours"}) == "22004");
    CHECK(pool.status().in_use == 0);
    CHECK(pool.status().waiting == 0);
  }
  // A stranger's lease and ticket there.
  one.query("SELECT numpool_acquire('" + id + "') FROM generate_series(1, 2)");
  const std::string fence = one.query("SELECT numpool_fence('" + id + "', 0)").value();
  const std::string ticket = one.query("SELECT ticket FROM numpool_enqueue('" + id + "')").value();
  CHECK(one.run(kRelease, {name, "0", fence.c_str(), "ours"}) == "f");
  CHECK(one.run(kCancel, {ticket.c_str(), "ours"}) == "f");
  CHECK(one.run(kReleaseAll, {"ours"}) == "f");
  const std::string fences = "{" + fence + "}", tickets = "{" + ticket + "}";
  CHECK(one.run(kReleaseBatch, {pools.c_str(), "{0}", fences.c_str(), "ours"}) == "22004");
  CHECK(one.run(kCancelBatch, {tickets.c_str(), "ours"}) == "22004");
  CHECK(pool.status().in_use == 2);
  CHECK(pool.status().waiting == 1);
  // And in its own they do what they are for.
  one.bear("ours");
  CHECK(one.run(kCancel, {ticket.c_str(), "ours"}) == "t");
  CHECK(one.run(kRelease, {name, "0", fence.c_str(), "ours"}) == "t");
  CHECK(pool.status().waiting == 0);
  CHECK(pool.status().in_use == 1);
  CHECK(one.run(kTryAcquire, {name, "ours"}) == "t");
  CHECK(one.run(kReleaseAll, {"ours"}) == "t");
  CHECK(pool.status().in_use == 0);
  CHECK(one.run(kEnqueueBatch, {pools.c_str(), "ours"}) == "t");
  CHECK(pool.status().in_use == 1);
}
