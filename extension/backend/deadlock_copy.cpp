#include "backend/deadlock_copy.h"

#include <cstdlib>

#include "pg/debug_point.h"
#include "shared/place_sleep.h"

namespace numpool {

namespace {

// Slots copied under one lock.
constexpr std::uint32_t kBatch = 1024;

// A session that seems to sleep in a queue.
struct Candidate {
  Offset live;
  SessionId session;
  std::uint64_t serial;  // of the wait that is looked for; 0: of any
  std::uint32_t wanted;
};

// A number of a pool that is being copied, and who holds it.
struct TakenNumber {
  int pid;
  std::uint32_t index;
};

struct SessionByPid {
  int pid;  // NB: first, the key
  std::uint32_t session;
};

// One look on its way.
struct Look {
  DeadlockCopy* copy;
  const DeadlockCopy* first;  // of a second look, else nullptr
  HTAB* by_pid;
  PallocList<Candidate> candidates;
  PallocList<int> lock_sleepers;
  PallocList<std::uint32_t> tally;  // by session: numbers of the pool in hand
  TakenNumber* batch;
};

bool too_much(const DeadlockCopy& copy) {
  return copy.sessions.count > kMostSessions || copy.slots_seen > kMostSlots ||
         copy.waits.count + copy.holdings.count + copy.blockers.count > kMostEdges;
}

std::uint32_t add_session(Look& look, int pid, SessionId sleeper) {
  SessionByPid* entry =
      static_cast<SessionByPid*>(hash_search(look.by_pid, &pid, HASH_ENTER, nullptr));
  entry->session = look.copy->sessions.add({0, kNone32, 0, 0});
  look.copy->who.add({pid, sleeper});
  look.tally.add(0);
  return entry->session;
}

// The session in the graph, or kNone32 if it runs.
std::uint32_t session_of(Look& look, int pid) {
  const SessionByPid* entry =
      static_cast<SessionByPid*>(hash_search(look.by_pid, &pid, HASH_FIND, nullptr));
  if (entry != nullptr) return entry->session;
  return is_listed(look.lock_sleepers, pid) ? add_session(look, pid, 0) : kNone32;
}

Look begin_look(DeadlockCopy* copy, const DeadlockCopy* first) {
  Look look = {};
  look.copy = copy;
  look.first = first;
  HASHCTL control;
  MemSet(&control, 0, sizeof(control));
  control.keysize = sizeof(int);
  control.entrysize = sizeof(SessionByPid);
  control.hcxt = CurrentMemoryContext;
  look.by_pid =
      hash_create("numpool deadlock check", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
  look.batch = static_cast<TakenNumber*>(palloc(sizeof(TakenNumber) * kBatch));
  return look;
}

// Everybody who seems to sleep in a queue or for a lock. What is read here without a lock is a
// hint.
void list_sleepers(Look& look) {
  const Session* sessions = all_sessions();
  PallocList<int> all = {};
  PallocList<int> limited = {};
  for (std::uint32_t i = 0; i < arena().session_count; ++i) {
    const Session& session = sessions[i];
    const SessionId id = session.id.load(std::memory_order_acquire);
    if (id == 0) continue;
    if (session.gives_up_by_itself.load(std::memory_order_relaxed)) limited.add(session.pid);
    if (session.sleeper.state.load(std::memory_order_acquire) == WaiterState::kQueued)
      look.candidates.add({session.sleeps_in.load(std::memory_order_relaxed), id, 0, 0});
  }
  list_lock_sleepers(all);
  sort_pids(limited);
  for (const int pid : all)
    if (!is_listed(limited, pid)) look.lock_sleepers.add(pid);
  sort_pids(look.lock_sleepers);
}

// Of those who were stuck by the first look.
void list_stuck(Look& look, const StuckSet& stuck) {
  const DeadlockCopy& first = *look.first;
  for (std::uint32_t s = 0; s < first.sessions.count; ++s) {
    if (!stuck.stuck[s]) continue;
    const GraphSession& session = first.sessions[s];
    if (session.wait == kNone32) {
      look.lock_sleepers.add(first.who[s].pid);
      continue;
    }
    const CopiedPool& pool = first.pool_info[first.waits[session.wait].pool];
    look.candidates.add({pool.live, first.who[s].sleeper, session.serial, 0});
  }
  sort_pids(look.lock_sleepers);
}

int compare_candidates(const void* a, const void* b) {
  const Candidate& left = *static_cast<const Candidate*>(a);
  const Candidate& right = *static_cast<const Candidate*>(b);
  if (left.live != right.live) return left.live < right.live ? -1 : 1;
  if (left.serial != right.serial) return left.serial < right.serial ? -1 : 1;
  return 0;
}

// Notes how long something was locked.
class HoldTime {
 public:
  explicit HoldTime(DeadlockCopy* copy) : copy_(copy) { INSTR_TIME_SET_CURRENT(began_); }
  void end() {
    instr_time now;
    INSTR_TIME_SET_CURRENT(now);
    INSTR_TIME_SUBTRACT(now, began_);
    copy_->longest_hold = Max(copy_->longest_hold, INSTR_TIME_GET_MILLISEC(now));
  }

 private:
  DeadlockCopy* copy_;
  instr_time began_;
};

void sort_candidates(Candidate* candidates, std::uint32_t count) {
  if (count > 1) qsort(candidates, count, sizeof(Candidate), compare_candidates);
}

// Locks the pool if it still is the one that is being copied; at the first time it becomes it.
LivePool* lock_copied(CopiedPool& pool, std::uint32_t* size) {
  LivePool* live = live_pool_at(pool.live);
  LWLockAcquire(&live->lock, LW_SHARED);
  if (pool.generation == 0 && live->state == LiveState::kLive) {
    pool.generation = live->generation;
    pool.database = live->key.database;
    *size = live->pool.size;
  }
  if (live->state == LiveState::kLive && live->generation == pool.generation &&
      live->pool.size == *size)
    return live;
  LWLockRelease(&live->lock);
  return nullptr;
}

void tally_batch(Look& look, std::uint32_t count, std::uint32_t pool,
                 PallocList<GraphHolding>& holdings) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t session = session_of(look, look.batch[i].pid);
    if (session == kNone32) continue;
    if (look.tally[session] == 0)
      look.tally[session] = holdings.add({session, pool, 0, look.batch[i].index}) + 1;
    ++holdings[look.tally[session] - 1].count;
  }
}

// Copies who holds what, and counts numbers that are out of service and in nobody's hands. False:
// the pool has changed.
bool copy_slots(Look& look, CopiedPool& info, GraphPool& pool, std::uint32_t number,
                std::uint32_t* out) {
  DeadlockCopy& copy = *look.copy;
  bool same = true;
  for (std::uint32_t from = 0; same && (from == 0 || from < pool.size); from += kBatch) {
    LivePool* live = lock_copied(info, &pool.size);
    same = live != nullptr;
    if (!same) break;
    HoldTime hold(&copy);
    std::uint32_t count = 0;
    const std::uint32_t end = Min(from + kBatch, pool.size);
    for (std::uint32_t index = from; index < end; ++index) {
      const Slot& slot = live->pool.slot(region(), index);
      const SessionId user = user_of_slot(slot);
      const Session* holder = user == 0 ? nullptr : find_session(user);
      if (holder != nullptr) look.batch[count++] = {holder->pid, index};
      // Nobody may hope for it.
      if (slot.holder == 0 && live->pool.out.lists(region(), index)) ++*out;
    }
    LWLockRelease(&live->lock);
    hold.end();
    copy.slots_seen += end - from;
    tally_batch(look, count, number, copy.holdings);
    if (too_much(copy)) break;
  }
  for (std::uint32_t i = pool.first_holding; i < copy.holdings.count; ++i)
    look.tally[copy.holdings[i].session] = 0;
  return same;
}

// Copies who of the candidates waits in the pool; after the slots. False: the pool has changed.
bool copy_sleepers(DeadlockCopy& copy, CopiedPool& info, GraphPool& pool, Candidate* candidates,
                   std::uint32_t count) {
  LivePool* live = lock_copied(info, &pool.size);
  if (live == nullptr) return false;
  HoldTime hold(&copy);
  for (std::uint32_t i = 0; i < count; ++i) {
    Candidate& candidate = candidates[i];
    const std::uint64_t wanted_serial = candidate.serial;
    candidate.serial = 0;
    const Session* session = find_session(candidate.session);
    if (session == nullptr) continue;
    // NB: whoever is in this queue stays in it while it is locked; one that joins another meanwhile
    // shows that by `sleeps_in`, if its state is seen.
    const Waiter& waiter = session->sleeper;
    if (waiter_in_queue(*session, *live) == nullptr) continue;
    const std::uint64_t serial = waiter.serial.load(std::memory_order_relaxed);
    if (waiter.ends_by_itself || (wanted_serial != 0 && wanted_serial != serial)) continue;
    candidate.serial = serial;
    candidate.wanted = waiter.wanted;
  }
  LWLockRelease(&live->lock);
  hold.end();
  return true;
}

// The queue is first in, first out, so its order is that of the serials.
void add_waits(Look& look, const Candidate* candidates, std::uint32_t count, std::uint32_t number) {
  DeadlockCopy& copy = *look.copy;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (candidates[i].serial == 0) continue;
    const Session* record = find_session(candidates[i].session);
    if (record == nullptr) continue;
    const std::uint32_t session = session_of(look, record->pid);
    if (session == kNone32) continue;
    copy.sessions[session].serial = candidates[i].serial;
    const bool wants_all = candidates[i].wanted == kEveryNumber;
    copy.sessions[session].wait = copy.waits.add(
        {session, number, wants_all ? copy.pools[number].size : candidates[i].wanted});
    ++copy.pools[number].wait_count;
  }
}

void copy_pool(Look& look, Candidate* candidates, std::uint32_t count) {
  DeadlockCopy& copy = *look.copy;
  CopiedPool info = {candidates[0].live, 0, InvalidOid};
  GraphPool pool = {0, copy.waits.count, 0, copy.holdings.count, 0};
  const std::uint32_t number = copy.pools.count;
  std::uint32_t out = 0;
  if (!copy_slots(look, info, pool, number, &out) ||
      !copy_sleepers(copy, info, pool, candidates, count)) {
    copy.holdings.count = pool.first_holding;
    return;
  }
  pool.holding_count = copy.holdings.count - pool.first_holding;
  pool.size -= out;
  copy.pools.add(pool);
  copy.pool_info.add(info);
  sort_candidates(candidates, count);
  add_waits(look, candidates, count, number);
}

bool copy_pools(Look& look) {
  sort_candidates(look.candidates.items, look.candidates.count);
  for (const Candidate& candidate : look.candidates) {
    const Session* session = find_session(candidate.session);
    if (session != nullptr) add_session(look, session->pid, candidate.session);
  }
  for (std::uint32_t begin = 0, end; begin < look.candidates.count; begin = end) {
    end = begin + 1;
    while (end < look.candidates.count && look.candidates[end].live == look.candidates[begin].live)
      ++end;
    if (look.candidates[begin].live != 0)
      copy_pool(look, look.candidates.items + begin, end - begin);
    debug_point(DebugPoint::kPoolCopied);
    if (too_much(*look.copy)) return false;
    CHECK_FOR_INTERRUPTS();
  }
  return true;
}

// Whether the second look is not at that wait, or finds it as the first did.
bool is_confirmed(const Look& look, const LockWait& wait) {
  if (look.first == nullptr) return true;
  for (const LockWait& before : look.first->lock_waits)
    if (before == wait) return true;
  return false;
}

void copy_lock_waits(Look& look, std::uint32_t session) {
  DeadlockCopy& copy = *look.copy;
  PallocList<LockBlocker> found = {};
  const std::uint32_t first_blocker = copy.blockers.count;
  HoldTime hold(&copy);
  look_up_lock_waits(copy.who[session].pid, copy.lock_waits, found);
  hold.end();
  for (const LockBlocker& blocker : found) {
    const std::uint32_t by = session_of(look, blocker.pid);
    if (by == kNone32 || by == session || !is_confirmed(look, copy.lock_waits[blocker.wait]))
      continue;
    copy.blockers.add(by);
    copy.blocker_waits.add(blocker.wait);
  }
  copy.sessions[session].first_blocker = first_blocker;
  copy.sessions[session].blocker_count = copy.blockers.count - first_blocker;
}

// Marks the sessions whose sleep for a lock makes a difference: they hold numbers of pools in whose
// queues somebody would be stuck if they were. To look up a lock stops the lock manager for all.
bool* find_relevant(const DeadlockCopy& copy) {
  bool* relevant = static_cast<bool*>(palloc0(copy.sessions.count + 1));
  DeadlockCopy supposed = copy;
  supposed.sessions = {};
  supposed.blockers = {};
  for (std::uint32_t s = 0; s < copy.sessions.count; ++s) {
    GraphSession session = copy.sessions[s];
    if (copy.who[s].sleeper == 0) {
      session.first_blocker = supposed.blockers.add(s);
      session.blocker_count = 1;
    }
    supposed.sessions.add(session);
  }
  const WaitGraph graph = supposed.graph();
  const StuckSet stuck = find_stuck(graph, palloc(stuck_memory(graph)));
  for (const GraphHolding& holding : copy.holdings) {
    const GraphPool& pool = copy.pools[holding.pool];
    if (stuck.first_wait[holding.pool] != pool.first_wait + pool.wait_count)
      relevant[holding.session] = true;
  }
  return relevant;
}

// Who is met on the way is added at the end, and so gets its turn.
bool copy_locks(Look& look) {
  const std::uint32_t holders = look.copy->sessions.count;
  const bool* relevant = find_relevant(*look.copy);
  for (std::uint32_t s = 0; s < look.copy->sessions.count; ++s) {
    if (look.copy->who[s].sleeper != 0 || (s < holders && !relevant[s])) continue;
    copy_lock_waits(look, s);
    if (too_much(*look.copy)) return false;
    CHECK_FOR_INTERRUPTS();
  }
  return true;
}

}  // namespace

bool look_at_all(DeadlockCopy* copy) {
  Look look = begin_look(copy, nullptr);
  list_sleepers(look);
  return copy_pools(look) && copy_locks(look);
}

bool look_again(DeadlockCopy* copy, const DeadlockCopy& first, const StuckSet& stuck) {
  Look look = begin_look(copy, &first);
  list_stuck(look, stuck);
  return copy_pools(look) && copy_locks(look);
}

}  // namespace numpool
