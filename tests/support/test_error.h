#pragma once

#include <stdexcept>

namespace numpool_test {

// Thrown when a deadline passes, or where what must work does not. A test that throws has failed.
struct TestError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace numpool_test
