// Looks at pools and queues from outside, into a log of its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "history/log.h"
#include "history/worker.h"

namespace numpool_test {

class Watcher {
 public:
  // `tolerant`: the connection may go, and so may the extension.
  Watcher(const std::string& log_file, const std::vector<PoolUnderTest>& pools,
          bool tolerant = false);
  // Looks at each pool once.
  void look();
  void leave() { session_.reset(); }

 private:
  void look_at(std::size_t pool);
  std::optional<Outcome> ask(const std::string& sql);

  Log log_;
  std::vector<PoolUnderTest> pools_;
  bool tolerant_;
  std::optional<Session> session_;
};

}  // namespace numpool_test
