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
/// Every type here may be used from any number of threads, unless its own comment says otherwise.
/// After fork() only the parent may go on using what it had.

#include <numpool/cancellation.hpp>
#include <numpool/client.hpp>
#include <numpool/error.hpp>
#include <numpool/lease.hpp>
#include <numpool/options.hpp>
#include <numpool/pool.hpp>
#include <numpool/status.hpp>
#include <numpool/version.hpp>
