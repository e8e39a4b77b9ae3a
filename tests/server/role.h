// A role of a test's own.
#pragma once

#include <string>

#include "support/session.h"

namespace numpool_test {

// A role that no other test has, which may make pools, gone at the end of the scope.
class Role {
 public:
  Role() {
    static int made = 0;
    name_ = "role_" + std::to_string(++made) + "_" + std::to_string(observer().pid());
    observer().must("CREATE ROLE " + name_);
    observer().must(
        "GRANT EXECUTE ON FUNCTION numpool_create(text, int, jsonb, boolean, jsonb), "
        "numpool_lease(text, "
        "interval, uuid, interval, text), numpool_keep(text, int, interval, uuid, text) TO " +
        name_);
  }
  ~Role() { observer().run("DROP OWNED BY " + name_ + "; DROP ROLE " + name_); }
  Role(const Role&) = delete;
  Role& operator=(const Role&) = delete;

  const std::string& name() const { return name_; }
  std::string q() const { return "'" + name_ + "'"; }
  // From now on the session is this role's.
  void take(Session& session) const { session.must("SET SESSION AUTHORIZATION " + name_); }

 private:
  std::string name_;
};

}  // namespace numpool_test
