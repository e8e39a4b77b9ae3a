#include <iostream>
#include <iterator>

#include "commands.hpp"
#include "failure.hpp"

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
  client server(options_for(args));
  print(server.open(*args.pool).metadata().value_or("null") + "\n");
  return 0;
}

int run_metadata_set(const arguments& args) {
  std::optional<std::string> json = args.none ? std::nullopt : args.metadata;
  if (json == "-") json = read_standard_input();
  client server(options_for(args));
  const pool handle = server.open(*args.pool);
  if (!args.expected && !args.expect_none) {
    handle.set_metadata(json);
  } else if (!handle.replace_metadata(args.expected, json)) {
    throw failure(kRefused, "the metadata of pool \"" + *args.pool + "\" are not as expected");
  }
  return 0;
}

}  // namespace numpool::cli
