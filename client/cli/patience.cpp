#include "patience.hpp"

#include <netdb.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

#include <numpool/error.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "text.hpp"
#include "waiting_line.hpp"

namespace numpool::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestPause{1000};
constexpr milliseconds kLongestSilence{15000};  // client_options::connect_timeout
constexpr milliseconds kShortestSilence{1000};

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

/// The directory of a Unix socket is there, but not the socket: the server is down, or on its way.
bool misses_socket_only(const std::string& message) {
  constexpr std::string_view kBefore = "on socket \"";
  const std::size_t begin = message.find(kBefore);
  if (begin == std::string::npos || !contains(message, std::strerror(ENOENT))) return false;
  const std::size_t from = begin + kBefore.size();
  const std::size_t slash = message.rfind('/', message.find('"', from));
  if (slash == std::string::npos || slash <= from) return false;
  struct stat found {};
  return stat(message.substr(from, slash - from).c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

/// libpq has no code for why there is no connection, but its message repeats what the system's
/// functions say in this locale.
bool not_reached(const std::string& message) {
  for (int code : {ECONNREFUSED, ECONNRESET, ECONNABORTED, ETIMEDOUT, EHOSTUNREACH, EHOSTDOWN,
                   ENETUNREACH, ENETDOWN, EPIPE, EAGAIN}) {
    if (contains(message, std::strerror(code))) return true;
  }
  return contains(message, gai_strerror(EAI_AGAIN)) || misses_socket_only(message) ||
         contains(message, "timeout while connecting") ||
         contains(message, "server closed the connection unexpectedly");
}

bool passes(std::string_view sqlstate) {
  for (const char* code : {"53300", "57P01", "57P02", "57P03", "25006", "58P01"}) {
    if (sqlstate == code) return true;
  }
  return false;
}

}  // namespace

bool in_doubt(const error& why) {
  return why.kind() == error_kind::connection_lost;
}

bool may_pass(const error& why) {
  if (in_doubt(why) || passes(why.sqlstate())) return true;
  return why.kind() == error_kind::cannot_connect && not_reached(why.what());
}

patience::patience(milliseconds limit)
    : end_(clock::now() + limit), random_(std::random_device()()) {}

milliseconds patience::time_per_host() const {
  const auto left = std::chrono::duration_cast<milliseconds>(end_ - clock::now());
  return std::clamp(left, kShortestSilence, kLongestSilence);
}

milliseconds patience::next_pause() {
  const milliseconds whole = pause_;
  pause_ = std::min(2 * pause_, kLongestPause);
  const auto half = static_cast<std::uint64_t>(whole.count() / 2);
  return whole - milliseconds(random_() % (half + 1));
}

void with_server(const arguments& args, repeat how, const std::function<void(client&)>& body) {
  with_server(args, options_for(args), how, body);
}

void with_server(const arguments& args, const client_options& options, repeat how,
                 const std::function<void(client&)>& body) {
  patience left(args.connect_timeout.value_or(kPatience));
  waiting_line line(args.verbose);
  line.show({"waiting for the server", ""});
  bool shares_sessions = options.transaction_pooling;
  for (;;) {
    try {
      client_options attempt = options;
      attempt.transaction_pooling = shares_sessions;
      attempt.connect_timeout = left.time_per_host();
      client server(std::move(attempt));
      line.clear();
      body(server);
      return;
    } catch (const error& why) {
      if (why.kind() == error_kind::not_supported && !shares_sessions) {
        shares_sessions = true;
        continue;
      }
      const bool may_repeat = how == repeat::may_be_in_doubt || !in_doubt(why);
      if (!may_repeat || !may_pass(why) || left.over()) throw;
      line.show({"waiting for the server: " + first_line(why.what()), ""});
    }
    std::this_thread::sleep_for(left.next_pause());
  }
}

change make_change(const arguments& args, repeat how, const std::function<bool(client&)>& body) {
  bool made = false;
  bool doubtful = false;
  try {
    with_server(args, how, [&](client& server) {
      try {
        made = body(server);
      } catch (const error& why) {
        doubtful = doubtful || in_doubt(why);
        throw;
      }
    });
  } catch (const error& why) {
    if (!doubtful) throw;
    throw failure(exit_code_of(why), std::string(why.what()) + "; it may be done all the same");
  }
  if (made) return change::made;
  return doubtful ? change::perhaps : change::not_made;
}

std::optional<milliseconds> time_left(const arguments& args, patience::clock::time_point started) {
  if (!args.timeout) return std::nullopt;
  const auto passed = std::chrono::duration_cast<milliseconds>(patience::clock::now() - started);
  return std::max(*args.timeout - passed, milliseconds(0));
}

}  // namespace numpool::cli
