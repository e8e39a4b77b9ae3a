#include "pair.h"

#include <cstdlib>
#include <utility>

namespace numpool_test {

namespace {

constexpr auto kPatience = 60s;

void wait_until(const std::string& what, Session& session, const std::string& condition) {
  if (!eventually([&] { return session.value("SELECT " + condition) == "t"; }, kPatience))
    throw TestError(what + " takes too long");
}

}  // namespace

Pair::Pair(Server& primary, bool synchronous)
    : primary_(primary),
      synchronous_(synchronous),
      folder_(environment("PGHOST")),
      standby_(environment("NUMPOOL_TMP") + "/standby", primary.port() + 1),
      added_(standby_) {
  make_standby();
  const std::string ports = std::to_string(primary_.port()) + "," + std::to_string(added_.port());
  setenv("PGHOST", (folder_ + "," + folder_).c_str(), 1);
  setenv("PGPORT", ports.c_str(), 1);
  setenv("PGTARGETSESSIONATTRS", "read-write", 1);
}

Pair::~Pair() {
  if (added_.postmaster() > 0 && !added_.stop("fast", 30)) added_.stop("immediate", 30);
  if (added_.gone_within(30)) added_.remove();
}

Session Pair::connect_to(const Server& server) const {
  return Session("host=" + folder_ + " port=" + std::to_string(server.port()) +
                 " target_session_attrs=any connect_timeout=60");
}

void Pair::promote() {
  if (connect_to(standby_).must("SELECT pg_promote(true, 60)", kPatience + 5s).value() != "t")
    throw TestError("the standby is not promoted");
  std::swap(primary_, standby_);
}

void Pair::make_standby() {
  standby_.remove();
  // NB: the copy has no synchronous_standby_names, and so does not wait for a standby of its own
  // once it is promoted.
  if (run_program({"pg_basebackup", "-h", folder_, "-p", std::to_string(primary_.port()), "-U",
                   "postgres", "-D", standby_.data(), "--write-recovery-conf", "--checkpoint=fast",
                   "--no-sync"}) != 0)
    throw TestError("the primary cannot be copied");
  start_standby();
  await_streaming();
  if (synchronous_) make_synchronous();
}

void Pair::stop_standby() {
  if (!standby_.stop("immediate", 30)) throw TestError("the standby does not stop");
}

void Pair::start_standby() {
  if (!standby_.start(60)) throw TestError("the standby does not start");
}

void Pair::await_streaming() const {
  Session session = connect_to(primary_);
  wait_until("streaming", session,
             "count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'");
}

void Pair::make_synchronous() const {
  {
    Session session = connect_to(primary_);
    session.must("ALTER SYSTEM SET synchronous_standby_names = '*'");
    session.must("SELECT pg_reload_conf()");
  }
  // Commits wait for it once the checkpointer has read the setting. A new session that sees it was
  // made when the checkpointer had been told, and a checkpoint comes after its reading.
  if (!eventually(
          [&] { return connect_to(primary_).value("SHOW synchronous_standby_names") == "*"; },
          kPatience))
    throw TestError("the setting takes too long");
  Session session = connect_to(primary_);
  session.must("CHECKPOINT", kPatience);
  // What was flushed without waiting.
  const std::string flushed = session.value("SELECT pg_current_wal_flush_lsn()").value();
  wait_until("replication", session,
             "count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync' AND flush_lsn >= '" +
                 flushed + "'");
}

}  // namespace numpool_test
