// Who waits for whom, as it was copied from queues, slots and locks, and who of them is stuck. The
// caller fills the arrays and brings the memory; nothing here is shared.
//
// A session is *stuck* if nothing that others do of their own accord can ever let it go on:
//   - it waits in a pool's queue, and one that is served before it is stuck, or the numbers of the
//     pool that no stuck session holds are fewer than it wants;
//   - or it sleeps for a lock, and one of those that block it is stuck.
// A session that runs, or whose wait ends by itself, is not. What is meant is the largest set of
// which all this is true, so it is found by taking away who is not stuck.
#pragma once

#include <cstddef>
#include <cstdint>

namespace numpool {

constexpr std::uint32_t kNone32 = UINT32_MAX;

// It runs if it neither waits in a queue nor has a blocker.
struct GraphSession {
  std::uint64_t serial;         // of its wait in a queue
  std::uint32_t wait;           // that wait, or kNone32
  std::uint32_t first_blocker;  // of the locks that it sleeps for
  std::uint32_t blocker_count;
};

// Waits and holdings of a pool follow each other in their arrays.
struct GraphPool {
  std::uint32_t size;
  std::uint32_t first_wait;
  std::uint32_t wait_count;
  std::uint32_t first_holding;
  std::uint32_t holding_count;
};

// In the order of being served. Whoever leaves a queue by himself is left out.
struct GraphWait {
  std::uint32_t session;
  std::uint32_t pool;
  std::uint32_t wanted;
};

// The numbers below the pool's size that one session holds; one element a session and pool.
struct GraphHolding {
  std::uint32_t session;
  std::uint32_t pool;
  std::uint32_t count;
  std::uint32_t index;  // one of them, to be named
};

struct WaitGraph {
  const GraphSession* sessions;
  const GraphPool* pools;
  const GraphWait* waits;
  const GraphHolding* holdings;
  const std::uint32_t* blockers;  // sessions
  std::uint32_t session_count;
  std::uint32_t pool_count;
  std::uint32_t wait_count;
  std::uint32_t holding_count;
  std::uint32_t blocker_count;
};

// Divides a piece of memory that is large enough.
class Carver {
 public:
  explicit Carver(void* memory) noexcept : base_(static_cast<char*>(memory)) {}

  // `count` of them, not initialised.
  template <typename T>
  T* take(std::size_t count) noexcept {
    used_ = (used_ + alignof(T) - 1) / alignof(T) * alignof(T);
    T* taken = reinterpret_cast<T*>(base_ + used_);
    used_ += sizeof(T) * count;
    return taken;
  }

 private:
  char* base_;
  std::size_t used_ = 0;
};

// Takes the same, and tells how large that is.
class CarverMeasure {
 public:
  template <typename T>
  T* take(std::size_t count) noexcept {
    used_ = (used_ + alignof(T) - 1) / alignof(T) * alignof(T) + sizeof(T) * count;
    return nullptr;
  }
  std::size_t used() const noexcept { return used_; }

 private:
  std::size_t used_ = 0;
};

// Which sessions are stuck. `memory` is of stuck_memory(graph) bytes, aligned for any type, and
// stays the caller's.
struct StuckSet {
  bool* stuck;                // by session
  std::uint32_t count;        // of them
  std::uint32_t* first_wait;  // by pool: of its waits, the first of a stuck session
  std::uint32_t* held;        // by pool: numbers that stuck sessions hold

  // Whether what others hold or could give back is too little for that wait, its turn apart.
  bool lacks_numbers(const WaitGraph& graph, const GraphWait& wait) const noexcept {
    return graph.pools[wait.pool].size < held[wait.pool] + wait.wanted;
  }
};

std::size_t stuck_memory(const WaitGraph& graph) noexcept;
// In time linear in the size of the graph.
StuckSet find_stuck(const WaitGraph& graph, void* memory) noexcept;

}  // namespace numpool
