// Memory named by offsets. The arena is mapped at a different address in each process, so nothing
// in it holds a pointer: an Offset counts bytes from the start of the region, and 0 names nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace numpool {

using Offset = std::uint64_t;

class Region {
 public:
  explicit Region(void* base) noexcept : base_(static_cast<char*>(base)) {}

  // The object at `offset`, or nullptr for offset 0.
  template <typename T>
  T* at(Offset offset) const noexcept {
    return offset == 0 ? nullptr : reinterpret_cast<T*>(base_ + offset);
  }

  // The first object of an array at `offset`, which is not 0.
  template <typename T>
  T* array_at(Offset offset) const noexcept {
    return reinterpret_cast<T*>(base_ + offset);
  }

  // The offset of an object that lies in the region, or 0 for nullptr.
  Offset offset_of(const void* object) const noexcept {
    return object == nullptr ? 0 : static_cast<Offset>(static_cast<const char*>(object) - base_);
  }

 private:
  char* base_;
};

}  // namespace numpool
