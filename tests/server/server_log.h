// What the server has logged since a moment.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "support/session.h"

namespace numpool_test {

class ServerLog {
 public:
  ServerLog() : name_(std::getenv("NUMPOOL_SERVER_LOG")), begin_(length()) {}

  std::string text() const {
    return observer()
        .value("SELECT pg_read_file('" + name_ + "', " + std::to_string(begin_) + ", 10000000)")
        .value_or("");
  }
  int count(const std::string& part) const {
    const std::string all = text();
    int times = 0;
    for (std::size_t at = all.find(part); at != std::string::npos; at = all.find(part, at + 1))
      ++times;
    return times;
  }

 private:
  std::int64_t length() const {  // observer() is a superuser
    return observer().number("SELECT size FROM pg_stat_file('" + name_ + "')").value();
  }

  std::string name_;
  std::int64_t begin_;
};

}  // namespace numpool_test
