// What lies where in the segment, and what is in it before its first use.
#pragma once

#include "shared/arena.h"

namespace numpool {

struct SegmentLayout {
  std::size_t size;
  std::uint32_t session_count;
  Offset sessions;
  std::uint32_t bucket_count;
  Offset buckets;
  std::uint32_t token_bucket_count;
  Offset token_buckets;
  std::uint32_t fence_count;
  Offset fences;
  std::size_t initialised;  // the parts that lie before it are written when the segment is made
  std::uint32_t header_count;
  Offset headers;
  Offset heap;
};

// What is of this server's run.
struct Tranches {
  int pool;
  int allocator;
  int registry;
  int tokens;
  int clerk;
  std::uint64_t token_seed;
};

// Divides `size` bytes. Errors: 53200 where they are too few for this server's sessions.
SegmentLayout divide_segment(std::size_t size);
// Writes the parts at the start of the segment, which is mapped at `memory` so far. Cannot fail.
void init_segment(void* memory, const SegmentLayout& layout, const Tranches& tranches);

}  // namespace numpool
