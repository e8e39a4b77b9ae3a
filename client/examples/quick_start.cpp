// The README's quick start: two numbers, one lease at a time.
#include <iostream>

#include <numpool/numpool.hpp>

int main() {
  numpool::client client;  // DATABASE_URL, or libpq's environment
  client.setup();          // CREATE EXTENSION IF NOT EXISTS
  numpool::pool gpus = client.create_or_open("gpu", 2);

  numpool::lease mine = gpus.acquire();  // the lowest free number, or wait in line
  std::cout << "I have number " << mine.index() << '\n';

  if (auto another = gpus.try_acquire()) std::cout << "and number " << another->index() << '\n';
  std::cout << gpus.status().in_use << " in use\n";  // the second went back at its scope's end
}
