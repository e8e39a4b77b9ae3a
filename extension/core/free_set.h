// The free numbers of a pool. Up to 64 are one word of its header; more are bitmaps of up to 16,384
// each, so that no piece of memory is larger than a block of the heap.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/bitmap.h"
#include "core/region.h"
#include "core/slot.h"

namespace numpool {

struct FreeSetMemory;

// A view over the memory of a set.
class FreeSet {
 public:
  static constexpr std::uint32_t kSegment = 16384;
  static constexpr std::uint32_t kMaxSegments = kMaxPoolSize / kSegment;

  // Numbers in the i-th segment of a set with room for `capacity`.
  static constexpr std::uint32_t segment_capacity(std::uint32_t capacity,
                                                  std::uint32_t i) noexcept {
    const std::uint32_t before = i * kSegment;
    if (capacity <= before) return 0;
    return capacity - before < kSegment ? capacity - before : kSegment;
  }
  // Bytes of the bitmap of a segment.
  static constexpr std::size_t segment_bytes(std::uint32_t numbers) noexcept {
    return sizeof(std::uint64_t) * Bitmap::words_needed(numbers);
  }

  FreeSet(Region region, FreeSetMemory& memory) noexcept : region_(region), memory_(memory) {}

  bool contains(std::uint32_t index) const noexcept {
    return segment(index / kSegment).contains(index % kSegment);
  }
  void insert(std::uint32_t index) noexcept { segment(index / kSegment).insert(index % kSegment); }
  void erase(std::uint32_t index) noexcept { segment(index / kSegment).erase(index % kSegment); }
  // The least member, or Bitmap::kNone.
  std::uint32_t first() const noexcept;

  // Makes room for `capacity` numbers, which are more than a word: takes those of `bitmaps` that
  // are not 0, one a segment and zeroed, and leaves the ones that they replace in their place.
  void grow(std::uint32_t capacity, Offset* bitmaps) noexcept;

 private:
  Bitmap segment(std::uint32_t i) const noexcept;

  Region region_;
  FreeSetMemory& memory_;
};

struct FreeSetMemory {
  std::uint32_t capacity;                 // numbers that there is room for; at least 64
  std::uint64_t word;                     // where that is 64
  Offset bitmaps[FreeSet::kMaxSegments];  // where it is more
};

inline Bitmap FreeSet::segment(std::uint32_t i) const noexcept {
  std::uint64_t* words = memory_.capacity <= Bitmap::kBitsPerWord
                             ? &memory_.word
                             : region_.at<std::uint64_t>(memory_.bitmaps[i]);
  return Bitmap(words, segment_capacity(memory_.capacity, i));
}

}  // namespace numpool
