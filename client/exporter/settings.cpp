#include "settings.hpp"

#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>

#include <numpool/version.hpp>

#include "failure.hpp"
#include "help_formatter.hpp"

namespace numpool::exporter {
namespace {

using cli::failure;

/// Takes "ADDRESS:PORT", "[ADDRESS]:PORT", "ADDRESS" or ":PORT" apart.
void read_listen(const std::string& text, settings* result) {
  std::string address = text;
  std::string port;
  const std::size_t colon = text.rfind(':');
  const bool has_port = colon != std::string::npos && text.find(']', colon) == std::string::npos &&
                        (text.find(':') == colon || text.front() == '[');
  if (has_port) {
    address = text.substr(0, colon);
    port = text.substr(colon + 1);
    const bool digits = !port.empty() && port.size() <= 5 &&
                        port.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || std::stoi(port) > 65535)
      throw failure(cli::kUsage, "--listen: a port is a number from 0 to 65535");
    result->port = std::stoi(port);
  }
  if (address.size() >= 2 && address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  if (address == "localhost") address = "127.0.0.1";
  if (!address.empty()) result->address = address;
}

constexpr char kFooter[] =
    "The server: --url, else DATABASE_URL, else PGHOST (default localhost), PGPORT (5432),\n"
    "PGUSER, PGPASSWORD, PGDATABASE (postgres). Connect as a member of pg_monitor, which is\n"
    "no superuser.\n\n"
    "Examples:\n"
    "  numpool-exporter --url 'user=monitor dbname=app'\n"
    "  numpool-exporter --listen 10.0.0.5:9788 --token-file /etc/numpool/token\n\n"
    "More: man numpool-exporter";

}  // namespace

bool is_loopback(const std::string& address) {
  return address == "::1" || address.compare(0, 4, "127.") == 0;
}

settings parse_settings(const std::vector<std::string>& words) {
  settings result;
  std::string listen;
  CLI::App app("Metrics and a page of the pools of numbers in a PostgreSQL.", "numpool-exporter");
  app.formatter(std::make_shared<cli::help_formatter>());
  app.set_version_flag("--version", std::string("numpool-exporter ") + numpool::version());
  app.add_option("--url", result.url, "Connection string or URI of the server")
      ->type_name("CONNINFO");
  app.add_option("--listen", listen, "Where to listen (default 127.0.0.1:9788)")
      ->type_name("ADDRESS[:PORT]");
  app.add_option("--pools", result.prefix, "Only pools whose names begin so, taken literally")
      ->type_name("PREFIX");
  app.add_option("--token-file", result.token_file, "File with the bearer token")
      ->type_name("FILE");
  app.add_option("--host", result.hosts, "Another name by which clients may ask for this server")
      ->type_name("NAME");
  app.footer(kFooter);
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    result.text = app.help();
    return result;
  } catch (const CLI::CallForVersion& e) {
    result.text = std::string(e.what()) + "\n";
    return result;
  } catch (const CLI::ParseError& e) {
    throw failure(cli::kUsage, std::string(e.what()) + " (try --help)");
  }
  if (!listen.empty()) read_listen(listen, &result);
  if (!is_loopback(result.address) && result.token_file.empty())
    throw failure(cli::kUsage,
                  "to listen on another address than loopback, give a --token-file (and put a TLS "
                  "proxy in front)");
  return result;
}

}  // namespace numpool::exporter
