#include "backend/undo_log.h"

#include "backend/token_use.h"

namespace numpool {

namespace {

// Records that the log has room for at most once its transaction is over.
constexpr std::size_t kKeptCapacity = 1024;

UndoRecord* undo_log = nullptr;
std::size_t log_length = 0;
std::size_t log_capacity = 0;
int row_changes = 0;

void grow_log() {
  const std::size_t capacity = log_capacity == 0 ? 64 : log_capacity * 2;
  const std::size_t bytes = sizeof(UndoRecord) * capacity;
  undo_log =
      static_cast<UndoRecord*>(undo_log == nullptr ? MemoryContextAlloc(backend_memory(), bytes)
                                                   : repalloc_huge(undo_log, bytes));
  log_capacity = capacity;
}

// Where the entry or the definition of a record notes which subtransaction logged it last; nullptr
// for one that has no such place.
SubTransactionId* logged_of(const UndoRecord& record) {
  switch (record.kind) {
    case UndoKind::kCreated:
    case UndoKind::kChanged:
      return &record.entry->logged;
    case UndoKind::kDefinition:
      return &record.ref->logged;
    case UndoKind::kTokenUsed:
    case UndoKind::kUseChanged:
      return &record.use->logged;
    case UndoKind::kRows:
    case UndoKind::kLeaseEnd:
      break;
  }
  return nullptr;
}

// Whether the parent, to whom the record is to go, restores the same already. `kept` records are
// before it in the log.
bool parent_restores(const UndoRecord& record, SubTransactionId parent, std::size_t kept) {
  if (record.kind == UndoKind::kCreated || record.kind == UndoKind::kTokenUsed ||
      record.kind == UndoKind::kLeaseEnd)
    return false;
  if (record.kind != UndoKind::kRows) return record.previous == parent;
  return kept > 0 && undo_log[kept - 1].kind == UndoKind::kRows &&
         undo_log[kept - 1].subtransaction == parent;
}

UndoRecord& append_record(UndoKind kind) {
  UndoRecord& record = undo_log[log_length++];
  record.subtransaction = GetCurrentSubTransactionId();
  record.kind = kind;
  record.previous = InvalidSubTransactionId;
  return record;
}

}  // namespace

void reserve_record() {
  // More than one: an arrival may have to record a change of a definition first, and the use of a
  // token after it.
  if (log_length + 3 > log_capacity) grow_log();
}

void log_created(LedgerEntry* entry) {
  append_record(UndoKind::kCreated).entry = entry;
}

void log_change(LedgerEntry* entry) {
  reserve_record();
  UndoRecord& record = append_record(UndoKind::kChanged);
  record.entry = entry;
  record.previous = entry->logged;
  record.scope = entry->scope;
  record.releasing = entry->releasing;
  record.ticket_active = entry->ticket_active;
  record.shown = entry->shown;
}

void unlog_created([[maybe_unused]] const LedgerEntry* entry) {
  Assert(log_length > 0 && undo_log[log_length - 1].entry == entry);
  --log_length;
}

void log_use(TokenUse* use) {
  append_record(UndoKind::kTokenUsed).use = use;
  use->logged = GetCurrentSubTransactionId();
}

void log_use_change(TokenUse* use) {
  reserve_record();
  UndoRecord& record = append_record(UndoKind::kUseChanged);
  record.use = use;
  record.previous = use->logged;
  use->logged = record.subtransaction;
  record.releasing = use->releases;
  record.has_row = use->has_row;
}

void unlog_use([[maybe_unused]] const TokenUse* use) {
  Assert(log_length > 0 && undo_log[log_length - 1].use == use);
  --log_length;
}

void log_lease_end() {
  append_record(UndoKind::kLeaseEnd);
}

void log_definition(PoolRef* ref) {
  // The first record of this subtransaction restores the state before every change that follows.
  if (ref->logged == GetCurrentSubTransactionId()) return;
  reserve_record();
  UndoRecord& record = append_record(UndoKind::kDefinition);
  record.ref = ref;
  record.previous = ref->logged;
  ref->logged = record.subtransaction;
  record.change = ref->change;
}

void log_row_change() {
  if (row_changes > 0 && log_length > 0 && undo_log[log_length - 1].kind == UndoKind::kRows &&
      undo_log[log_length - 1].subtransaction == GetCurrentSubTransactionId())
    return;
  reserve_record();
  append_record(UndoKind::kRows);
  ++row_changes;
}

bool changed_definitions() {
  return row_changes > 0;
}

bool undo_log_is_empty() {
  return log_length == 0;
}

const UndoRecord* take_newest_record(SubTransactionId subtransaction) {
  if (log_length == 0 || undo_log[log_length - 1].subtransaction < subtransaction) return nullptr;
  const UndoRecord* record = &undo_log[--log_length];
  if (record->kind == UndoKind::kRows) --row_changes;
  if (SubTransactionId* logged = logged_of(*record)) *logged = record->previous;
  return record;
}

void merge_into_parent(SubTransactionId subtransaction, SubTransactionId parent) {
  std::size_t kept = log_length;
  while (kept > 0 && undo_log[kept - 1].subtransaction >= subtransaction) --kept;
  for (std::size_t i = kept; i < log_length; ++i) {
    UndoRecord record = undo_log[i];
    record.subtransaction = parent;
    if (SubTransactionId* logged = logged_of(record)) *logged = parent;
    if (!parent_restores(record, parent, kept))
      undo_log[kept++] = record;
    else if (record.kind == UndoKind::kRows)
      --row_changes;
  }
  log_length = kept;
}

void forget_log() {
  if (log_capacity > kKeptCapacity) {
    pfree(undo_log);
    undo_log = nullptr;
    log_capacity = 0;
  }
  log_length = 0;
  row_changes = 0;
}

}  // namespace numpool
