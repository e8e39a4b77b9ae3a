// The fences of each database in shared memory: its record in the arena, kept while the server
// runs. What may be given when is decided by core/fence_block; drawing is in backend/fence_draw
// (README, "Fences (P7)").
#pragma once

#include "core/fence_block.h"
#include "core/region.h"
#include "pg/pg.h"

namespace numpool {

// One a database. Guarded by the registry lock, but for what FenceBlock says.
struct FenceRecord {
  Oid database;           // InvalidOid: free
  std::uint32_t users;    // live pools that take their fences from it
  std::uint64_t used_at;  // a count of uses: the least is the oldest
  FenceBlock block;
};

// Records that a segment of that size has.
std::uint32_t fence_record_count(std::size_t segment_size);

// This database's record, for one live pool more. If it has none, it takes a free one, or the
// oldest that no live pool uses; 0: there is no such. Under the registry lock.
Offset fence_use();
// The pool of fence_use is gone. The record stays. Under the registry lock.
void fence_disuse(Offset record);
// The same record for whoever has no pool, or 0. It may become another database's at any time.
// Takes the registry lock.
Offset fence_find();

// What an arrival of this session needs of the fences that `sequence` has the draws of.
FenceWish fence_wish(Oid sequence, std::int64_t at_least);

// Whether there is a fence for every arrival that has been let in and for one more. A pool that
// uses the record is locked.
bool fence_covers_arrival(Offset record, Oid sequence);

// What is to be done next about that wish. False: the record is another database's by now. Takes
// the registry lock, as do all below.
bool fence_advise(Offset offset, const FenceWish& wish, FenceAdvice* advice);
// Whether a draw is still wanted; then where it may begin, and how many it should be.
bool fence_wants_draw(Offset offset, const FenceWish& wish, std::int64_t* floor,
                      std::int64_t* count);
// The fence that is given next, if the record is still this database's.
std::int64_t fence_next(Offset record);
// Notes the draw for that wish, whose record in the WAL ends at `position`.
void fence_drawn(Offset offset, const FenceWish& wish, const FenceDraw& draw, XLogRecPtr position);
// The WAL up to `position` is where `assurance` says.
void fence_assured(Offset offset, XLogRecPtr position, Assurance assurance);

}  // namespace numpool
