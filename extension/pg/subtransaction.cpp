#include "pg/subtransaction.h"

extern "C" {
#include "utils/resowner.h"
}

namespace numpool {

ErrorData* in_subtransaction(void (*work)(void* argument), void (*restore)(void* argument),
                             void* argument) {
  MemoryContext memory = CurrentMemoryContext;
  ResourceOwner owner = CurrentResourceOwner;
  ErrorData* volatile error = nullptr;
  BeginInternalSubTransaction(nullptr);
  MemoryContextSwitchTo(memory);
  PG_TRY();
  {
    work(argument);
    if (restore != nullptr) restore(argument);
    ReleaseCurrentSubTransaction();
  }
  PG_CATCH();
  {
    if (restore != nullptr) restore(argument);
    MemoryContextSwitchTo(memory);
    error = CopyErrorData();
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
  }
  PG_END_TRY();
  MemoryContextSwitchTo(memory);
  CurrentResourceOwner = owner;
  return error;
}

}  // namespace numpool
