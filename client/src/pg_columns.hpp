#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "pg_result.hpp"

namespace numpool::detail {

// Times come as whole microseconds, which any locale and DateStyle leave alone.
#define NUMPOOL_MICROSECONDS(interval) \
  "(pg_catalog.date_part('epoch', " interval ") * 1000000)::pg_catalog.int8"

/// Reads the columns of a row from left to right.
class columns {
 public:
  explicit columns(row& from) : at_(from.begin()) {}

  std::optional<std::string> text() { return std::move(*at_++); }
  std::string text_or_empty() { return text().value_or(std::string()); }
  std::optional<std::int64_t> optional_integer() {
    const auto value = text();
    if (!value) return std::nullopt;
    return std::strtoll(value->c_str(), nullptr, 10);
  }
  std::int64_t integer() { return optional_integer().value_or(0); }
  std::optional<int> optional_small() {
    const auto value = optional_integer();
    return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
  }
  int small() { return static_cast<int>(integer()); }
  std::optional<std::chrono::microseconds> optional_duration() {
    const auto value = optional_integer();
    return value ? std::optional<std::chrono::microseconds>(*value) : std::nullopt;
  }
  std::chrono::microseconds duration() { return std::chrono::microseconds(integer()); }
  std::chrono::system_clock::time_point time() {
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(duration()));
  }

 private:
  row::iterator at_;
};

}  // namespace numpool::detail
