// How the help of the command is written.
#pragma once

#include <algorithm>
#include <string>

#include <CLI/CLI.hpp>

namespace numpool::cli {

/// Help with its lines as they are written here, whatever the version of CLI11: from 2.5 on it
/// fills them into paragraphs, and has no "Usage:" before the name.
class help_formatter : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    if (mode == CLI::AppFormatMode::Sub) return CLI::Formatter::make_help(app, name, mode);
    const std::string footer = make_footer(app);
    return make_description(app) + make_usage(app, name) + make_positionals(app) +
           make_groups(app, mode) + make_subcommands(app, mode) +
           (footer.compare(0, 1, "\n") == 0 ? "" : "\n") + footer;
  }

  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = CLI::Formatter::make_usage(app, name);
    if (usage.find("Usage:") != std::string::npos) return usage;
    return "Usage: " + usage.substr(std::min(usage.find_first_not_of('\n'), usage.size()));
  }
};

/// CLI11 does not know of the command behind `--`.
class run_formatter : public help_formatter {
 public:
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: numpool run POOL [OPTIONS] -- COMMAND [ARGUMENT]...\n";
  }
};

}  // namespace numpool::cli
