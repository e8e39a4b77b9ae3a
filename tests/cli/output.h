// What tests look for in what a program has printed.
#pragma once

#include <string>

#include "support/session.h"

namespace numpool_test {

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Of a JSON document, what a path such as '{leases,0,index}' leads to; the server parses it.
inline std::string at(const std::string& json, const std::string& path) {
  return observer().text("SELECT $1::jsonb #>> $2::text[]", {json, path});
}

}  // namespace numpool_test
