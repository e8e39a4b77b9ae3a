// A region for tests: one buffer whose parts are named by offsets, as in the server's arena. New
// memory is filled with garbage and freed memory is poisoned under AddressSanitizer, so that code
// which counts on zeroes that nobody promised, or touches what it gave back, is found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "core/region.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NUMPOOL_TEST_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define NUMPOOL_TEST_ASAN 1
#endif
#if defined(NUMPOOL_TEST_ASAN)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) (static_cast<void>(0))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) (static_cast<void>(0))
#endif

namespace numpool_test {

class RegionMemory {
 public:
  static constexpr std::size_t kDefaultBytes = std::size_t{8} << 20;

  explicit RegionMemory(std::size_t bytes = kDefaultBytes)
      : bytes_(bytes),
        base_(static_cast<char*>(::operator new (bytes, std::align_val_t{kAlignment}))) {
    std::memset(base_, kGarbage, bytes_);
    ASAN_POISON_MEMORY_REGION(base_, bytes_);
  }
  RegionMemory(const RegionMemory&) = delete;
  RegionMemory& operator=(const RegionMemory&) = delete;
  ~RegionMemory() {
    ASAN_UNPOISON_MEMORY_REGION(base_, bytes_);
    ::operator delete (base_, std::align_val_t{kAlignment});
  }

  numpool::Region region() const { return numpool::Region(base_); }

  // Garbage of at least `bytes` bytes, aligned to 16. Throws std::bad_alloc when the region is
  // full.
  numpool::Offset allocate(std::size_t bytes) {
    const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    std::vector<numpool::Offset>& reusable = free_[rounded];
    numpool::Offset offset = next_;
    if (!reusable.empty()) {
      offset = reusable.back();
      reusable.pop_back();
    } else {
      // A gap after each block, which stays poisoned.
      if (next_ + rounded + kAlignment > bytes_) throw std::bad_alloc();
      next_ += rounded + kAlignment;
    }
    ASAN_UNPOISON_MEMORY_REGION(base_ + offset, bytes);
    std::memset(base_ + offset, kGarbage, bytes);
    live_[offset] = Block{bytes, rounded};
    return offset;
  }

  numpool::Offset allocate_zeroed(std::size_t bytes) {
    const numpool::Offset offset = allocate(bytes);
    std::memset(base_ + offset, 0, bytes);
    return offset;
  }

  // Offset 0 is no block, and freeing it does nothing.
  void free(numpool::Offset offset) {
    if (offset == 0) return;
    const auto block = live_.find(offset);
    if (block == live_.end()) throw std::logic_error("free of an offset that is not allocated");
    std::memset(base_ + offset, kGarbage, block->second.bytes);
    ASAN_POISON_MEMORY_REGION(base_ + offset, block->second.rounded);
    free_[block->second.rounded].push_back(offset);
    live_.erase(block);
  }

  // A value-initialised T in the region. Never destroyed: only trivially destructible types live
  // there.
  template <typename T>
  T& make() {
    static_assert(std::is_trivially_destructible<T>::value,
                  "nothing destroys what is in the region");
    return *new (base_ + allocate(sizeof(T))) T{};
  }

  template <typename T>
  void destroy(T& object) {
    free(region().offset_of(&object));
  }

  std::size_t live_blocks() const { return live_.size(); }

 private:
  static constexpr std::size_t kAlignment = 16;
  static constexpr int kGarbage = 0xA5;
  struct Block {
    std::size_t bytes;
    std::size_t rounded;
  };

  std::size_t bytes_;
  char* base_;
  numpool::Offset next_ = kAlignment;  // offset 0 names nothing
  std::map<numpool::Offset, Block> live_;
  std::map<std::size_t, std::vector<numpool::Offset>> free_;
};

}  // namespace numpool_test
