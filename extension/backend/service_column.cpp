#include "backend/service_column.h"

#include "core/service.h"
#include "core/slot.h"

namespace numpool {

namespace {

[[noreturn]] void report_malformed(const char* detail) {
  ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION), errmsg("invalid out_of_service of a pool"),
                  errdetail_internal("%s", detail),
                  errhint("Use numpool_set_service and numpool_drain.")));
}

// A number as it is written in a key; -1: it is none.
std::int32_t index_of_key(const char* key, int length) {
  if (length < 1 || length > 5 || (key[0] == '0' && length > 1)) return -1;
  std::int32_t index = 0;
  for (int i = 0; i < length; ++i) {
    if (key[i] < '0' || key[i] > '9') return -1;
    index = index * 10 + (key[i] - '0');
  }
  return index < static_cast<std::int32_t>(kMaxPoolSize) ? index : -1;
}

bool is_drain_key(const JsonbValue& key) {
  return key.val.string.len == static_cast<int>(strlen(kDrainKey)) &&
         memcmp(key.val.string.val, kDrainKey, strlen(kDrainKey)) == 0;
}

// With `is_strict`, whatever is wrong is an error.
OutList read_column(Datum column, bool is_strict) {
  Jsonb* object = DatumGetJsonbP(column);
  if (!JB_ROOT_IS_OBJECT(object)) {
    if (is_strict) report_malformed("It has to be an object.");
    return {};
  }
  std::uint16_t* indexes =
      static_cast<std::uint16_t*>(palloc(sizeof(std::uint16_t) * kMaxOutOfService));
  OutList list = {indexes, 0, false};
  JsonbIterator* at = JsonbIteratorInit(&object->root);
  JsonbValue value;
  std::int32_t index = -1;
  // jsonb keeps keys in the order of their lengths, and then of their bytes: that of the numbers.
  for (JsonbIteratorToken token; (token = JsonbIteratorNext(&at, &value, true)) != WJB_DONE;) {
    if (token == WJB_VALUE && is_strict && value.type != jbvString && value.type != jbvNull)
      report_malformed("A reason has to be a string or null.");
    if (token != WJB_KEY) continue;
    if (is_drain_key(value)) {
      list.drained = true;
      continue;
    }
    index = index_of_key(value.val.string.val, value.val.string.len);
    if (index < 0 && is_strict) report_malformed("A key has to be a number of a pool, or \"all\".");
    if (index >= 0 && list.count == kMaxOutOfService && is_strict)
      report_malformed(
          psprintf("At most %u numbers of a pool may be out of service.", kMaxOutOfService));
    if (index >= 0 && list.count < kMaxOutOfService)
      indexes[list.count++] = static_cast<std::uint16_t>(index);
  }
  return list;
}

}  // namespace

OutList read_out_of_service(Datum column) {
  return read_column(column, false);
}

bool lists(const OutList& list, std::uint32_t index) {
  for (std::uint32_t i = 0; i < list.count; ++i)
    if (list.indexes[i] == index) return true;
  return false;
}

const char* reason_of(Datum column, std::uint32_t index) {
  Jsonb* object = DatumGetJsonbP(column);
  if (!JB_ROOT_IS_OBJECT(object)) return nullptr;
  const char* const keys[] = {psprintf("%u", index), kDrainKey};
  for (const char* key : keys) {
    const JsonbValue* value =
        getKeyJsonValueFromContainer(&object->root, key, static_cast<int>(strlen(key)), nullptr);
    if (value != nullptr && value->type == jbvString)
      return pnstrdup(value->val.string.val, value->val.string.len);
  }
  return nullptr;
}

void check_out_of_service(Datum column) {
  read_column(column, true);
}

}  // namespace numpool
