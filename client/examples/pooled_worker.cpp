// A worker behind PgBouncer in transaction mode. No session is its own, so its number is a token's.
#include <atomic>
#include <chrono>
#include <iostream>

#include <numpool/numpool.hpp>

using namespace std::chrono_literals;

int main() {
  numpool::client_options options;  // DATABASE_URL, or libpq's environment
  options.transaction_pooling = true;
  numpool::client client(options);
  client.setup();
  const numpool::pool shards = client.create_or_open("shard", 2);

  numpool::timed_options wish;
  wish.ttl = 30s;
  wish.holder = "indexer on host 7";
  numpool::timed_lease shard = shards.acquire_timed(wish);  // waits in line; renewed from then on
  std::atomic<bool> over{false};
  shard.on_lost([&] { over = true; });  // not renewed for 30 s, or ended by somebody else

  for (int job = 1; job <= 2 && !over; ++job)
    std::cout << "job " << job << " in shard " << shard.index() << '\n';

  shard.release();
  std::cout << shards.status().in_use << " in use\n";
}
