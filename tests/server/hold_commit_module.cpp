// A module for tests: holds a COMMIT in the window between "others see its rows" and numpool's own
// COMMIT callback, for as long as the file that hold_commit.file names exists. LOADed after
// numpool's first use in the session, since the callback registered last is called first.

#include <cstddef>

extern "C" {
#include "postgres.h"

#include <unistd.h>

#include "access/xact.h"
#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);
}

namespace {

constexpr int kLimit = 20000;  // milliseconds: a test that fails must not hang

char* file = nullptr;

void on_transaction_event(XactEvent event, void*) {
  if (event != XACT_EVENT_COMMIT) return;
  for (int i = 0; i < kLimit && file[0] != '\0' && access(file, F_OK) == 0; ++i) pg_usleep(1000L);
}

}  // namespace

void _PG_init(void) {
  DefineCustomStringVariable("hold_commit.file", "COMMIT waits while this file exists.", nullptr,
                             &file, "", PGC_USERSET, 0, nullptr, nullptr, nullptr);
  RegisterXactCallback(on_transaction_event, nullptr);
}
