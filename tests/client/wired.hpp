#pragma once

#include <cstdlib>

#include "fixture.hpp"
#include "proxy.hpp"

/// A fixture whose tests reach the server by a wire that they can cut.
struct wired : fixture {
  wired() : wire(address(), std::atoi(std::getenv("PGPORT"))) {}

  static std::string address() {
    session any;
    const std::string out = any.query("SHOW listen_addresses").value_or("");
    REQUIRE_MESSAGE(out.compare(0, 4, "127.") == 0,
                    "start the server with -c listen_addresses=127.x.y.z");
    return out;
  }

  numpool::client_options options() const {
    numpool::client_options out;
    out.conninfo = wire.conninfo();
    return out;
  }

  const pauses quick{2ms, 20ms};
  proxy wire;
};
