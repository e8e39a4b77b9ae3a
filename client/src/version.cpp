#include <numpool/version.hpp>

#define NUMPOOL_TEXT_OF(x) #x
#define NUMPOOL_TEXT(x) NUMPOOL_TEXT_OF(x)

const char* numpool::version() noexcept {
  return NUMPOOL_TEXT(NUMPOOL_VERSION_MAJOR) "." NUMPOOL_TEXT(
      NUMPOOL_VERSION_MINOR) "." NUMPOOL_TEXT(NUMPOOL_VERSION_PATCH);
}
