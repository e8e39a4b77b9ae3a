// Heads of HTTP requests: what is taken keeps the bounds, and more bytes behind the head change
// nothing.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "exporter/http_request.hpp"

using namespace numpool::exporter;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const http_head head = read_head(bytes);
  if (head.is == http_head::state::refused && (head.status < 400 || head.status > 599))
    std::abort();
  if (head.is != http_head::state::whole) return 0;
  const http_request& request = head.request;
  if (request.path.empty() || request.path.front() != '/') std::abort();
  for (const char c : request.path + request.host)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t') std::abort();
  const auto name = percent_decoded(request.path);
  if (name && name->find('\0') != std::string::npos) std::abort();
  if (name && is_utf8(*name + "\xff")) std::abort();
  const http_head longer = read_head(bytes + "more");
  if (longer.is != http_head::state::whole || longer.request.path != request.path) std::abort();
  return 0;
}
