#include "pg/client_socket.h"

// NB: what declares Port wants headers of GSSAPI and OpenSSL, which a build of an extension need
// not have. Nothing here reads the members that depend on them, and they come after the socket.
#undef ENABLE_GSS
#undef USE_OPENSSL
#undef USE_SSL
extern "C" {
#include "libpq/libpq-be.h"
}

namespace numpool {

pgsocket client_socket() {
  return MyProcPort->sock;
}

}  // namespace numpool
