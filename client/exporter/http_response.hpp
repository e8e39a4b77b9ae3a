// Answers of the exporter.
#pragma once

#include <string>

namespace numpool::exporter {

struct http_response {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
  std::string more_headers = {};  ///< whole lines
};

/// A plain answer that says what the status means.
http_response refusal(int status);

/// The bytes to send.  The connection ends with them.
std::string serialized(const http_response& response);

}  // namespace numpool::exporter
