#include "connection.hpp"

#include <cstdlib>
#include <memory>
#include <string_view>

#include <libpq-fe.h>

#include "failure.hpp"

namespace numpool::cli {
namespace {

using option_list = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

void append(std::string& out, std::string_view key, std::string_view value) {
  if (!out.empty()) out += ' ';
  out.append(key).append("='");
  for (char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  out += '\'';
}

option_list parse(const std::string& text, const char* source) {
  char* message = nullptr;
  option_list options(
      text.find('\0') == std::string::npos ? PQconninfoParse(text.c_str(), &message) : nullptr,
      &PQconninfoFree);
  PQfreemem(message);
  if (!options) {
    throw failure(kUsage, std::string(source) +
                              " is not a connection string: write "
                              "postgresql://user@host:port/database or host=... dbname=...");
  }
  return options;
}

}  // namespace

std::optional<std::string> process_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? std::optional<std::string>(value) : std::nullopt;
}

std::string connection_string(const std::string& url, const std::string& application,
                              const environment& env) {
  const auto is_set = [&](const char* name) {
    const auto value = env(name);
    return value && !value->empty();
  };
  std::string out;
  bool named = is_set("PGAPPNAME");
  const std::string text = !url.empty() ? url : env("DATABASE_URL").value_or("");
  if (!text.empty()) {
    const option_list options = parse(text, url.empty() ? "DATABASE_URL" : "--url");
    for (const PQconninfoOption* o = options.get(); o->keyword; ++o) {
      if (!o->val) continue;
      append(out, o->keyword, o->val);
      named = named || std::string_view(o->keyword) == "application_name";
    }
  } else if (!is_set("PGSERVICE")) {
    if (!is_set("PGHOST") && !is_set("PGHOSTADDR")) append(out, "host", "localhost");
    if (!is_set("PGPORT")) append(out, "port", "5432");
    if (!is_set("PGUSER")) append(out, "user", "postgres");
    if (!is_set("PGDATABASE")) append(out, "dbname", "postgres");
  }
  if (!named) append(out, "application_name", application);
  return out;
}

}  // namespace numpool::cli
