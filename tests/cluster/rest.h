// One request to a REST API on loopback: Patroni's.
#pragma once

#include <string>

namespace numpool_test {

struct Reply {
  int status = 0;  // of HTTP; 0: nobody answered in time
  std::string body;
};

Reply ask(const std::string& address, int port, const std::string& method, const std::string& path,
          const std::string& body = "");

}  // namespace numpool_test
