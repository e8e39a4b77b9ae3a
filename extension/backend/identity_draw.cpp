#include "backend/identity_draw.h"

#include "backend/definitions.h"
#include "backend/sequence_page.h"
#include "pg/errors.h"

extern "C" {
#include "catalog/pg_sequence.h"
#include "common/int.h"
}

namespace numpool {

namespace {

// How the sequence counts.
struct SequenceRule {
  std::int64_t increment;
  std::int64_t least;
  std::int64_t most;
  bool begins_again;
};

SequenceRule rule_of(Oid sequence) {
  HeapTuple tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequence));
  if (!HeapTupleIsValid(tuple)) report_not_installed();
  const FormData_pg_sequence& form = *reinterpret_cast<Form_pg_sequence>(GETSTRUCT(tuple));
  const SequenceRule rule = {form.seqincrement, form.seqmin, form.seqmax, form.seqcycle};
  ReleaseSysCache(tuple);
  return rule;
}

// False: there is none any more.
bool next_value(const SequenceRule& rule, const SequenceState& now, std::int64_t* next) {
  *next = now.last_value;
  if (!now.is_called) return true;
  const bool overflows = pg_add_s64_overflow(now.last_value, rule.increment, next);
  if (!overflows && *next >= rule.least && *next <= rule.most) return true;
  *next = rule.increment > 0 ? rule.least : rule.most;
  return rule.begins_again;
}

}  // namespace

std::int64_t draw_identity() {
  const Oid sequence = definitions_identity_sequence();
  LockRelationOid(sequence, RowExclusiveLock);
  if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(sequence))) report_not_installed();
  Relation relation = relation_open(sequence, NoLock);
  const SequenceRule rule = rule_of(sequence);
  Buffer buffer = lock_sequence_page(relation);
  std::int64_t identity;
  const bool there_is = next_value(rule, read_sequence_page(buffer), &identity);
  if (there_is) write_sequence_page(relation, buffer, {identity, 0, true});
  unlock_sequence_page(buffer);
  relation_close(relation, NoLock);
  if (!there_is)
    ereport(ERROR, (errcode(ERRCODE_SEQUENCE_GENERATOR_LIMIT_EXCEEDED),
                    errmsg("the identities of pools of this database are used up")));
  return identity;
}

}  // namespace numpool
