#pragma once

#include <numpool/export.hpp>

namespace numpool {

/// The version of the library in use, such as "1.0". Static storage; never null.
NUMPOOL_EXPORT const char* version() noexcept;

}  // namespace numpool
