#include "io_question.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace numpool::detail {

namespace {

std::chrono::milliseconds left_until(side_question::clock::time_point when) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(when - side_question::clock::now());
  return std::max(left, std::chrono::milliseconds(1));
}

}  // namespace

side_question::side_question(const connection_parameters& parameters, const char* sql,
                             std::vector<std::string> values, clock::time_point until)
    : sql_(sql),
      values_(std::move(values)),
      until_(until),
      attempt_(parameters, left_until(until)) {}

int side_question::socket() const {
  return asker_ ? asker_->socket() : attempt_.socket();
}

short side_question::events() const {
  if (!asker_) return attempt_.events();
  return static_cast<short>(POLLIN | (more_to_write_ ? POLLOUT : 0));
}

side_question::outcome side_question::go_on(bool ready) {
  if (!ready && clock::now() >= until_) return outcome::silent;
  if (asker_) return ready ? read() : outcome::pending;
  switch (attempt_.go_on(ready)) {
    case connecting::outcome::pending:
      return outcome::pending;
    case connecting::outcome::failed:
      // A server that says why it refuses is there; a port where nobody listens is not.
      if (clock::now() >= until_) return outcome::silent;
      return attempt_.failure().sqlstate() == "08001" ? outcome::silent : outcome::refused;
    case connecting::outcome::connected:
      return ask();
  }
  return outcome::pending;
}

side_question::outcome side_question::ask() {
  asker_.emplace(attempt_.take());
  std::vector<const char*> values;
  for (const std::string& one : values_) values.push_back(one.c_str());
  PGconn* handle = asker_->handle();
  if (PQsetnonblocking(handle, 1) != 0 ||
      PQsendQueryParams(handle, sql_, static_cast<int>(values.size()), nullptr, values.data(),
                        nullptr, nullptr, 0) != 1)
    return outcome::refused;
  return asker_->flush(&more_to_write_) ? outcome::pending : outcome::silent;
}

side_question::outcome side_question::read() {
  if (!asker_->flush(&more_to_write_) || !asker_->consume()) return outcome::silent;
  // Until there is nothing more: a pooler ends the session of who leaves in the middle.
  while (PQisBusy(asker_->handle()) == 0) {
    result part(PQgetResult(asker_->handle()));
    if (!part) return answer_ ? outcome::answered : outcome::refused;
    if (PQresultStatus(part.get()) == PGRES_TUPLES_OK) answer_ = std::move(part);
  }
  return outcome::pending;
}

}  // namespace numpool::detail
