#include "pg/errors.h"

#include "pg/pg.h"

namespace numpool {

void report_not_installed() {
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                  errmsg("the extension numpool is not installed in this database any more")));
}

void report_no_pool(const char* name) {
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("pool \"%s\" does not exist", name)));
}

void report_no_shared_memory(const char* detail) {
  ereport(
      ERROR,
      (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("not enough shared memory for numpool"),
       errdetail("%s", detail),
       errhint("If what numpool has is full or too small, raise numpool.shared_memory_size. If "
               "the system has no room for it, lower numpool.shared_memory_size, make room in "
               "/dev/shm, or set another dynamic_shared_memory_type. Then restart the server.")));
}

}  // namespace numpool
