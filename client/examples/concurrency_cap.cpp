// At most two calls to an outside API at once, over all processes. Who cannot begin in time is told
// so.
#include <chrono>
#include <iostream>
#include <string>

#include <numpool/numpool.hpp>

using namespace std::chrono_literals;

namespace {

std::string call_api(const numpool::pool& cap) {
  const auto permit = cap.acquire_for(100ms);
  return permit ? "called" : "too busy, try later";
}

}  // namespace

int main() {
  numpool::client client;
  client.setup();
  const numpool::pool cap = client.create_or_open("weather-api", 2);

  std::cout << call_api(cap) << '\n';
  const numpool::lease one = cap.acquire();
  const numpool::lease two = cap.acquire();
  std::cout << call_api(cap) << '\n';
}
