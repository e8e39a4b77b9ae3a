// A licence that outlives the program that checked it out: another one takes it up by its token.
#include <chrono>
#include <iostream>
#include <string>

#include <numpool/numpool.hpp>

using namespace std::chrono_literals;

namespace {

/// What stays is the token: in a file, say, or in a web session.
std::string check_out() {
  numpool::client client;
  client.setup();
  const numpool::pool licences = client.create_or_open("licence", 2);
  numpool::timed_options options;
  options.ttl = 2h;
  options.holder = "jane, desk 7";
  numpool::timed_lease licence = licences.acquire_timed(options);
  std::cout << "checked out licence " << licence.index() << '\n';
  return licence.detach();
}

}  // namespace

int main() {
  const std::string token = check_out();
  numpool::client client;
  std::cout << client.open("licence").leases().at(0).holder.value_or("nobody") << " has it\n";
  auto licence = client.adopt(token);
  if (!licence) return 1;
  licence->on_lost([] { std::cout << "lost\n"; });
  std::cout << "still licence " << licence->index() << '\n';
  licence->release();
  std::cout << client.open("licence").status().in_use << " in use\n";
}
