#include "core/bitmap.h"

namespace numpool {

namespace {

constexpr std::uint32_t kShift = 6;
constexpr std::uint32_t kMask = Bitmap::kBitsPerWord - 1;

constexpr std::uint32_t words_for(std::uint32_t bits) noexcept {
  return (bits + kMask) >> kShift;
}

constexpr std::uint64_t bit(std::uint32_t position) noexcept {
  return std::uint64_t{1} << (position & kMask);
}

}  // namespace

bool Bitmap::contains(std::uint32_t member) const noexcept {
  return (words_[member >> kShift] & bit(member)) != 0;
}

void Bitmap::insert(std::uint32_t member) noexcept {
  std::uint64_t* level = words_;
  std::uint32_t position = member;
  for (std::uint32_t words = words_for(capacity_);; words = words_for(words)) {
    std::uint64_t& word = level[position >> kShift];
    const bool was_empty = word == 0;
    word |= bit(position);
    if (words == 1 || !was_empty) return;
    level += words;
    position >>= kShift;
  }
}

void Bitmap::erase(std::uint32_t member) noexcept {
  std::uint64_t* level = words_;
  std::uint32_t position = member;
  for (std::uint32_t words = words_for(capacity_);; words = words_for(words)) {
    std::uint64_t& word = level[position >> kShift];
    word &= ~bit(position);
    if (words == 1 || word != 0) return;
    level += words;
    position >>= kShift;
  }
}

std::uint32_t Bitmap::first() const noexcept {
  // Where each level begins, from the members up to the single root word.
  const std::uint64_t* levels[4];
  std::uint32_t depth = 0;
  const std::uint64_t* level = words_;
  for (std::uint32_t words = words_for(capacity_);; words = words_for(words)) {
    levels[depth++] = level;
    if (words == 1) break;
    level += words;
  }
  if (*levels[depth - 1] == 0) return kNone;
  std::uint32_t position = 0;
  while (depth-- > 0) {
    const std::uint64_t word = levels[depth][position];
    position = (position << kShift) | static_cast<std::uint32_t>(__builtin_ctzll(word));
  }
  return position;
}

}  // namespace numpool
