// A primary and its standby, which change places: a standby made from the primary is
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
  Pair(Server& primary, bool synchronous);
  // Ends the one of the two servers that this object has added.
  ~Pair();
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // The primary must be gone.
  void promote();
  // Makes a new standby in the place of the old one. When this returns, a synchronous standby has
  // received the fence of every grant made so far.
  void make_standby();
  // The standby is not there for a while.
  void stop_standby();
  void start_standby();

 private:
  Session connect_to(const Server& server) const;
  void await_streaming() const;
  void make_synchronous() const;

  Server& primary_;
  bool synchronous_;
  std::string folder_;  // of sockets
  Server standby_;
  Server added_;
};

}  // namespace numpool_test
