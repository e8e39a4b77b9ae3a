#include "http_response.hpp"

namespace numpool::exporter {
namespace {

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 414:
      return "URI Too Long";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}

}  // namespace

http_response refusal(int status) {
  http_response response;
  response.status = status;
  response.body = std::string(reason(status)) + "\n";
  if (status == 405) response.more_headers = "Allow: GET\r\n";
  if (status == 401) response.more_headers = "WWW-Authenticate: Bearer\r\n";
  return response;
}

std::string serialized(const http_response& response) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + ' ' + reason(response.status);
  out += "\r\nContent-Type: " + response.type;
  out += "\r\nContent-Length: " + std::to_string(response.body.size());
  out +=
      "\r\nConnection: close"
      "\r\nCache-Control: no-store"
      "\r\nX-Content-Type-Options: nosniff"
      "\r\nCross-Origin-Resource-Policy: same-origin"
      "\r\nReferrer-Policy: no-referrer\r\n";
  return out + response.more_headers + "\r\n" + response.body;
}

}  // namespace numpool::exporter
