#include "shared/segment.h"

#include "pg/compat.h"
#include "shared/live_pool.h"
#include "shared/session.h"

namespace numpool {

namespace {

constexpr std::uint32_t kMagic = 0x6e756d70;
// Raised with every change of what lies in the segment.
constexpr std::uint32_t kLayoutVersion = 7;
// Of one size and under one name for ever, so that a backend with another version of the library
// finds it.
constexpr std::size_t kHeaderSize = 1024;
constexpr const char* kHeaderName = "numpool";

constexpr const char* kPoolTranche = "numpool_pool";
constexpr const char* kAllocatorTranche = "numpool_allocator";
constexpr const char* kRegistryTranche = "numpool_registry";

struct ArenaHeader {
  std::uint32_t magic;
  std::uint32_t layout_version;
  dsm_handle segment;  // 0: none yet
  int pool_tranche;
  int allocator_tranche;
  int registry_tranche;
};
static_assert(sizeof(ArenaHeader) <= kHeaderSize, "");

// One part in so many of the segment is headers of pools. They never move, and their memory never
// serves anything else, so they lie apart from the heap.
constexpr std::size_t kHeaderShare = 5;

int shared_memory_kb = 16384;

void init_header(void* memory) {
  MemSet(memory, 0, kHeaderSize);
  ArenaHeader* header = static_cast<ArenaHeader*>(memory);
  header->layout_version = kLayoutVersion;
  header->magic = kMagic;
}

[[noreturn]] void report_too_small() {
  ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY),
                  errmsg("numpool.shared_memory_size is too small for the sessions of this server"),
                  errhint("Raise numpool.shared_memory_size.")));
}

// What the segment is divided into when it is made, from its start on.
class Divider {
 public:
  explicit Divider(std::size_t size) : size_(size) {}

  // The next `size` bytes, at a multiple of a cache line. Errors: 53200.
  Offset take(std::size_t size) {
    const Offset start = used_;
    if (size > size_ - used_) report_too_small();
    used_ = CACHELINEALIGN(used_ + size);
    return start;
  }
  std::size_t left() const { return used_ < size_ ? size_ - used_ : 0; }

 private:
  std::size_t size_;
  std::size_t used_ = 0;
};

// Each by itself, since from 19 on this may fail and whoever comes next tries again.
void make_tranche(int& tranche, const char* name) {
  if (tranche == 0) tranche = compat::LWLockNewTrancheId(name);
}

// Makes the segment. Under AddinShmemInitLock; the header names it only once it is whole.
void create_segment(ArenaHeader* header) {
  make_tranche(header->pool_tranche, kPoolTranche);
  make_tranche(header->allocator_tranche, kAllocatorTranche);
  make_tranche(header->registry_tranche, kRegistryTranche);
  const std::size_t size = static_cast<std::size_t>(shared_memory_kb) * 1024;
  dsm_segment* segment = dsm_create(size, 0);
  const Region memory(dsm_segment_address(segment));
  Divider divider(size);
  divider.take(sizeof(ArenaControl));

  ArenaControl* control = new (dsm_segment_address(segment)) ArenaControl{};
  control->pool_tranche = header->pool_tranche;
  control->next_serial.store(1);
  control->next_ticket.store(1);
  control->next_wait.store(1);
  control->session_count = static_cast<std::uint32_t>(MaxBackends);
  control->sessions = divider.take(sizeof(Session) * control->session_count);
  MemSet(memory.at<char>(control->sessions), 0, sizeof(Session) * control->session_count);
  LWLockInitialize(&control->registry_lock, header->registry_tranche);
  control->bucket_count = 1024;
  while (control->bucket_count < 65536 && std::size_t{control->bucket_count} * 2048 < size)
    control->bucket_count *= 2;
  control->buckets = divider.take(sizeof(Offset) * control->bucket_count);
  MemSet(memory.at<char>(control->buckets), 0, sizeof(Offset) * control->bucket_count);
  control->header_count = static_cast<std::uint32_t>(size / kHeaderShare / sizeof(LivePool));
  control->headers = divider.take(sizeof(LivePool) * control->header_count);
  control->fence_count = fence_record_count(size);
  control->fences = divider.take(sizeof(FenceRecord) * control->fence_count);
  MemSet(memory.at<char>(control->fences), 0, sizeof(FenceRecord) * control->fence_count);
  LWLockInitialize(&control->heap_lock, header->allocator_tranche);
  const std::size_t heap_size = divider.left();
  control->heap.init(divider.take(heap_size), heap_size);
  if (control->heap.block_count < SlabHeap::kClassCount) report_too_small();

  dsm_pin_segment(segment);
  header->segment = dsm_segment_handle(segment);
  dsm_detach(segment);
}

}  // namespace

void segment_define_settings() {
  DefineCustomIntVariable(
      "numpool.shared_memory_size",
      "Sets the size of the shared memory that numpool keeps its live state in.",
      "Read when the memory is made, at the first use after the server's start.", &shared_memory_kb,
      16384, 1024, MAX_KILOBYTES, PGC_SIGHUP, GUC_UNIT_KB, nullptr, nullptr, nullptr);
}

dsm_segment* segment_map() {
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  ArenaHeader* header =
      static_cast<ArenaHeader*>(compat::GetNamedDSMSegment(kHeaderName, kHeaderSize, init_header));
  if (header->magic != kMagic || header->layout_version != kLayoutVersion)
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("the shared memory of numpool was made by another version of its library"),
             errhint("Restart the server.")));
  if (header->segment == 0) create_segment(header);
  LWLockRelease(AddinShmemInitLock);

  compat::know_tranche(header->pool_tranche, kPoolTranche);
  compat::know_tranche(header->allocator_tranche, kAllocatorTranche);
  compat::know_tranche(header->registry_tranche, kRegistryTranche);
  dsm_segment* segment = dsm_attach(header->segment);
  if (segment == nullptr)
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("could not map the shared memory of numpool")));
  return segment;
}

}  // namespace numpool
