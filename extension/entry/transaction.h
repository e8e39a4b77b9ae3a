// The transaction callbacks: what PostgreSQL calls at each end of a transaction. See README.md,
// "Transactions".
#pragma once

namespace numpool {

// Once a backend. May ereport.
void register_transaction_callbacks();

}  // namespace numpool
