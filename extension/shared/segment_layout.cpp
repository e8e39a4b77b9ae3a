#include "shared/segment_layout.h"

#include "pg/errors.h"
#include "shared/live_pool.h"
#include "shared/session.h"

namespace numpool {

namespace {

// One part in so many of the segment is headers of pools. They never move or go back, so they may
// not lie about in what everything else needs.
constexpr std::size_t kHeaderShare = 5;
// And one header in so many is kept for stubs: a definition can be deleted whatever is in use.
constexpr std::uint32_t kStubShare = 64;
// Blocks of the heap without which it is of no use.
constexpr std::size_t kLeastBlocks = 64;

[[noreturn]] void report_too_small(std::size_t size) {
  report_no_shared_memory(
      psprintf("%zu kB are too few for the %d sessions that this server may have.", size / 1024,
               MaxBackends));
}

class Divider {
 public:
  explicit Divider(std::size_t size) : size_(size) {}

  // The next `size` bytes, at a multiple of a cache line. Errors: 53200.
  Offset take(std::size_t size) {
    const Offset start = used_;
    if (size > size_ - used_) report_too_small(size_);
    used_ = CACHELINEALIGN(used_ + size);
    if (used_ > size_) used_ = size_;
    return start;
  }
  std::size_t used() const { return used_; }

 private:
  std::size_t size_;
  std::size_t used_ = 0;
};

}  // namespace

SegmentLayout divide_segment(std::size_t size) {
  SegmentLayout layout = {};
  Divider divider(size);
  layout.size = size;
  divider.take(sizeof(ArenaControl));
  layout.session_count = static_cast<std::uint32_t>(MaxBackends);
  layout.sessions = divider.take(sizeof(Session) * layout.session_count);
  layout.bucket_count = 1024;
  while (layout.bucket_count < 65536 && std::size_t{layout.bucket_count} * 2048 < size)
    layout.bucket_count *= 2;
  layout.buckets = divider.take(sizeof(Offset) * layout.bucket_count);
  layout.token_bucket_count = 1024;
  while (layout.token_bucket_count < 1048576 &&
         std::size_t{layout.token_bucket_count} * 1024 < size)
    layout.token_bucket_count *= 2;
  layout.token_buckets = divider.take(sizeof(Offset) * layout.token_bucket_count);
  layout.fence_count = fence_record_count(size);
  layout.fences = divider.take(sizeof(FenceRecord) * layout.fence_count);
  layout.initialised = divider.used();
  layout.header_count = static_cast<std::uint32_t>(size / kHeaderShare / sizeof(LivePool));
  layout.headers = divider.take(sizeof(LivePool) * layout.header_count);
  layout.heap = divider.take(kLeastBlocks * SlabHeap::kBlockSize);
  return layout;
}

void init_segment(void* memory, const SegmentLayout& layout, const Tranches& tranches) {
  const Region region(memory);
  ArenaControl* control = new (memory) ArenaControl{};
  control->size = layout.size;
  control->made_at = monotonic_now();
  control->pool_tranche = tranches.pool;
  control->next_serial.store(1);
  control->next_ticket.store(1);
  control->next_wait.store(1);
  control->session_count = layout.session_count;
  control->sessions = layout.sessions;
  MemSet(region.at<char>(layout.sessions), 0, sizeof(Session) * layout.session_count);
  LWLockInitialize(&control->registry_lock, tranches.registry);
  control->bucket_count = layout.bucket_count;
  control->buckets = layout.buckets;
  MemSet(region.at<char>(layout.buckets), 0, sizeof(Offset) * layout.bucket_count);
  LWLockInitialize(&control->token_lock, tranches.tokens);
  control->token_seed = tranches.token_seed;
  control->token_bucket_count = layout.token_bucket_count;
  control->token_buckets = layout.token_buckets;
  MemSet(region.at<char>(layout.token_buckets), 0, sizeof(Offset) * layout.token_bucket_count);
  LWLockInitialize(&control->clerk_lock, tranches.clerk);
  control->clerk_process = -1;
  control->fence_count = layout.fence_count;
  control->fences = layout.fences;
  MemSet(region.at<char>(layout.fences), 0, sizeof(FenceRecord) * layout.fence_count);
  control->header_count = layout.header_count;
  control->headers = layout.headers;
  control->headers_for_stubs = layout.header_count / kStubShare;
  LWLockInitialize(&control->heap_lock, tranches.allocator);
  control->heap.init(layout.heap, layout.size - layout.heap);
}

}  // namespace numpool
