// A list that grows in a memory context, for places where no destructor may run.
#pragma once

#include "pg/pg.h"

namespace numpool {

template <typename T>
struct PallocList {
  T* items;  // all members zero: empty
  std::uint32_t count;
  std::uint32_t capacity;

  // In the current memory context, which has to be the same each time. May ereport.
  std::uint32_t add(const T& item) {
    if (count == capacity) {
      const std::uint32_t grown = capacity == 0 ? 64 : capacity * 2;
      const std::size_t bytes = sizeof(T) * grown;
      items = static_cast<T*>(items == nullptr ? MemoryContextAllocHuge(CurrentMemoryContext, bytes)
                                               : repalloc_huge(items, bytes));
      capacity = grown;
    }
    items[count] = item;
    return count++;
  }
  T& operator[](std::uint32_t i) const { return items[i]; }
  const T* begin() const { return items; }
  const T* end() const { return items + count; }
};

}  // namespace numpool
