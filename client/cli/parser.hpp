// The parser of the command line, and the structure that it fills; for arguments.cpp and
// operating_arguments.cpp.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "arguments.hpp"

namespace numpool::cli {

using milliseconds = std::chrono::milliseconds;

/// Puts `text` between the options and the examples of a subcommand's help.
void explain(CLI::App* app, const char* text);

/// The number that `text` says with one to five digits, and nothing else; -1: it does not.
int small_number(const std::string& text);

void add_duration(CLI::App* app, const char* name, const char* help,
                  const std::function<void(milliseconds)>& store);

class parser {
 public:
  parser();
  arguments parse(const std::vector<std::string>& words);

 private:
  CLI::App* verb_of(CLI::App* parent, const char* name, const char* help, verb what,
                    const char* examples);
  void add_pool(CLI::App* app, bool required = true);
  void add_json(CLI::App* app) { app->add_flag("--json", result_.json, "Print JSON"); }
  void add_definition_verbs();
  void add_view_verbs();
  void add_metadata_verbs();
  void add_run();
  void add_ttl(CLI::App* app, const char* help);
  void add_token_verbs();
  void add_index(CLI::App* app);
  void add_operating_verbs();
  void add_owning_verbs();
  /// Reads --ephemeral.  Throws failure(kUsage).
  void take_ephemeral();
  void check() const;
  void check_owning() const;

  arguments result_;
  std::string pool_;
  std::string ephemeral_;  // "true" without a value
  CLI::App app_{"Lease numbers from pools that live in PostgreSQL.", "numpool"};
};

}  // namespace numpool::cli
