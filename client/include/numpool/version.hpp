#pragma once

#include <numpool/export.hpp>

/// The version of the library whose headers these are. It is the library's own: the extension has
/// another (SELECT extversion FROM pg_extension), and one library works with every 1.x of that.
#define NUMPOOL_VERSION_MAJOR 1
#define NUMPOOL_VERSION_MINOR 0
#define NUMPOOL_VERSION_PATCH 0
/// As one number that grows: 10203 is 1.2.3.
#define NUMPOOL_VERSION \
  (NUMPOOL_VERSION_MAJOR * 10000 + NUMPOOL_VERSION_MINOR * 100 + NUMPOOL_VERSION_PATCH)

/// The version of the binary interface: the number in the soname (libnumpool.so.1) and in the
/// inline namespace (numpool::v1) that every public name is in. Within one such version
/// - no class or struct changes its size, and no member its place, type or meaning,
/// - no function goes or changes its signature; new ones may come,
/// - new enumerators may come at the end, so a switch over an enum needs a default.
/// So a program runs with every later library of the same number without being compiled again.
/// The structs of options keep spare words at their end for what comes; what does not fit there
/// brings the next number.
#define NUMPOOL_ABI_VERSION 1

namespace numpool {
inline namespace v1 {

/// The version of the library in use, such as "1.0.0", which may be later than that of the headers.
/// Static storage; never null.
NUMPOOL_EXPORT const char* version() noexcept;

}  // namespace v1
}  // namespace numpool
