#include <numpool/error.hpp>

#include <utility>

#include "error_kinds.hpp"

namespace numpool {

struct error::fields {
  error_kind kind;
  std::string sqlstate;
  std::string detail;
  std::string hint;
};

error::error(error_kind kind, const std::string& message, std::string sqlstate, std::string detail,
             std::string hint)
    : std::runtime_error(message),
      fields_(std::make_shared<const fields>(
          fields{kind, sqlstate.empty() ? detail::sqlstate_of(kind) : std::move(sqlstate),
                 std::move(detail), std::move(hint)})) {}

error::error(const error&) noexcept = default;
error& error::operator=(const error&) noexcept = default;
error::~error() = default;

error_kind error::kind() const noexcept {
  return fields_->kind;
}
const std::string& error::sqlstate() const noexcept {
  return fields_->sqlstate;
}
const std::string& error::detail() const noexcept {
  return fields_->detail;
}
const std::string& error::hint() const noexcept {
  return fields_->hint;
}

bool error::retryable() const noexcept {
  return detail::is_retryable(kind(), sqlstate());
}

void error::raise() const {
  switch (kind()) {
    case error_kind::cannot_connect:
    case error_kind::connection_lost:
      throw connection_error(*this);
    case error_kind::cancelled:
      throw cancelled_error(*this);
    case error_kind::no_such_pool:
      throw no_such_pool_error(*this);
    default:
      throw *this;
  }
}

connection_error::connection_error(const connection_error&) noexcept = default;
connection_error& connection_error::operator=(const connection_error&) noexcept = default;
connection_error::~connection_error() = default;

cancelled_error::cancelled_error(const cancelled_error&) noexcept = default;
cancelled_error& cancelled_error::operator=(const cancelled_error&) noexcept = default;
cancelled_error::~cancelled_error() = default;

no_such_pool_error::no_such_pool_error(const no_such_pool_error&) noexcept = default;
no_such_pool_error& no_such_pool_error::operator=(const no_such_pool_error&) noexcept = default;
no_such_pool_error::~no_such_pool_error() = default;

}  // namespace numpool
