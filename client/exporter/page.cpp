#include "page.hpp"

#include <sys/random.h>

#include <string>

#include "failure.hpp"

namespace numpool::exporter {
namespace {

/// Made of page.html by the build.
constexpr char kPage[] = {
#include "page_bytes.inc"
    , '\0'};

std::string new_nonce() {
  unsigned char bytes[16];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) cli::throw_errno("getrandom");
  std::string nonce;
  for (const unsigned char byte : bytes) {
    nonce += "0123456789abcdef"[byte >> 4];
    nonce += "0123456789abcdef"[byte & 15];
  }
  return nonce;
}

constexpr std::string_view kPlace = "@NONCE@";

}  // namespace

http_response page_response() {
  const std::string nonce = new_nonce();
  http_response response;
  response.type = "text/html; charset=utf-8";
  response.body = kPage;
  for (std::size_t at = 0; (at = response.body.find(kPlace, at)) != std::string::npos;)
    response.body.replace(at, kPlace.size(), nonce);
  response.more_headers =
      "Content-Security-Policy: default-src 'none'; script-src 'nonce-" + nonce +
      "'; style-src 'nonce-" + nonce +
      "'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
      "X-Frame-Options: DENY\r\n";
  return response;
}

}  // namespace numpool::exporter
