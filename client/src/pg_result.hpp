#pragma once

#include <libpq-fe.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <numpool/error.hpp>

namespace numpool::detail {

struct result_deleter {
  void operator()(PGresult* result) const { PQclear(result); }
};

/// A PGresult that frees itself; may be null.
using result = std::unique_ptr<PGresult, result_deleter>;

using row = std::vector<std::optional<std::string>>;
using rows = std::vector<row>;

/// Text of a field, or nothing for SQL NULL or a field that is not there.
std::optional<std::string_view> field(const result& from, int row, int column);

/// An integer field; nothing for SQL NULL, a field that is not there, and what is no integer.
std::optional<std::int64_t> integer_field(const result& from, int row, int column);

/// The integers of a composite value, as in "(17,,812)"; nothing where one is NULL. All nothing for
/// what is no composite value of three integers.
using integer_triple = std::array<std::optional<std::int64_t>, 3>;
integer_triple composite_field(const result& from, int row, int column);

rows all_rows(const result& from);

/// error_kind::not_installed, with what to do about it.
error not_installed();

/// What a failed result says, with all its diagnostics.
error error_from(const result& failed);

/// `text` as libpq gives its messages, without the line ends.
std::string trimmed(const char* text);

}  // namespace numpool::detail
