// A set of small integers with its least element in O(log64 capacity): level 0 has one bit a
// member, and a bit of each higher level says whether the word below it is non-zero. Find-first is
// one count-trailing-zeros a level, three for 65,536 members.
#pragma once

#include <cstddef>
#include <cstdint>

namespace numpool {

// A view over words that somebody else owns (shared memory, or a test's array).
class Bitmap {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::uint32_t kBitsPerWord = 64;

  // Words to provide for members 0..capacity-1, all levels together; capacity >= 1.
  static constexpr std::size_t words_needed(std::uint32_t capacity) noexcept {
    std::size_t total = 0;
    std::uint32_t bits = capacity;
    do {
      bits = (bits + kBitsPerWord - 1) / kBitsPerWord;
      total += bits;
    } while (bits > 1);
    return total;
  }

  // `words` holds words_needed(capacity) words in a consistent state (all zero is the empty set).
  Bitmap(std::uint64_t* words, std::uint32_t capacity) noexcept
      : words_(words), capacity_(capacity) {}

  std::uint32_t capacity() const noexcept { return capacity_; }
  bool contains(std::uint32_t member) const noexcept;
  void insert(std::uint32_t member) noexcept;
  void erase(std::uint32_t member) noexcept;

  // The least member, or kNone.
  std::uint32_t first() const noexcept;

 private:
  std::uint64_t* words_;
  std::uint32_t capacity_;
};

}  // namespace numpool
