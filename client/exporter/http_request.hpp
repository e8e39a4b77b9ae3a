// The head of an HTTP request, read with bounds: no byte of it is trusted.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace numpool::exporter {

/// A GET request.  Only what this server looks at is kept.
struct http_request {
  std::string path;  ///< percent-encoded as it came, without the query
  std::string host;
  std::optional<std::string> authorization;
  std::string accept;
};

/// The longest request line, with a pool's name of 200 characters percent-encoded in it.
constexpr std::size_t kMaxRequestLine = 4096;
constexpr std::size_t kMaxHead = 16384;
constexpr std::size_t kMaxHeaders = 64;

/// What the bytes that have come so far are.
struct http_head {
  enum class state { incomplete, whole, refused };
  state is = state::incomplete;
  http_request request;  ///< of a whole one
  int status = 0;        ///< to refuse it with
};

/// Reads the head at the beginning of `bytes`.
http_head read_head(std::string_view bytes);

/// The text with its letters of ASCII as small ones: what HTTP compares without regard to case.
std::string lower(std::string_view text);

/// The bytes that `text` stands for; nothing if it is not percent-encoding, or has a NUL.
std::optional<std::string> percent_decoded(std::string_view text);

/// Whether the bytes are UTF-8, without overlong forms and surrogates.
bool is_utf8(std::string_view text);

}  // namespace numpool::exporter
