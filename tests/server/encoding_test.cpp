// Pools in databases of every kind of encoding. A name may have bytes that stand for no Unicode
// character; such a pool can be used, its clients notified, and it can be dropped, like any other.
#include <doctest/doctest.h>

#include "server/database.h"

using namespace numpool_test;

namespace {

struct Encoding {
  const char* encoding;
  const char* name;     // of a pool, as an SQL literal
  const char* payload;  // that name as JSON
};

// \x81 stands for nothing in WIN1252; MULE_INTERNAL, which 19 has no more, has no conversion to
// UTF-8 at all.
constexpr Encoding kEncodings[] = {
    {"UTF8", R"(E'\u00e9\U0001F3B1')", R"("\u00e9\ud83c\udfb1")"},
    {"LATIN1", R"(E'x\xe9')", R"("x\u00e9")"},
    {"WIN1252", R"(E'x\x80')", R"("x\u20ac")"},
    {"WIN1252", R"(E'x\x81')", R"("x\u0081")"},
    {"WIN1252", R"(E'\x81x')", R"("\u0081x")"},
    {"EUC_JP", R"(E'\xa4\xa2')", R"("\u3042")"},
    {"SQL_ASCII", R"(E'x\xff\xfe')", R"("x\u00ff\u00fe")"},
    {"MULE_INTERNAL", "'plain'", R"("plain")"},
    {"MULE_INTERNAL", R"(E'\x81\xe9')", R"("\u0081\u00e9")"},
};

}  // namespace

TEST_CASE("a pool whose name is odd in its encoding works and can be dropped") {
  const std::string where = std::string(Database::kWhere) + " client_encoding=SQL_ASCII";
  const bool has_mule =
      Session().number("SELECT current_setting('server_version_num')::int") < 190000;
  for (const Encoding& one : kEncodings) {
    if (!has_mule && std::string(one.encoding) == "MULE_INTERNAL") continue;
    CAPTURE(one.encoding);
    CAPTURE(one.name);
    Database database("ENCODING '" + std::string(one.encoding) + "' LOCALE 'C' TEMPLATE template0");
    Session session(where), waiter(where);
    const std::string name = one.name, pool = "(" + name + ")";
    REQUIRE(session.value("SELECT numpool_create(" + name + ", 1)") == "t");
    CHECK(session.number("SELECT numpool_try_acquire" + pool) == 0);
    CHECK(session.number("SELECT count(*) FROM numpool_list" + pool) == 1);
    CHECK(session.number("SELECT count(*) FROM numpool_leases WHERE pool = " + name) == 1);
    waiter.must("SELECT numpool_enqueue" + pool);
    CHECK(session.value("SELECT numpool_release(" + name + ", 0)") == "t");
    const auto told = waiter.await_notifications();
    REQUIRE(told.size() == 1);
    CHECK(told.front().payload.find("\"pool\":" + std::string(one.payload) + ",") !=
          std::string::npos);
    CHECK(session.number("SELECT numpool_resize(" + name + ", 2)") == 1);
    CHECK(session.state("SELECT numpool_drop" + pool) == "55006");
    waiter.must("SELECT numpool_release_all()");
    CHECK(session.value("SELECT numpool_drop" + pool) == "t");
    CHECK(session.state("SELECT numpool_try_acquire" + pool) == "42704");
  }
}
