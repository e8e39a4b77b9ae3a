#include "backend/undo_log.h"

#include "backend/definition_changes.h"

namespace numpool {

namespace {

enum class RecordKind : std::uint8_t {
  kCreated,     // entry: came to be
  kChanged,     // entry: its restorable members changed
  kDefinition,  // ref: its pending change changed
  kRows,        // rows of the table changed
};

struct UndoRecord {
  SubTransactionId subtransaction;
  RecordKind kind;
  Scope scope;
  bool ending;
  bool ticket_active;
  bool shown;
  Entry* entry;
  PoolRef* ref;
  PendingChange change;
};

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

UndoRecord& append_record(RecordKind kind) {
  UndoRecord& record = undo_log[log_length++];
  record.subtransaction = GetCurrentSubTransactionId();
  record.kind = kind;
  return record;
}

void undo(const UndoRecord& record) {
  debug_point(DebugPoint::kUndoing);
  switch (record.kind) {
    case RecordKind::kCreated:
      give_up(record.entry);
      break;
    case RecordKind::kChanged:
      set_ending(record.entry, record.ending);
      record.entry->scope = record.scope;
      record.entry->ticket_active = record.ticket_active;
      record.entry->shown = record.shown;
      if (record.entry->state == EntryState::kHeld) mirror(record.entry);
      break;
    case RecordKind::kDefinition:
      restore_change(record.ref, record.change);
      break;
    case RecordKind::kRows:
      --row_changes;
      break;
  }
}

}  // namespace

void reserve_record() {
  // One for a change of a definition that the arrival may find it has to record first.
  if (log_length + 2 > log_capacity) grow_log();
}

void log_created(Entry* entry) {
  append_record(RecordKind::kCreated).entry = entry;
  touch(entry);
}

void log_change(Entry* entry) {
  // What this subtransaction changed before is restored by its first record.
  if (entry->touched && entry->logged == GetCurrentSubTransactionId()) return;
  reserve_record();
  UndoRecord& record = append_record(RecordKind::kChanged);
  record.entry = entry;
  record.scope = entry->scope;
  record.ending = entry->ending;
  record.ticket_active = entry->ticket_active;
  record.shown = entry->shown;
  touch(entry);
}

void unlog_created([[maybe_unused]] const Entry* entry) {
  Assert(log_length > 0 && undo_log[log_length - 1].entry == entry);
  --log_length;
}

void log_definition(PoolRef* ref) {
  reserve_record();
  UndoRecord& record = append_record(RecordKind::kDefinition);
  record.ref = ref;
  record.change = ref->change;
}

void log_row_change() {
  if (row_changes > 0 && log_length > 0 && undo_log[log_length - 1].kind == RecordKind::kRows &&
      undo_log[log_length - 1].subtransaction == GetCurrentSubTransactionId())
    return;
  reserve_record();
  append_record(RecordKind::kRows);
  ++row_changes;
}

bool changed_definitions() {
  return row_changes > 0;
}

bool undo_log_is_empty() {
  return log_length == 0;
}

void undo_to(SubTransactionId subtransaction) {
  while (log_length > 0 && undo_log[log_length - 1].subtransaction >= subtransaction)
    undo(undo_log[--log_length]);
}

void forget_log() {
  log_length = 0;
  row_changes = 0;
}

}  // namespace numpool
