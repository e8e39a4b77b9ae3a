#include "failure.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <numpool/error.hpp>

#include "text.hpp"

namespace numpool::cli {
namespace {

const char* program_name = "numpool";

/// Joins the lines of `text` with "; ".
std::string one_line(const std::string& text) {
  std::string out;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    std::size_t from = text.find_first_not_of(" \t", begin);
    if (from < end) {
      if (!out.empty()) out += "; ";
      out += text.substr(from, end - from);
    }
    begin = end + 1;
  }
  return out;
}

std::string describe(const numpool::error& e) {
  std::string text = e.what();
  if (e.kind() == error_kind::not_installed) {
    return text + " (run \"numpool setup\" to install the extension)";
  }
  std::string more = e.detail();
  if (!e.hint().empty()) more += (more.empty() ? "" : " ") + e.hint();
  return more.empty() ? text : text + " (" + more + ")";
}

}  // namespace

void set_program_name(const char* name) noexcept {
  program_name = name;
}

void throw_errno(const std::string& what) {
  throw failure(kInternal, what + ": " + std::strerror(errno));
}

int exit_code_of(const numpool::error& why) {
  switch (why.kind()) {
    case error_kind::cannot_connect:
    case error_kind::connection_lost:
    case error_kind::client_closed:
      return kUnavailable;
    case error_kind::timed_out:
      return kTimedOut;
    default: {
      // Also a standby, and a node without the library: another one would do it.
      for (const char* code : {"57P01", "57P02", "57P03", "53300", "25006", "58P01"}) {
        if (why.sqlstate() == code) return kUnavailable;
      }
      return why.sqlstate().compare(0, 2, "08") == 0 ? kUnavailable : kRefused;
    }
  }
}

void complain(const std::string& message) noexcept {
  try {
    // A backslash of a message is its own: only what could break the line is escaped.
    std::string line = std::string(program_name) + ": ";
    for (char c : one_line(message)) line += c == '\\' ? std::string(1, c) : printable({&c, 1});
    line += '\n';
    // One write, so that lines of several processes do not mix.
    if (write(STDERR_FILENO, line.data(), line.size()) < 0) return;
  } catch (...) {
    return;
  }
}

int catch_all(int (*body)(void*), void* argument) noexcept {
  try {
    return body(argument);
  } catch (const failure& e) {
    complain(e.what());
    return e.code();
  } catch (const numpool::error& e) {
    complain(describe(e));
    return exit_code_of(e);
  } catch (const std::exception& e) {
    complain(e.what());
    return kInternal;
  }
}

}  // namespace numpool::cli
