// Telling clients what became of their tickets, through their own backends and without the NOTIFY
// queue. The one place that leans on how PostgreSQL delivers notifications; see README.md,
// "Tickets and delivery".
#pragma once

#include "pg/pg.h"

namespace numpool {

// LISTENs, with the open transaction, to the channel of this session. Errors: 0A000 where no client
// listens.
void listen_to_own_channel();
// Its name; at most 32 bytes of ASCII.
const char* own_channel();

// From PRE_COMMIT: writes what the client is to be told, if the transaction has no xid and has done
// nothing of numpool's, so that no commit of consequence waits for a client's socket.
void deliver();
// Makes this backend run a delivering transaction before it is next ready for a query. Cannot fail.
void raise_delivery();

}  // namespace numpool
