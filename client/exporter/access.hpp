// Who may ask: the Host that a request is for, and the bearer token.
#pragma once

#include <string>
#include <vector>

#include "http_request.hpp"
#include "settings.hpp"

namespace numpool::exporter {

/// What a request may see.
enum class access_level {
  refused,  ///< it has a wrong token, or lacks one that is needed
  figures,
  names,  ///< also who holds and waits
};

class access {
 public:
  /// Reads the token.  Throws cli::failure where the file is missing, readable for all, or has a
  /// token of less than 16 characters.
  access(const settings& given, int port);

  /// Reads the token again; the old one stays where that fails.
  void reload();

  /// Whether the request is for this server: a browser that was led here by a name of somebody
  /// else's is not (DNS rebinding).
  bool is_for_us(const http_request& request) const;
  access_level level_of(const http_request& request) const;

 private:
  std::string file_;
  std::string token_;  ///< empty: there is none
  bool needs_token_;
  std::vector<std::string> hosts_;
};

}  // namespace numpool::exporter
