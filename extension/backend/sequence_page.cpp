#include "backend/sequence_page.h"

extern "C" {
#include "access/generic_xlog.h"
#include "commands/sequence.h"
#include "storage/bufmgr.h"
}

namespace numpool {

namespace {

Form_pg_sequence_data sequence_data(Page page) {
  ItemId item = PageGetItemId(page, FirstOffsetNumber);
  HeapTupleHeader tuple = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
  return reinterpret_cast<Form_pg_sequence_data>(reinterpret_cast<char*>(tuple) + tuple->t_hoff);
}

}  // namespace

Buffer lock_sequence_page(Relation sequence) {
  Buffer buffer = ReadBuffer(sequence, 0);
  LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
  return buffer;
}

void unlock_sequence_page(Buffer buffer) {
  UnlockReleaseBuffer(buffer);
}

SequenceState read_sequence_page(Buffer buffer) {
  const Form_pg_sequence_data data = sequence_data(BufferGetPage(buffer));
  return {data->last_value, data->log_cnt, data->is_called};
}

XLogRecPtr write_sequence_page(Relation sequence, Buffer buffer, const SequenceState& state) {
  GenericXLogState* record = GenericXLogStart(sequence);
  const Form_pg_sequence_data data =
      sequence_data(GenericXLogRegisterBuffer(record, buffer, GENERIC_XLOG_FULL_IMAGE));
  data->last_value = state.last_value;
  data->log_cnt = state.logged_ahead;
  data->is_called = state.is_called;
  return GenericXLogFinish(record);
}

}  // namespace numpool
