// Text for a terminal: escaping, and tables with aligned columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace numpool::cli {

/// `text` with control bytes, DEL, C1 controls and backslashes written as escapes (`\n`, `\x1b`,
/// `\\`), so that a pool's name can neither break a line nor steer the terminal.
std::string printable(std::string_view text);

/// Columns that `text` takes: UTF-8 code points, stray bytes counting one each.
std::size_t display_width(std::string_view text);

/// At most `width` columns of `text`, ending in "~" when something was cut off.
std::string shorten(std::string_view text, std::size_t width);

/// The first line of `text`.
std::string first_line(std::string_view text);

/// A table of left- or right-aligned columns, two blanks apart, without trailing blanks.
class table {
 public:
  enum class align { left, right };
  struct column {
    std::string title;
    align side = align::left;
  };

  explicit table(std::vector<column> columns);
  /// A row with more or fewer cells than columns is an error of the caller.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  /// The title line and the rows, each ended by a newline.
  std::string str() const;

 private:
  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace numpool::cli
