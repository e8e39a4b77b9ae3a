#include "notification.hpp"

#include <charconv>

namespace numpool::detail {

namespace {

/// A cursor over the text; each read_ function returns false on what it cannot take, and the
/// cursor is then of no further use.
class reader {
 public:
  explicit reader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }
  bool at_end() const { return at_ == end_; }
  char peek() const { return at_ == end_ ? '\0' : *at_; }
  bool take(char expected) {
    if (peek() != expected || at_end()) return false;
    ++at_;
    return true;
  }

  bool read_integer(std::int64_t* out) {
    const char* digits = peek() == '-' ? at_ + 1 : at_;
    const bool leading_zero = digits + 1 < end_ && *digits == '0' && is_digit(digits[1]);
    const auto [stop, status] = std::from_chars(at_, end_, *out);
    if (status != std::errc() || leading_zero) return false;
    at_ = stop;
    return peek() != '.' && peek() != 'e' && peek() != 'E';
  }

  bool read_string(std::string* out) {
    if (!take('"')) return false;
    while (!at_end()) {
      const unsigned char c = static_cast<unsigned char>(*at_++);
      if (c == '"') return true;
      if (c < 0x20) return false;
      if (c == '\\') {
        if (!read_escape(out)) return false;
      } else {
        out->push_back(static_cast<char>(c));
      }
    }
    return false;
  }

  bool skip_word(std::string_view word) {
    if (static_cast<std::size_t>(end_ - at_) < word.size()) return false;
    if (std::string_view(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  bool read_escape(std::string* out) {
    if (at_end()) return false;
    const char c = *at_++;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out->push_back(c);
        return true;
      case 'b':
        out->push_back('\b');
        return true;
      case 'f':
        out->push_back('\f');
        return true;
      case 'n':
        out->push_back('\n');
        return true;
      case 'r':
        out->push_back('\r');
        return true;
      case 't':
        out->push_back('\t');
        return true;
      case 'u':
        return read_code_point(out);
      default:
        return false;
    }
  }

  bool read_hex4(std::uint32_t* out) {
    if (end_ - at_ < 4) return false;
    const auto [stop, status] = std::from_chars(at_, at_ + 4, *out, 16);
    if (status != std::errc() || stop != at_ + 4) return false;
    at_ = stop;
    return true;
  }

  bool read_code_point(std::string* out) {
    std::uint32_t code = 0;
    if (!read_hex4(&code)) return false;
    if (code >= 0xDC00 && code <= 0xDFFF) return false;
    if (code >= 0xD800 && code <= 0xDBFF) {
      std::uint32_t low = 0;
      if (!take('\\') || !take('u') || !read_hex4(&low)) return false;
      if (low < 0xDC00 || low > 0xDFFF) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(code, out);
    return true;
  }

  static void append_utf8(std::uint32_t code, std::string* out) {
    const auto put = [out](std::uint32_t byte) { out->push_back(static_cast<char>(byte)); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xC0 | (code >> 6));
      put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      put(0xE0 | (code >> 12));
      put(0x80 | ((code >> 6) & 0x3F));
      put(0x80 | (code & 0x3F));
    } else {
      put(0xF0 | (code >> 18));
      put(0x80 | ((code >> 12) & 0x3F));
      put(0x80 | ((code >> 6) & 0x3F));
      put(0x80 | (code & 0x3F));
    }
  }

  const char* at_;
  const char* end_;
};

bool read_into(reader& in, std::optional<std::int64_t>* member) {
  std::int64_t value = 0;
  if (*member || !in.read_integer(&value)) return false;
  *member = value;
  return true;
}

bool read_into(reader& in, std::optional<std::string>* member) {
  std::string value;
  if (*member || !in.read_string(&value)) return false;
  *member = std::move(value);
  return true;
}

bool skip_value(reader& in) {
  std::string text;
  std::int64_t number = 0;
  switch (in.peek()) {
    case '"':
      return in.read_string(&text);
    case 't':
      return in.skip_word("true");
    case 'f':
      return in.skip_word("false");
    case 'n':
      return in.skip_word("null");
    default:
      return in.read_integer(&number);
  }
}

bool read_member(reader& in, notification* out) {
  std::string name;
  if (!in.read_string(&name)) return false;
  in.skip_space();
  if (!in.take(':')) return false;
  in.skip_space();
  if (name == "ticket") return read_into(in, &out->ticket);
  if (name == "pool") return read_into(in, &out->pool);
  if (name == "index") return read_into(in, &out->index);
  if (name == "fence") return read_into(in, &out->fence);
  if (name == "error") return read_into(in, &out->error);
  return skip_value(in);
}

bool read_object(reader& in, notification* out) {
  in.skip_space();
  if (!in.take('{')) return false;
  in.skip_space();
  if (!in.take('}')) {
    while (true) {
      in.skip_space();
      if (!read_member(in, out)) return false;
      in.skip_space();
      if (in.take('}')) break;
      if (!in.take(',')) return false;
    }
  }
  in.skip_space();
  return in.at_end();
}

}  // namespace

std::optional<notification> parse_notification(std::string_view text) {
  notification parsed;
  reader in(text);
  if (!read_object(in, &parsed)) return std::nullopt;
  return parsed;
}

}  // namespace numpool::detail
