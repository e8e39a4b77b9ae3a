// A primary and its synchronous standby, which change places: a standby made from the primary is
// promoted when that is dead, and a new one takes the dead one's place.
#pragma once

#include <string>

#include "support/session.h"
#include "torture/server.h"

namespace numpool_test {

class Pair {
 public:
  // Makes a standby of the running server, which stays the primary in turn. From then on libpq's
  // environment leads to the primary, whichever of the two it is.
  explicit Pair(Server& primary);
  // Ends the one of the two servers that this object has added.
  ~Pair();
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // The primary must be gone.
  void promote();
  // Makes a new standby in the place of the old one. When this returns, the standby has received
  // the fence of every grant made so far.
  void make_standby();

 private:
  Session connect_to(const Server& server) const;
  void make_synchronous() const;

  Server& primary_;
  std::string folder_;  // of sockets
  Server standby_;
  Server added_;
};

}  // namespace numpool_test
