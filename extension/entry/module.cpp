// What PostgreSQL calls when it loads the library.

#include "backend/death_log.h"
#include "backend/delivery.h"
#include "backend/lease.h"
#include "backend/ticket.h"
#include "backend/wait_log.h"
#include "shared/segment.h"

extern "C" {
#include "tcop/utility.h"
}

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);  // NOLINT(bugprone-reserved-identifier): PostgreSQL's name
}

namespace {

using namespace numpool;

ProcessUtility_hook_type next_process_utility = nullptr;

// Whether the statement is an UNLISTEN that includes our channel.
bool unlistens(const Node* node) {
  if (!IsA(node, UnlistenStmt)) return false;
  const char* name = reinterpret_cast<const UnlistenStmt*>(node)->conditionname;
  return name == nullptr || strcmp(name, own_channel()) == 0;
}

// DISCARD ALL makes a session as new: its numbers go back, as its advisory locks do. UNLISTEN does
// not: whoever waits by ticket is still told.
void process_utility(PlannedStmt* statement, const char* query, bool read_only_tree,
                     ProcessUtilityContext context, ParamListInfo parameters,
                     QueryEnvironment* environment, DestReceiver* destination,
                     QueryCompletion* completion) {
  const Node* node = statement->utilityStmt;
  const bool discards_all =
      IsA(node, DiscardStmt) && reinterpret_cast<const DiscardStmt*>(node)->target == DISCARD_ALL;
  const bool unlistens_us = arena_attached() && unlistens(node);
  if (next_process_utility != nullptr)
    next_process_utility(statement, query, read_only_tree, context, parameters, environment,
                         destination, completion);
  else
    standard_ProcessUtility(statement, query, read_only_tree, context, parameters, environment,
                            destination, completion);
  // NB: a procedure that rolled back may have freed the statement.
  if (unlistens_us) listen_on();
  if (!discards_all || !arena_attached()) return;
  release_all();
  stop_listening();
}

}  // namespace

void _PG_init(void) {
  segment_define_settings();
  ticket_define_settings();
  wait_log_define_settings();
  death_log_define_settings();
  MarkGUCPrefixReserved("numpool");
  next_process_utility = ProcessUtility_hook;
  ProcessUtility_hook = process_utility;
}
