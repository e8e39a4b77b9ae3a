#include <numpool/version.hpp>

#ifndef NUMPOOL_VERSION
#error "NUMPOOL_VERSION comes from the build, which reads it from numpool.control"
#endif

namespace numpool {

const char* version() noexcept {
  return NUMPOOL_VERSION;
}

}  // namespace numpool
