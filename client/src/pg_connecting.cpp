#include "pg_connecting.hpp"

#include <poll.h>

#include <utility>

namespace numpool::detail {

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
    problem_ += connection_->message();
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

}  // namespace numpool::detail
