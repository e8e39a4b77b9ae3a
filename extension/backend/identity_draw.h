// Drawing the identity of a new pool from the sequence of this database.
#pragma once

#include <cstdint>

namespace numpool {

// The next value of the sequence, by its own rules (increment, limits), as nextval() gives it, but
// without a privilege and without a change of the session's lastval() and currval(). The sequence
// is locked until the transaction ends, as by nextval(). Errors: 42704 where the extension is gone,
// 2200H where the identities are used up.
std::int64_t draw_identity();

}  // namespace numpool
