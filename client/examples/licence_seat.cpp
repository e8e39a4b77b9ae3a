// A licence seat that reacts to its loss: here an administrator drops the pool by force.
#include <future>
#include <iostream>

#include <numpool/numpool.hpp>

int main() {
  numpool::client client;
  client.setup();
  numpool::lease seat = client.create_or_open("licence", 5).acquire();
  std::cout << "seat " << seat.index() << '\n';

  std::promise<void> lost;
  seat.on_lost([&lost] { lost.set_value(); });

  numpool::client administrator;
  administrator.drop("licence", numpool::drop_mode::force);

  lost.get_future().wait();  // save the work, then stop
  std::cout << (seat.lost() ? "seat lost, work saved" : "still there") << '\n';
}
