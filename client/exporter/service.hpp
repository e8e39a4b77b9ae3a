// What is where: the paths of the exporter.
#pragma once

#include <optional>

#include "access.hpp"
#include "database.hpp"
#include "http_server.hpp"

namespace numpool::exporter {

class service {
 public:
  service(access& guard, database& source) : guard_(guard), source_(source) {}

  /// The answer to the call, or nothing while the database is being asked.
  std::optional<http_response> answer(const http_call& call);

 private:
  std::optional<http_response> health(const http_call& call);
  std::optional<http_response> metrics(const http_call& call);
  std::optional<http_response> pools(const http_call& call);
  std::optional<http_response> pool(const http_call& call, const std::string& encoded, bool names);

  access& guard_;
  database& source_;
};

}  // namespace numpool::exporter
