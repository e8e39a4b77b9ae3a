// What numpool-exporter was told on its command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace numpool::exporter {

struct settings {
  std::string url;
  std::string address = "127.0.0.1";
  int port = 9788;
  std::string prefix;              ///< of the names of the pools that are shown
  std::vector<std::string> hosts;  ///< more names that Host may have
  std::string token_file;
  std::optional<std::string> text;  ///< what to print and leave: help or the version
};

/// Throws cli::failure(kUsage).
settings parse_settings(const std::vector<std::string>& words);

/// Whether it is an address of the loopback interface.
bool is_loopback(const std::string& address);

}  // namespace numpool::exporter
