#include "backend/death_log.h"

namespace numpool {

namespace {

bool log_deaths_setting = false;
PoolRef* noted = nullptr;  // a list by next_with_deaths

const char* how_it_ended() {
  switch (pgStatSessionEndCause) {
    case DISCONNECT_CLIENT_EOF:
      return "its client went without a word";
    case DISCONNECT_KILLED:
      return "it was terminated";
    default:
      return "it met a fatal error";
  }
}

}  // namespace

void note_death(PoolRef* ref) {
  if (ref->deaths++ != 0) return;
  ref->next_with_deaths = noted;
  noted = ref;
}

// NB: as log_disconnections does, this reports while the process exits. A message this short needs
// no memory beyond what error reports have reserved; and if one fails all the same, the process
// goes on exiting with what is still to be called, since nothing of ours is left to be done.
void log_deaths() {
  if (!log_deaths_setting) return;
  for (const PoolRef* ref = noted; ref != nullptr; ref = ref->next_with_deaths)
    ereport(LOG_SERVER_ONLY, (errmsg("process %d ended with %u leases of pool \"%s\": %s",
                                     MyProcPid, ref->deaths, ref->name, how_it_ended()),
                              errhidestmt(true), errhidecontext(true)));
  noted = nullptr;
}

void death_log_define_settings() {
  DefineCustomBoolVariable(
      "numpool.log_deaths", "Logs sessions that did not end well, with how many leases they held.",
      nullptr, &log_deaths_setting, false, PGC_SUSET, 0, nullptr, nullptr, nullptr);
}

}  // namespace numpool
