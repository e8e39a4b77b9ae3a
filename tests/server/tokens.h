// Timed leases as the tests ask for them.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "server/calls.h"

namespace numpool_test {

// A token that no other test has, as an SQL literal.
inline std::string new_token() {
  static int made = 0;
  char text[64];
  std::snprintf(text, sizeof(text), "'%08d-0000-4000-8000-000000000000'::uuid", ++made);
  return text;
}

// Four columns: index, fence, whether it lasts, token. An empty timeout: for ever.
inline std::string lease(const Pool& pool, const std::string& token, const std::string& ttl = "1 h",
                         const std::string& timeout = "0") {
  return "SELECT index, fence, expires_at IS NOT NULL, token FROM numpool_lease(" + pool.q() +
         ", '" + ttl + "', " + (token.empty() ? "NULL" : token) + ", " +
         (timeout.empty() ? "NULL" : "'" + timeout + "'") + ")";
}

inline std::string release_token(const std::string& token) {
  return "SELECT numpool_release(" + token + ")";
}

// The fence; NULL of a token that has no number.
inline std::string renew(const std::string& token) {
  return "SELECT fence FROM numpool_renew(" + token + ")";
}

// The same for keep.
inline std::string keep(const Pool& pool, int index, const std::string& token,
                        const std::string& ttl = "1 h") {
  return "SELECT fence FROM numpool_keep(" + pool.q() + ", " + std::to_string(index) + ", '" + ttl +
         "', " + token + ")";
}

// Who has index 0: the token's text, "session", or "" for nobody.
inline std::string owner_of(const Pool& pool, int index = 0) {
  return observer().text("SELECT coalesce(token::text, scope) FROM numpool_leases WHERE pool = " +
                         pool.q() + " AND index = " + std::to_string(index));
}

inline bool has(const Pool& pool, const std::string& token, int index = 0) {
  return "'" + owner_of(pool, index) + "'::uuid" == token;
}

inline std::int64_t rows_of(const Pool& pool) {
  return observer()
      .number(
          "SELECT count(*) FROM numpool_timed JOIN numpool_definitions USING (identity) "
          "WHERE name = " +
          pool.q())
      .value();
}

}  // namespace numpool_test
