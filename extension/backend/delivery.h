// Telling clients what became of their tickets, through their own backends and without the NOTIFY
// queue. The one place that leans on how PostgreSQL delivers notifications; see README.md,
// "Tickets and delivery".
#pragma once

#include "pg/pg.h"

namespace numpool {

// LISTENs, with the open transaction, to the channel of this session. Errors: 0A000 where no client
// listens.
void listen_to_own_channel();
// Its name: ASCII, at most 40 bytes, 128 random bits of them, so that no other role can guess it.
const char* own_channel();
// The same for the client, who then wants to be told of the leases that he takes in any way.
const char* tell_channel();
// To be called before a lease of the session is taken: LISTENs, if the client wants to be told.
void listen_if_wanted();
// The user has UNLISTENed: keeps listening while there is something that the client may have to be
// told. May ereport.
void listen_on();
// DISCARD ALL has UNLISTENed, and whoever has the connection next gets another channel.
void stop_listening();

// From PRE_COMMIT: writes what the client is to be told, in a transaction that PostgreSQL runs to
// handle a notify interrupt; in a user's it does nothing.
void deliver();
// Makes this backend run a delivering transaction before it is next ready for a query. Cannot fail.
void raise_delivery();

}  // namespace numpool
