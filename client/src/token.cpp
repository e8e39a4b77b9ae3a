#include "token.hpp"

#include <array>
#include <cstddef>
#include <random>

namespace numpool::detail {

namespace {

constexpr std::size_t kLength = 36;

constexpr bool is_hyphen_at(std::size_t at) {
  return at == 8 || at == 13 || at == 18 || at == 23;
}

}  // namespace

std::string new_token() {
  // The kernel's own generator: a token must not be guessed.
  std::random_device random;
  std::array<unsigned, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); i += 4) {
    const auto four = random();
    for (std::size_t k = 0; k < 4; ++k) bytes.at(i + k) = four >> (8 * k) & 0xFF;
  }
  bytes[6] = (bytes[6] & 0x0F) | 0x40;  // version 4
  bytes[8] = (bytes[8] & 0x3F) | 0x80;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned byte : bytes) {
    if (is_hyphen_at(out.size())) out += '-';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 0xF];
  }
  return out;
}

bool is_token(std::string_view text) noexcept {
  if (text.size() != kLength) return false;
  for (std::size_t i = 0; i < kLength; ++i) {
    const char c = text[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (is_hyphen_at(i) ? c != '-' : !digit) return false;
  }
  return true;
}

}  // namespace numpool::detail
