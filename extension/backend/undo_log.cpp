#include "backend/undo_log.h"

namespace numpool {

namespace {

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

UndoRecord& append_record(UndoKind kind) {
  UndoRecord& record = undo_log[log_length++];
  record.subtransaction = GetCurrentSubTransactionId();
  record.kind = kind;
  return record;
}

}  // namespace

void reserve_record() {
  // One for a change of a definition that the arrival may find it has to record first.
  if (log_length + 2 > log_capacity) grow_log();
}

void log_created(Entry* entry) {
  append_record(UndoKind::kCreated).entry = entry;
}

void log_change(Entry* entry) {
  reserve_record();
  UndoRecord& record = append_record(UndoKind::kChanged);
  record.entry = entry;
  record.scope = entry->scope;
  record.ending = entry->ending;
  record.ticket_active = entry->ticket_active;
  record.shown = entry->shown;
}

void unlog_created([[maybe_unused]] const Entry* entry) {
  Assert(log_length > 0 && undo_log[log_length - 1].entry == entry);
  --log_length;
}

void log_definition(PoolRef* ref) {
  reserve_record();
  UndoRecord& record = append_record(UndoKind::kDefinition);
  record.ref = ref;
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
  return record;
}

void forget_log() {
  log_length = 0;
  row_changes = 0;
}

}  // namespace numpool
