// What the functions behind the views share. Rows are copied out under a pool's lock, a batch at a
// time, and formed without it.
#pragma once

#include "backend/definitions.h"
#include "backend/token_access.h"
#include "shared/pool_unlock.h"

namespace numpool {

// Slots copied under one lock.
constexpr std::uint32_t kBatch = 1024;

// The rows of a result, which are kept until the function returns.
struct Rows {
  ReturnSetInfo* result;
};

// To be called first by every such function.
Rows begin_rows(FunctionCallInfo fcinfo);
void put_row(Rows& rows, Datum* values, bool* nulls);

// What views show of a token's record, copied under its pool's lock.
struct TokenRow {
  bool is_token;  // false: the other members mean nothing
  bool ends;      // by time
  Token token;
  Oid role;
  std::int64_t left;  // microseconds
  std::uint16_t holder_length;
  char holder[kMaxHolderLength];
};
void copy_token(const TimedRecord& record, TokenRow* row);
// Four columns: holder, expires_at, token, role. The token is for those who may use it.
void fill_token_columns(const TokenRow& row, Datum* values, bool* nulls);

// The offsets of this database's live pools.
struct LivePools {
  Offset* offsets;
  std::uint64_t* generations;
  std::uint32_t count;
};

LivePools list_live_pools();
// Locks the i-th of them if it is still there and published; else nullptr.
LivePool* lock_listed(const LivePools& pools, std::uint32_t i);

// Locks the live pool of a definition; nullptr if it has none here and now, or just a stub.
LivePool* lock_defined(const Definition& definition);

// A pool's name, copied under its lock.
struct Name {
  char bytes[kMaxNameLength * 4];
  std::uint32_t length;  // 0: to be read from the row
  std::int64_t identity;
};

void copy_name(const LivePool& live, Name* name);
// Reads the name from the row, where shared memory had no room for it. No numpool lock held.
void complete_name(Name* name);
Datum name_datum(const Name& name);

}  // namespace numpool
