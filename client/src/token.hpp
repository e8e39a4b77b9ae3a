#pragma once

#include <string>
#include <string_view>

namespace numpool::detail {

/// A token that nobody else has: a uuid of 122 random bits.
std::string new_token();

/// Whether `text` is a uuid in its usual form: 32 hexadecimal digits in five groups.
bool is_token(std::string_view text) noexcept;

}  // namespace numpool::detail
