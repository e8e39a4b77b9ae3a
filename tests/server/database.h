// A database of a test's own, with the extension in it.
#pragma once

#include <string>

#include "support/session.h"

namespace numpool_test {

class Database {
 public:
  // `options` are of CREATE DATABASE.
  explicit Database(const std::string& options = "") {
    drop();
    observer().must("CREATE DATABASE numpool_test_database " + options);
    Session(kWhere).must("CREATE EXTENSION numpool");
  }
  ~Database() { drop(); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  static constexpr const char* kWhere = "dbname=numpool_test_database";

 private:
  static void drop() {
    observer().run("DROP DATABASE IF EXISTS numpool_test_database WITH (FORCE)");
  }
};

// Whether the session is in a queue, or gets there soon, as a session of its database sees it.
inline bool waits_in_queue(Session& witness, const Session& waiter) {
  return eventually([&] {
    return witness.number("SELECT count(*) FROM numpool_waiters WHERE pid = " +
                          std::to_string(waiter.pid())) == 1;
  });
}

// Whether the backend waits for a heavyweight lock, or does so soon.
inline bool waits_for_lock(const Session& session) {
  return eventually([&] {
    return observer().number("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = " +
                             std::to_string(session.pid())) != 0;
  });
}

}  // namespace numpool_test
