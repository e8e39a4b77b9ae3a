// The NOTIFY payload, which any role that may connect can send: never worse than refused, and what
// is accepted means the same when it is written out and read again.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "notification.hpp"

using numpool::detail::notification;
using numpool::detail::parse_notification;

namespace {

void append_string(std::string& out, const char* name, const std::string& value) {
  out += std::string(",\"") + name + "\":\"";
  for (const char c : value) {
    char escaped[8];
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) {
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned char>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_integer(std::string& out, const char* name, std::int64_t value) {
  out += std::string(",\"") + name + "\":" + std::to_string(value);
}

std::string written(const notification& from) {
  std::string out = "{\"later\":null";
  if (from.ticket) append_integer(out, "ticket", *from.ticket);
  if (from.pool) append_string(out, "pool", *from.pool);
  if (from.index) append_integer(out, "index", *from.index);
  if (from.fence) append_integer(out, "fence", *from.fence);
  if (from.error) append_string(out, "error", *from.error);
  return out + "}";
}

bool same(const notification& a, const notification& b) {
  return a.ticket == b.ticket && a.pool == b.pool && a.index == b.index && a.fence == b.fence &&
         a.error == b.error;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto first = parse_notification({reinterpret_cast<const char*>(data), size});
  if (!first) return 0;
  const auto second = parse_notification(written(*first));
  if (!second || !same(*first, *second)) std::abort();
  return 0;
}
