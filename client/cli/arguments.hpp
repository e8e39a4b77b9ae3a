// The command line, parsed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace numpool::cli {

enum class verb {
  none,  ///< nothing to run: `text` is what to print
  setup,
  create,
  drop,
  resize,
  list,
  status,
  top,
  wait,
  metadata_get,
  metadata_set,
  run,
  lease,
  renew,
  release,
  end_lease,
  service,
  drain,
  slots,
  grant,
  revoke,
  owner,
  configure,
};

/// What the user asked for.  A member that its subcommand does not take keeps its default.
struct arguments {
  verb what = verb::none;
  std::string text;  ///< of --help or --version

  std::string url;                  ///< --url; empty if not given
  std::optional<std::string> pool;  ///< always set where the subcommand needs one
  std::string prefix;               ///< of list
  int size = 0;                     ///< 1..65536, of create and resize
  std::optional<int> create;        ///< run --create
  std::optional<std::chrono::milliseconds> ephemeral;  ///< run --ephemeral, 1 s to 30 days
  std::optional<std::string> metadata;  ///< JSON; "-" in `metadata set` means standard input
  std::optional<std::string> expected;  ///< metadata set --expect
  bool expect_none = false;             ///< metadata set --expect-none
  bool none = false;                    ///< metadata set --none
  bool force = false;
  bool if_exists = false;
  bool if_not_exists = false;
  bool json = false;
  bool verbose = false;  ///< say what a long wait waits for, also where there is no terminal
  std::optional<std::chrono::milliseconds> connect_timeout;  ///< for a server that is not there
  std::optional<std::chrono::milliseconds> timeout;          ///< run, wait, lease
  std::optional<std::chrono::milliseconds> ttl;              ///< run; of lease always set
  std::optional<std::string> holder;                         ///< lease, run with `ttl`
  bool transaction_pooling = false;                          ///< the same
  std::optional<std::string> token;                          ///< of renew and release always set
  std::chrono::milliseconds grace{10000};                    ///< run
  std::chrono::milliseconds interval{1000};                  ///< top; at least 50 ms
  int index = 0;                                             ///< end-lease, service
  std::optional<std::int64_t> fence;                         ///< end-lease
  bool in_service = false;                                   ///< service --in
  std::optional<std::string> reason;                         ///< service, drain
  bool end = false;                                          ///< drain --end
  bool wait_idle = false;                                    ///< drain --wait
  std::vector<std::string> words;  ///< grant, revoke: roles; configure: a key, its value, and so on
  std::optional<std::string> role;   ///< owner
  std::vector<std::string> command;  ///< run; never empty there
};

/// What --ephemeral means without a time, and the setting where it is true.
constexpr std::chrono::milliseconds kUsualEphemeral = std::chrono::hours(1);

/// Parses the words after the program's name.  Everything behind the first `--` of `run` is the
/// command, word for word.  Throws failure(kUsage) with a line for the user.
arguments parse_arguments(const std::vector<std::string>& words);

}  // namespace numpool::cli
