// The page of a sequence, read and written without nextval(): that would move the lastval() of the
// user's session, want privileges, and write to the WAL what it has not given yet.
#pragma once

#include "pg/pg.h"

extern "C" {
#include "storage/buf.h"
}

namespace numpool {

// What the page says. `logged_ahead` is PostgreSQL's own column for what nextval has logged and not
// given; where nextval is not used it may hold anything but a negative number.
struct SequenceState {
  std::int64_t last_value;
  std::int64_t logged_ahead;
  bool is_called;
};

// The page, locked exclusively until unlock_sequence_page. Whoever has it is alone.
Buffer lock_sequence_page(Relation sequence);
void unlock_sequence_page(Buffer buffer);

SequenceState read_sequence_page(Buffer buffer);
// Writes to the page, and to the WAL as an image of the page: so that a copy of the page, wherever
// it was made, has nothing that the WAL has not. No transaction id: the COMMIT that follows has
// nothing to wait for. Returns the end of the WAL record.
XLogRecPtr write_sequence_page(Relation sequence, Buffer buffer, const SequenceState& state);

}  // namespace numpool
