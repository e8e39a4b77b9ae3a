#include <numpool/error.hpp>

#include <utility>

namespace numpool {

struct error::fields {
  std::string sqlstate;
  std::string detail;
  std::string hint;
};

error::error(const std::string& message, std::string sqlstate, std::string detail, std::string hint)
    : std::runtime_error(message),
      fields_(std::make_shared<const fields>(
          fields{sqlstate.empty() ? std::string("XX000") : std::move(sqlstate), std::move(detail),
                 std::move(hint)})) {}

error::error(const error&) noexcept = default;
error& error::operator=(const error&) noexcept = default;
error::~error() = default;

const std::string& error::sqlstate() const noexcept {
  return fields_->sqlstate;
}
const std::string& error::detail() const noexcept {
  return fields_->detail;
}
const std::string& error::hint() const noexcept {
  return fields_->hint;
}

}  // namespace numpool
