// A server that is not there for a while.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "support/program.h"
#include "support/session.h"

namespace numpool_test {

inline std::string value_of(const char* variable) {
  const char* value = std::getenv(variable);
  REQUIRE(value);
  return value;
}

inline void pg_ctl(const Words& rest) {
  Words command{"pg_ctl", "-D", value_of("PGDATA"), "-l", value_of("NUMPOOL_SERVER_LOG"), "-w"};
  command.insert(command.end(), rest.begin(), rest.end());
  Program ran(command);
  CHECK(ran.wait() == 0);
}

// The server of the tests is down for the life of this, at most.
class outage {
 public:
  outage() {
    observer().close();
    pg_ctl({"-m", "fast", "stop"});
  }
  ~outage() { end(); }
  outage(const outage&) = delete;
  outage& operator=(const outage&) = delete;

  void end() {
    if (!over_) pg_ctl({"start"});
    over_ = true;
  }

 private:
  bool over_ = false;
};

}  // namespace numpool_test
