// The subcommands: the small ones are in commands.cpp, each other one in a file of its own.  Each
// takes the parsed command line and returns the exit status; it throws failure or numpool::error.
#pragma once

#include <numpool/client.hpp>

#include "arguments.hpp"

namespace numpool::cli {

int run_setup(const arguments& args);
int run_create(const arguments& args);
int run_drop(const arguments& args);
int run_resize(const arguments& args);
int run_list(const arguments& args);
int run_status(const arguments& args);
int run_top(const arguments& args);
int run_wait(const arguments& args);
int run_metadata_get(const arguments& args);
int run_metadata_set(const arguments& args);
int run_run(const arguments& args);
int run_lease(const arguments& args);
int run_renew(const arguments& args);
int run_release(const arguments& args);
int run_end_lease(const arguments& args);
int run_service(const arguments& args);
int run_drain(const arguments& args);
int run_slots(const arguments& args);
int run_grant(const arguments& args);
int run_revoke(const arguments& args);
int run_owner(const arguments& args);
int run_configure(const arguments& args);

/// How the subcommands connect.  `application` names them in the server's views.
client_options options_for(const arguments& args, const char* application = "numpool");

/// Writes `text` to standard output; throws failure if it cannot be written whole.
void print(const std::string& text);

}  // namespace numpool::cli
