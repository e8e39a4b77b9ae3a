// Exit codes, and the one exception that ends the command.
#pragma once

#include <stdexcept>
#include <string>

#include <numpool/error.hpp>

namespace numpool::cli {

/// What `numpool` exits with; the manual page lists the same.  `run` otherwise exits with its
/// command's status, or 128 + n where signal n ended the command or the waiting.
enum exit_code : int {
  kSuccess = 0,
  kRefused = 1,          ///< the server refused the request
  kUsage = 64,           ///< wrong arguments or settings
  kUnavailable = 69,     ///< no server that can be used, or the connection was lost
  kInternal = 70,        ///< the operating system refused something
  kLeaseLost = 74,       ///< the lease was lost (run: its command was ended) or over
  kTimedOut = 75,        ///< not within --timeout: no number, or (drain --wait) not all back
  kNotExecutable = 126,  ///< run: the command was found and cannot be executed
  kNotFound = 127,       ///< run: the command was not found
  kSignalBase = 128,
};

/// Ends the command: what() goes to standard error on one line, code() is the exit status.
class failure : public std::runtime_error {
 public:
  failure(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  int code() const noexcept { return code_; }

 private:
  int code_;
};

/// A failure with kInternal that names `what` and errno.
[[noreturn]] void throw_errno(const std::string& what);

/// Runs `body` and returns what it returns; on an exception prints it as one line on standard
/// error, after "numpool: ", and returns the exit code for it.
int catch_all(int (*body)(void*), void* argument) noexcept;

/// The same for any callable returning int.
template <class F>
int catch_all(F&& body) noexcept {
  return catch_all([](void* f) { return (*static_cast<F*>(f))(); }, &body);
}

/// Under which name this program complains; "numpool" unless told.
void set_program_name(const char* name) noexcept;

/// Prints "numpool: MESSAGE" on standard error as one line, whatever `message` has in it.
void complain(const std::string& message) noexcept;

/// The exit code for an error of the library.
int exit_code_of(const numpool::error& why);

}  // namespace numpool::cli
