// What the queue of the row-bitmap way is measured with, besides its System.
#pragma once

#include <string>

namespace bench {

class Session;

// Statements "lock", "take", "take first", "join", "free" and "tell".
void prepare_row_bitmap(Session& session);
void release_row_bitmap(Session& session, const std::string& pool, int index,
                        const std::string& channel);

}  // namespace bench
