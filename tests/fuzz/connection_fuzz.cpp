// Connection settings of the command line and of the library. The input is lines: --url,
// DATABASE_URL, PGHOST, PGUSER. What libpq reads out of the string that we make must be what it
// reads out of the user's, and a string that is refused, which may hold a password, is not shown.
#include <libpq-fe.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include <numpool/error.hpp>

#include "cli/connection.hpp"
#include "cli/failure.hpp"
#include "pg_conninfo.hpp"

namespace {

using variables = std::map<std::string, std::string>;

variables read_by_libpq(const std::string& text) {
  char* message = nullptr;
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(text.c_str(), &message), &PQconninfoFree);
  PQfreemem(message);
  if (!options) std::abort();
  variables out;
  for (auto* o = options.get(); o->keyword != nullptr; ++o)
    if (o->val != nullptr) out[o->keyword] = o->val;
  return out;
}

void check_library(const std::string& text, const variables& settings) {
  const numpool::detail::connection_parameters parameters(text);
  variables seen;
  for (int i = 0; parameters.keywords()[i] != nullptr; ++i)
    if (!seen.emplace(parameters.keywords()[i], parameters.values()[i]).second) std::abort();
  for (const auto& one : settings)
    if (seen.at(one.first) != one.second) std::abort();
}

/// The message for a short string that is refused: all of them get the same.
std::string refusal_of(const std::string& url) {
  try {
    numpool::cli::connection_string(url, "fuzz", [](const char*) { return std::string("x"); });
  } catch (const numpool::cli::failure& refused) {
    return refused.what();
  }
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream lines(std::string(reinterpret_cast<const char*>(data), size));
  std::string url, line;
  variables env;
  std::getline(lines, url);
  for (const char* name : {"DATABASE_URL", "PGHOST", "PGUSER"})
    if (std::getline(lines, line)) env[name] = line;
  const std::string text = !url.empty() ? url : env["DATABASE_URL"];
  try {
    const std::string made = numpool::cli::connection_string(url, "fuzz", [&](const char* name) {
      const auto found = env.find(name);
      return found == env.end() ? std::nullopt : std::optional<std::string>(found->second);
    });
    const variables settings = read_by_libpq(made);
    if (!text.empty())
      for (const auto& one : read_by_libpq(text))
        if (settings.at(one.first) != one.second) std::abort();
    check_library(made, settings);
  } catch (const numpool::cli::failure& refused) {
    if (refused.what() != refusal_of(url.empty() ? "" : "x")) std::abort();
  }
  try {
    check_library(text, {});
  } catch (const numpool::error&) {
    return 0;
  }
  return 0;
}
