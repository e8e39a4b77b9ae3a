#include "pg_connecting.hpp"

#include <poll.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace numpool::detail {

namespace {

/// Takes the SQLSTATE and the place in the server's source out of a message as libpq writes it at
/// PQERRORS_VERBOSE: "...FATAL:  53300: too many clients already\nLOCATION:  ...".
std::string take_sqlstate(std::string* message) {
  for (std::size_t at; (at = message->find("LOCATION:  ")) != std::string::npos;)
    message->erase(at, std::min(message->find('\n', at), message->size() - 1) + 1 - at);
  while (!message->empty() && message->back() == '\n') message->pop_back();
  std::string sqlstate;
  for (std::size_t at = 0; (at = message->find(":  ", at)) != std::string::npos; at += 3) {
    const std::string_view code = std::string_view(*message).substr(at + 3, 7);
    const bool good = code.size() == 7 && code.substr(5) == ": " &&
                      code.substr(0, 5).find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
                          std::string_view::npos;
    if (!good) continue;
    sqlstate = code.substr(0, 5);
    message->erase(at + 3, 7);
  }
  return sqlstate;
}

}  // namespace

connecting::connecting(const connection_parameters& parameters,
                       std::chrono::milliseconds time_per_host)
    : parameters_(parameters), time_per_host_(time_per_host) {
  begin();
}

void connecting::begin() {
  connection_.emplace(parameters_);
  progress_ = connection::progress::writing;  // as libpq asks for before the first poll
  host_ = host();
  deadline_ = clock::now() + time_per_host_;
}

short connecting::events() const {
  return progress_ == connection::progress::reading ? POLLIN : POLLOUT;
}

std::string connecting::host() const {
  return connection_->host() + '\n' + connection_->port();
}

connecting::outcome connecting::go_on(bool ready) {
  if (!ready && !connection_->broken()) return give_up_on_host();
  progress_ = connection_->poll();
  if (progress_ == connection::progress::done) return outcome::connected;
  if (progress_ == connection::progress::failed) {
    if (!problem_.empty()) problem_ += "; ";
    std::string message = connection_->message();
    sqlstate_ = take_sqlstate(&message);
    if (sqlstate_.empty() && connection_->needs_password()) sqlstate_ = "28P01";
    problem_ += message;
    return outcome::failed;
  }
  std::string now = host();
  if (now != host_) {
    host_ = std::move(now);
    deadline_ = clock::now() + time_per_host_;
  }
  return outcome::pending;
}

connecting::outcome connecting::give_up_on_host() {
  if (!problem_.empty()) problem_ += "; ";
  problem_ += "timeout while connecting";
  if (parameters_.host_count() < 2 ||
      !parameters_.drop_host(connection_->host(), connection_->port()))
    return outcome::failed;
  problem_ += " to host \"" + connection_->host() + "\", port " + connection_->port();
  begin();
  return outcome::pending;
}

error connecting::failure() const {
  return error(error_kind::cannot_connect, problem_, sqlstate_);
}

}  // namespace numpool::detail
