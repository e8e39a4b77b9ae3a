// Reading all definitions while the table's indexes are made anew under the readers.
#include <doctest/doctest.h>

#include "server/calls.h"
#include "server/database.h"

using namespace numpool_test;

TEST_CASE("pools are listed and shown while REINDEX CONCURRENTLY replaces the indexes") {
  Pool pool(3);
  Session lister, viewer, owner;
  const std::string list =
      "SELECT count(*) FROM numpool_list() AS name WHERE name = '" + pool.name() + "'";
  const std::string view = "SELECT size FROM numpool_pools WHERE pool = '" + pool.name() + "'";
  for (int round = 0; round < 10; ++round) {
    owner.send("REINDEX TABLE CONCURRENTLY numpool_definitions");
    do {
      CHECK(lister.number(list) == 1);
      CHECK(viewer.number(view) == 3);
    } while (!owner.done());
    CHECK(owner.finish().ok);
  }
}
