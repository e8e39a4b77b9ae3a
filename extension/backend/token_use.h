// What a backend notes of one token that the open transaction uses.
#pragma once

#include "backend/ledger_entry.h"
#include "shared/token_table.h"

namespace numpool {

enum class UseKind : std::uint8_t {
  kTaken,     // a new lease: its number is this session's until COMMIT
  kPickedUp,  // the same, of an offer
  kKept,      // a lease of this session, which the token gets at COMMIT
  kReleased,  // a lease of the token, whose release waits for COMMIT
  kCalled,    // this call sleeps on the token's place
  kRowLeft,   // the transaction has deleted the row that a lease left when it was over
};

struct TokenUse {
  dlist_node node;  // in the list of all uses
  PoolKey pool;
  TokenKey key;
  // Of a lease that is taken, picked up or kept, which nobody else frees; of a row that is left,
  // which goes with its pool. The others are found by their token.
  Offset record;
  Offset live;               // of a row that is left: the pool
  std::uint64_t generation;  // and which that was
  // Of the lease, and of the row that it has or will have.
  std::uint32_t index;
  std::int64_t fence;
  std::int64_t row_fence;
  std::int64_t ttl;    // microseconds
  LedgerEntry* entry;  // of the first three
  UseKind kind;
  bool releases;            // the token is to hold nothing after COMMIT
  bool has_row;             // there will be a row after COMMIT
  bool by_force;            // somebody else releases it
  SubTransactionId logged;  // of its newest undo record
};

}  // namespace numpool
