// What lies between clients and their servers: doors on loopback, each with a Unix socket behind
// it. It forwards bytes in their order. A door can go silent, be slow, and lose one end or
// both.
#pragma once

#include <atomic>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "torture/edges/belief.h"

namespace numpool_test {

class Relay {
 public:
  // A door for each path of a socket.
  explicit Relay(const std::vector<std::string>& targets);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  int port(int door) const { return doors_[static_cast<std::size_t>(door)].port; }

  // Until then nothing is forwarded, not even an end, in connections old and new.
  void silence(int door, Time until);
  // Until then everything comes so much later.
  void slow(int door, Time until, Time delay);
  // The server's ends are closed; the clients' stay open and silent until they close them.
  void lose_server(int door);
  // Both ends are closed.
  void cut(int door);
  // What all this did to those behind the doors. After all connections are closed.
  std::vector<Haze> hazes() const;

 private:
  struct Chunk {
    Time due;
    std::string bytes;
  };
  // One direction.
  struct Way {
    std::deque<Chunk> chunks;
    bool ended = false;  // no more will come
  };
  struct Link {
    int door;
    int ends[2];           // the client's and the server's socket; -1: closed
    Way ways[2];           // from that end to the other
    std::size_t haze = 0;  // of one whose server is lost
  };
  struct Door {
    std::string target;
    int listener = -1;
    int port = 0;
    Time silent_until = 0;
    Time slow_until = 0;
    Time delay = 0;
  };

  void run();
  void step();
  void admit(int door);
  // False if it is over.
  bool forward(Link& link, const short* events);
  void receive(Link& link, int from);
  // False if the other end is gone.
  bool deliver(Link& link, int from);
  bool silent(const Link& link) const;
  void close_ends(Link& link, bool reset);
  void wake();

  std::vector<Door> doors_;
  std::list<Link> links_;
  std::vector<Haze> hazes_;
  std::uint64_t changes_ = 0;  // of the list of links by another thread
  mutable std::mutex mutex_;   // guards all of these but targets and ports
  int waker_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace numpool_test
