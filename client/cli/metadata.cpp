#include <iostream>
#include <iterator>

#include "commands.hpp"
#include "failure.hpp"
#include "patience.hpp"

namespace numpool::cli {
namespace {

std::string read_standard_input() {
  std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  if (std::cin.bad()) throw_errno("cannot read standard input");
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    throw failure(kUsage, "metadata set: standard input is empty; --none removes the metadata");
  }
  return text;
}

}  // namespace

int run_metadata_get(const arguments& args) {
  std::string json;
  with_server(args, repeat::may_be_in_doubt,
              [&](client& server) { json = server.open(*args.pool).metadata().value_or("null"); });
  print(json + "\n");
  return kSuccess;
}

int run_metadata_set(const arguments& args) {
  std::optional<std::string> json = args.none ? std::nullopt : args.metadata;
  if (json == "-") json = read_standard_input();
  bool done = true;
  // What is set twice is as if it were set once, also where the old value is compared.
  with_server(args, repeat::may_be_in_doubt, [&](client& server) {
    const pool handle = server.open(*args.pool);
    if (!args.expected && !args.expect_none) {
      handle.set_metadata(json);
    } else {
      done = handle.replace_metadata(args.expected, json);
    }
  });
  if (!done) {
    throw failure(kRefused, "the metadata of pool \"" + *args.pool + "\" are not as expected");
  }
  return kSuccess;
}

}  // namespace numpool::cli
