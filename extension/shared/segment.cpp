#include "shared/segment.h"

#include "pg/compat.h"
#include "pg/debug_point.h"
#include "pg/errors.h"
#include "pg/subtransaction.h"
#include "shared/segment_backing.h"
#include "shared/segment_layout.h"

namespace numpool {

namespace {

constexpr std::uint32_t kMagic = 0x6e756d70;
// Raised with every change of what lies in the segment.
constexpr std::uint32_t kLayoutVersion = 9;
// Of one size and under one name for ever, so that a backend with another version of the library
// finds it.
constexpr std::size_t kHeaderSize = 1024;
constexpr const char* kHeaderName = "numpool";

constexpr const char* kPoolTranche = "numpool_pool";
constexpr const char* kAllocatorTranche = "numpool_allocator";
constexpr const char* kRegistryTranche = "numpool_registry";
constexpr const char* kTokensTranche = "numpool_tokens";
constexpr const char* kClerkTranche = "numpool_clerk";

struct ArenaHeader {
  std::uint32_t magic;
  std::uint32_t layout_version;
  dsm_handle segment;  // 0: none yet
  int pool_tranche;
  int allocator_tranche;
  int registry_tranche;
  int tokens_tranche;
  int clerk_tranche;
};
static_assert(sizeof(ArenaHeader) <= kHeaderSize, "");

constexpr int kDefaultKb = 32768;
int shared_memory_kb = kDefaultKb;

void init_header(void* memory) {
  MemSet(memory, 0, kHeaderSize);
  ArenaHeader* header = static_cast<ArenaHeader*>(memory);
  header->layout_version = kLayoutVersion;
  header->magic = kMagic;
}

// Each by itself, since from 19 on this may fail and whoever comes next tries again.
void make_tranche(int& tranche, const char* name) {
  if (tranche == 0) tranche = compat::LWLockNewTrancheId(name);
}

// The header, made if need be, and what it says of the segment now.
struct Found {
  ArenaHeader* header;
  dsm_handle segment;
};

void find_header(Found* found) {
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  ArenaHeader* header =
      static_cast<ArenaHeader*>(compat::GetNamedDSMSegment(kHeaderName, kHeaderSize, init_header));
  if (header->magic != kMagic || header->layout_version != kLayoutVersion)
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("the shared memory of numpool was made by another version of its library"),
             errhint("Restart the server.")));
  make_tranche(header->pool_tranche, kPoolTranche);
  make_tranche(header->allocator_tranche, kAllocatorTranche);
  make_tranche(header->registry_tranche, kRegistryTranche);
  make_tranche(header->tokens_tranche, kTokensTranche);
  make_tranche(header->clerk_tranche, kClerkTranche);
  *found = {header, header->segment};
  LWLockRelease(AddinShmemInitLock);
}

// Makes a segment and lets the header name it, if nobody else's has come first. Nobody knows of it
// before, and until it is pinned it goes with the resource owner; so whatever ends this, an error,
// a cancel, an exit, leaves nothing behind.
void make_segment(Found* found, const SegmentLayout& layout) {
  ArenaHeader* header = found->header;
  dsm_segment* segment = make_backing(layout.size, layout.initialised);
  // So that nobody can choose tokens that fall into one chain.
  std::uint64_t seed = 0;
  if (!pg_strong_random(&seed, sizeof(seed))) seed = static_cast<std::uint64_t>(MyProcPid);
  init_segment(dsm_segment_address(segment), layout,
               {header->pool_tranche, header->allocator_tranche, header->registry_tranche,
                header->tokens_tranche, header->clerk_tranche, seed});
  debug_point(DebugPoint::kArenaMade);

  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  if (header->segment == DSM_HANDLE_INVALID) {
    dsm_pin_segment(segment);
    header->segment = dsm_segment_handle(segment);
  }
  found->segment = header->segment;
  LWLockRelease(AddinShmemInitLock);
  // It may be mapped in part, or be one too many.
  dsm_detach(segment);
}

// Whether an error of making or mapping shared memory says that it is missing. What it does not say
// is that somebody wants the session to stop, or that the server was not restarted.
bool is_about_memory(const ErrorData* error) {
  const int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
  return category != ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) &&
         category != ERRCODE_TO_CATEGORY(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
}

// Calls `step`; its errors that say that memory is missing become one.
template <typename Step>
void with_one_error(Step step) {
  MemoryContext memory = CurrentMemoryContext;
  PG_TRY();
  { step(); }
  PG_CATCH();
  {
    MemoryContextSwitchTo(memory);
    ErrorData* error = CopyErrorData();
    FlushErrorState();
    if (!is_about_memory(error)) ReThrowError(error);
    report_no_shared_memory(psprintf("%s.", error->message));
  }
  PG_END_TRY();
}

}  // namespace

dsm_segment* segment_map() {
  Found found = {};
  with_one_error([&found] { find_header(&found); });
  if (found.segment == DSM_HANDLE_INVALID) {
    const SegmentLayout layout = divide_segment(segment_configured_size());
    with_one_error([&found, &layout] { make_segment(&found, layout); });
  }
  compat::know_tranche(found.header->pool_tranche, kPoolTranche);
  compat::know_tranche(found.header->allocator_tranche, kAllocatorTranche);
  compat::know_tranche(found.header->registry_tranche, kRegistryTranche);
  compat::know_tranche(found.header->tokens_tranche, kTokensTranche);
  compat::know_tranche(found.header->clerk_tranche, kClerkTranche);
  dsm_segment* segment = nullptr;
  with_one_error([&found, &segment] { segment = dsm_attach(found.segment); });
  if (segment == nullptr)
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("could not map the shared memory of numpool")));
  return segment;
}

bool segment_is_made() {
  Found found = {};
  // NB: what fails may leave locks of PostgreSQL behind, so it takes a subtransaction to go on.
  ErrorData* error = in_subtransaction(
      [](void* argument) { find_header(static_cast<Found*>(argument)); }, nullptr, &found);
  if (error != nullptr && !is_about_memory(error)) ReThrowError(error);
  return found.segment != DSM_HANDLE_INVALID;
}

std::size_t segment_configured_size() {
  return static_cast<std::size_t>(shared_memory_kb) * 1024;
}

void segment_define_settings() {
  DefineCustomIntVariable(
      "numpool.shared_memory_size",
      "Sets the size of the shared memory that numpool keeps its live state in.",
      "Read when the memory is made, at the first use after the server's start.", &shared_memory_kb,
      kDefaultKb, 1024, MAX_KILOBYTES, PGC_SIGHUP, GUC_UNIT_KB, nullptr, nullptr, nullptr);
}

}  // namespace numpool
