// A module for tests: uses up what PostgreSQL has of one kind of shared memory, for as long as the
// server runs.

#include <cstddef>

extern "C" {
#include "postgres.h"

#include "fmgr.h"
#include "storage/dsm.h"
#include "storage/shmem.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(use_up_segments);
PG_FUNCTION_INFO_V1(use_up_main_segment);
}

// Every slot of the control segment of dynamic shared memory; how many were free.
PGDLLEXPORT Datum use_up_segments(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  int32 count = 0;
  while (dsm_segment* segment = dsm_create(64, DSM_CREATE_NULL_IF_MAXSEGMENTS)) {
    dsm_pin_segment(segment);
    dsm_detach(segment);
    ++count;
  }
  PG_RETURN_INT32(count);
}

// The slack of the main segment; how many bytes it was.
PGDLLEXPORT Datum use_up_main_segment(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  int64 bytes = 0;
  for (Size size = 65536; size >= 64; size /= 2)
    while (ShmemAllocNoError(size) != nullptr) bytes += static_cast<int64>(size);
  PG_RETURN_INT64(bytes);
}
