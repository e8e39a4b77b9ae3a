#pragma once

/// numpool: numbers leased from pools that live in PostgreSQL.
///
///     numpool::client client;                          // DATABASE_URL, or libpq's environment
///     client.setup();                                  // CREATE EXTENSION IF NOT EXISTS numpool
///     numpool::pool gpus = client.create_or_open("gpu", 4);
///     numpool::lease gpu = gpus.acquire();             // waits its turn
///     use_gpu(gpu.index());                            // 0..3; nobody else has it
///                                                      // the destructor gives it back
///
/// Of every class here any number of threads may call the const members at once, and the others
/// that its comment names; the plain structs are values, like a std::string.
/// Signals are blocked in the library's threads.
///
/// After fork() clients, pools and leases are the parent's. In the child they may be destroyed,
/// without effect, and calls throw error_kind::client_closed. A child that lives on without exec()
/// keeps the connection's socket open: should the parent be killed, the server learns of it only
/// when the child has ended, too.

#include <numpool/cancellation.hpp>
#include <numpool/client.hpp>
#include <numpool/error.hpp>
#include <numpool/lease.hpp>
#include <numpool/options.hpp>
#include <numpool/pool.hpp>
#include <numpool/status.hpp>
#include <numpool/timed_lease.hpp>
#include <numpool/version.hpp>
