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

}  // namespace numpool
