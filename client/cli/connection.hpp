// Where the server is: --url, DATABASE_URL or the PG* variables.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace numpool::cli {

/// Looks up an environment variable; nothing if it is not set.
using environment = std::function<std::optional<std::string>(const char* name)>;

/// The environment of this process.
std::optional<std::string> process_environment(const char* name);

/// The connection string for libpq, in its `key='value'` form.
///
/// `url` (a URI or key=value pairs) counts if it is not empty, else DATABASE_URL if that is set and
/// not empty; what they leave open libpq takes from its own variables.  Else the server is at
/// PGHOST (default localhost), PGPORT (5432), with PGUSER (postgres) and PGDATABASE (postgres);
/// the defaults stay out of the way of PGSERVICE, and that of the host of PGHOSTADDR.
/// `application` becomes application_name unless that is set in any of these ways or by PGAPPNAME.
/// Throws failure(kUsage) for a string that libpq cannot parse; never repeats its text, which may
/// hold a password.
std::string connection_string(const std::string& url, const std::string& application,
                              const environment& env);

}  // namespace numpool::cli
