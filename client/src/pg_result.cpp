#include "pg_result.hpp"

#include <charconv>

#include "error_kinds.hpp"

namespace numpool::detail {

std::optional<std::string_view> field(const result& from, int row, int column) {
  if (!from || row >= PQntuples(from.get()) || column >= PQnfields(from.get())) return std::nullopt;
  if (PQgetisnull(from.get(), row, column)) return std::nullopt;
  return std::string_view(PQgetvalue(from.get(), row, column),
                          static_cast<std::size_t>(PQgetlength(from.get(), row, column)));
}

namespace {

std::optional<std::int64_t> integer_of(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::int64_t> integer_field(const result& from, int row, int column) {
  const auto text = field(from, row, column);
  return text ? integer_of(*text) : std::nullopt;
}

integer_triple composite_field(const result& from, int row, int column) {
  auto text = field(from, row, column);
  if (!text || text->size() < 2 || text->front() != '(' || text->back() != ')') return {};
  integer_triple values;
  std::string_view rest = text->substr(1, text->size() - 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t end = rest.find(',');
    const bool is_last = i + 1 == values.size();
    if (is_last != (end == std::string_view::npos)) return {};
    const std::string_view one = rest.substr(0, end);
    values[i] = integer_of(one);
    if (!values[i] && !one.empty()) return {};
    if (!is_last) rest.remove_prefix(end + 1);
  }
  return values;
}

rows all_rows(const result& from) {
  rows out;
  if (!from) return out;
  const int count = PQntuples(from.get());
  const int width = PQnfields(from.get());
  out.reserve(static_cast<std::size_t>(count));
  for (int r = 0; r < count; ++r) {
    row& columns = out.emplace_back();
    columns.reserve(static_cast<std::size_t>(width));
    for (int c = 0; c < width; ++c) {
      const auto text = field(from, r, c);
      columns.push_back(text ? std::optional<std::string>(*text) : std::nullopt);
    }
  }
  return out;
}

std::string trimmed(const char* text) {
  std::string out = text != nullptr ? text : "";
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

error not_installed() {
  return error(error_kind::not_installed, "extension \"numpool\" is not installed in this database",
               {}, {}, "Call setup(), or run CREATE EXTENSION numpool.");
}

error error_from(const result& failed) {
  const auto part = [&](int code) {
    const char* text = PQresultErrorField(failed.get(), code);
    return std::string(text != nullptr ? text : "");
  };
  std::string message = part(PG_DIAG_MESSAGE_PRIMARY);
  if (message.empty()) message = trimmed(PQresultErrorMessage(failed.get()));
  if (message.empty()) message = "the server's answer could not be understood";
  const std::string sqlstate = part(PG_DIAG_SQLSTATE);
  // By an error of this severity the server ends the session.
  const std::string severity = part(PG_DIAG_SEVERITY_NONLOCALIZED);
  const bool ended = severity == "FATAL" || severity == "PANIC";
  return error(ended ? error_kind::connection_lost : kind_of(sqlstate), message, sqlstate,
               part(PG_DIAG_MESSAGE_DETAIL), part(PG_DIAG_MESSAGE_HINT));
}

}  // namespace numpool::detail
