#include "http_request.hpp"

#include <algorithm>
#include <cctype>

namespace numpool::exporter {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

namespace {

constexpr std::string_view kLineEnd = "\r\n";

http_head refuse(int status) {
  http_head head;
  head.is = http_head::state::refused;
  head.status = status;
  return head;
}

bool is_token_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

/// Whether each byte is a visible character of ASCII.
bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// 0, or the status to refuse the line with.
int read_request_line(std::string_view line, http_request* request) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return 400;
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method) || !is_visible(target)) return 400;
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return version.substr(0, 5) == "HTTP/" ? 505 : 400;
  if (method != "GET") return 405;
  if (target.empty() || target.front() != '/') return 400;
  request->path = target.substr(0, target.find('?'));
  return 0;
}

/// What the headers have come to.
struct header_count {
  std::size_t all = 0;
  std::size_t hosts = 0;
};

int read_header(std::string_view line, http_request* request, header_count* count) {
  if (++count->all > kMaxHeaders) return 431;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return 400;
  const std::string name = lower(line.substr(0, colon));
  const std::string_view value = trimmed(line.substr(colon + 1));
  for (char c : value)
    if ((static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f') return 400;
  if (name == "host") {
    ++count->hosts;
    request->host = value;
  } else if (name == "authorization") {
    if (request->authorization) return 400;
    request->authorization = value;
  } else if (name == "accept") {
    request->accept += (request->accept.empty() ? "" : ",") + std::string(value);
  } else if (name == "transfer-encoding" || (name == "content-length" && value != "0")) {
    return 400;  // a GET has no body here
  }
  return 0;
}

int read_headers(std::string_view lines, http_request* request) {
  header_count count;
  while (!lines.empty()) {
    const std::size_t end = lines.find(kLineEnd);
    const int status = read_header(lines.substr(0, end), request, &count);
    if (status != 0) return status;
    lines.remove_prefix(end + kLineEnd.size());
  }
  return count.hosts == 1 ? 0 : 400;
}

}  // namespace

http_head read_head(std::string_view bytes) {
  const std::size_t line_end = bytes.substr(0, kMaxRequestLine + kLineEnd.size()).find(kLineEnd);
  if (line_end == std::string_view::npos)
    return bytes.size() > kMaxRequestLine ? refuse(414) : http_head{};
  const std::size_t end = bytes.substr(0, kMaxHead).find("\r\n\r\n");
  if (end == std::string_view::npos) return bytes.size() >= kMaxHead ? refuse(431) : http_head{};
  http_head head;
  int status = read_request_line(bytes.substr(0, line_end), &head.request);
  // The lines with their ends, without the empty one.
  const std::size_t first = line_end + kLineEnd.size();
  if (status == 0)
    status = read_headers(bytes.substr(first, end + kLineEnd.size() - first), &head.request);
  if (status != 0) return refuse(status);
  head.is = http_head::state::whole;
  return head;
}

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    out += c;
  }
  return out;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const int more = first < 0x80   ? 0
                     : first < 0xc2 ? -1
                     : first < 0xe0 ? 1
                     : first < 0xf0 ? 2
                     : first < 0xf5 ? 3
                                    : -1;
    if (more < 0 || i + static_cast<std::size_t>(more) >= text.size()) return false;
    for (int k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      if (next < 0x80 || next > 0xbf) return false;
      if (k > 1) continue;
      if ((first == 0xe0 && next < 0xa0) || (first == 0xed && next > 0x9f) ||
          (first == 0xf0 && next < 0x90) || (first == 0xf4 && next > 0x8f))
        return false;
    }
    i += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

}  // namespace numpool::exporter
