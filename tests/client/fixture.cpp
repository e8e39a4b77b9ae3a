#include "fixture.hpp"

#include <poll.h>
#include <unistd.h>

std::string fixture::fresh_id() {
  static std::atomic<int> last{0};
  return "test " + std::to_string(::getpid()) + "." + std::to_string(++last);
}

fixture::~fixture() {
  try {
    numpool::client().drop(id, numpool::drop_mode::force);
  } catch (const numpool::error& why) {
    MESSAGE("cannot drop " << id << ": " << why.what());
  }
}

session::session() : handle_(PQconnectdb(""), PQfinish) {
  REQUIRE_MESSAGE(PQstatus(handle_.get()) == CONNECTION_OK, PQerrorMessage(handle_.get()));
  PQsetNoticeReceiver(
      handle_.get(), [](void*, const PGresult*) {}, nullptr);
}

namespace {

using result = std::unique_ptr<PGresult, void (*)(PGresult*)>;

std::optional<std::string> first_field(const result& from) {
  const auto status = PQresultStatus(from.get());
  const bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
  CHECK_MESSAGE(good, PQresultErrorMessage(from.get()));
  if (status != PGRES_TUPLES_OK || PQntuples(from.get()) == 0) return std::nullopt;
  if (PQgetisnull(from.get(), 0, 0)) return std::nullopt;
  return PQgetvalue(from.get(), 0, 0);
}

}  // namespace

std::optional<std::string> session::query(const std::string& sql) {
  return first_field(result(PQexec(handle_.get(), sql.c_str()), PQclear));
}

std::string session::try_query(const std::string& sql) {
  const result answer(PQexec(handle_.get(), sql.c_str()), PQclear);
  const char* code = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
  return code != nullptr ? code : "";
}

void session::send(const std::string& sql) {
  REQUIRE(PQsendQuery(handle_.get(), sql.c_str()));
}

std::optional<std::string> session::answer() {
  std::optional<std::string> first;
  while (PGresult* part = PQgetResult(handle_.get())) first = first_field(result(part, PQclear));
  return first;
}

std::optional<std::string> session::notification(std::chrono::milliseconds within) {
  numpool_test::Limit limit(within);
  while (true) {
    PQconsumeInput(handle_.get());
    if (PGnotify* one = PQnotifies(handle_.get())) {
      std::string payload = one->extra;
      const bool own = one->be_pid == pid();
      PQfreemem(one);
      if (own) return payload;
      continue;
    }
    if (limit.over()) return std::nullopt;
    pollfd fd = {PQsocket(handle_.get()), POLLIN, 0};
    ::poll(&fd, 1, static_cast<int>(limit.left().count()));
  }
}

std::optional<numpool::error_kind> kind_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const numpool::error& why) {
    return why.kind();
  }
  return std::nullopt;
}

std::string sqlstate_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const numpool::error& why) {
    return why.sqlstate();
  }
  return "";
}

numpool::timed_options lasting(std::chrono::milliseconds ttl) {
  numpool::timed_options out;
  out.ttl = ttl;
  return out;
}

void check_cancelled_wait(const numpool::pool& pool) {
  numpool::cancellation_source source;
  numpool::timed_options cancelled = lasting(1h);
  cancelled.cancellation = source.token();
  auto waiting = pool.acquire_timed_future(cancelled);
  REQUIRE(eventually([&] { return pool.status().waiting == 1; }));
  source.cancel();
  CHECK(kind_of([&] { (void)waiting.get(); }) == numpool::error_kind::cancelled);
  CHECK(eventually([&] { return pool.status().waiting == 0; }));
}
