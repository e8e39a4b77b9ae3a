// Watches the server's memory while a mix runs; it must not grow.
#pragma once

#include <string>
#include <vector>

#include "history/run_board.h"
#include "torture/server.h"

namespace numpool_test {

class MemoryWatch {
 public:
  // Once a second.
  void look(const Server& server, const RunBoard& board);
  // Prints it; true if it did not grow.
  bool report() const;

 private:
  // In kB: the anonymous memory of the largest backend of a worker, and of all processes.
  std::vector<long> largest_, all_;
};

}  // namespace numpool_test
