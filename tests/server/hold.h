// Holds a session between the moment when what its transaction did is visible and its COMMIT
// callback (hold_commit_module.cpp).
#pragma once

#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/folder.h"
#include "support/session.h"

namespace numpool_test {

// Keeps a COMMIT of the session from numpool's callback for as long as it lives.
class Hold {
 public:
  // NB: after the session's first use of numpool, so that the module's callback comes before it.
  explicit Hold(Session& session)
      : file_(temporary_folder() + "/hold_commit_" + std::to_string(getpid())) {
    static const std::string module =
        std::filesystem::read_symlink("/proc/self/exe").parent_path().string() + "/hold_commit.so";
    session.must("SELECT numpool_release_all(); LOAD '" + module + "'");
    session.must("SET hold_commit.file = '" + file_ + "'");
  }
  ~Hold() { std::filesystem::remove(file_); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

  // From here on: the session's next COMMIT is the one to hold.
  void begin() const { std::ofstream{file_}; }

 private:
  std::string file_;
};

// Sends the COMMIT and returns when others see what it made true, with its callback still to come.
inline void commit_until(Session& session, const Hold& hold, const std::string& condition) {
  hold.begin();
  session.send("COMMIT");
  REQUIRE(eventually([&] { return observer().value("SELECT " + condition) == "t"; }));
  REQUIRE_FALSE(session.done());
}

}  // namespace numpool_test
