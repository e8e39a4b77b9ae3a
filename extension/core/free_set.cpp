#include "core/free_set.h"

namespace numpool {

std::uint32_t FreeSet::first() const noexcept {
  for (std::uint32_t i = 0; segment_capacity(memory_.capacity, i) != 0; ++i) {
    const std::uint32_t index = segment(i).first();
    if (index != Bitmap::kNone) return i * kSegment + index;
  }
  return Bitmap::kNone;
}

void FreeSet::grow(std::uint32_t capacity, Offset* bitmaps) noexcept {
  const bool was_word = memory_.capacity <= Bitmap::kBitsPerWord;
  for (std::uint32_t i = 0; segment_capacity(capacity, i) != 0; ++i) {
    if (bitmaps[i] == 0) continue;
    if (segment_capacity(memory_.capacity, i) != 0) {
      Bitmap old_set = segment(i);
      Bitmap new_set(region_.at<std::uint64_t>(bitmaps[i]), segment_capacity(capacity, i));
      for (std::uint32_t index = old_set.first(); index != Bitmap::kNone; index = old_set.first()) {
        old_set.erase(index);
        new_set.insert(index);
      }
    }
    const Offset replaced = was_word ? 0 : memory_.bitmaps[i];
    memory_.bitmaps[i] = bitmaps[i];
    bitmaps[i] = replaced;
  }
  memory_.capacity = capacity;
}

}  // namespace numpool
