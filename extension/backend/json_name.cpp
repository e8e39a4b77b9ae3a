#include "backend/json_name.h"

extern "C" {
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
}

namespace numpool {

namespace {

// Converts as much of `name` as there is an equivalent for in UTF-8, and returns how many bytes of
// it that was. It never reports an error, so that a pool with an odd name can be used and dropped.
int convert_to_utf8(const char* name, int length, unsigned char* utf8, int room) {
  const int encoding = GetDatabaseEncoding();
  if (encoding == PG_UTF8) {
    memcpy(utf8, name, length + 1);
    return length;
  }
  utf8[0] = '\0';
  const Oid conversion =
      encoding == PG_SQL_ASCII ? InvalidOid : FindDefaultConversionProc(encoding, PG_UTF8);
  if (!OidIsValid(conversion)) return 0;
  unsigned char* bytes = reinterpret_cast<unsigned char*>(pstrdup(name));
  return pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, bytes, length, utf8, room,
                                       true);
}

void append_json_character(StringInfo out, pg_wchar code) {
  if (code > 0xffff)
    appendStringInfo(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
                     0xdc00 + ((code - 0x10000) & 0x3ff));
  else if (code < 0x20 || code >= 0x7f || code == '"' || code == '\\')
    appendStringInfo(out, "\\u%04x", code);
  else
    appendStringInfoChar(out, static_cast<char>(code));
}

}  // namespace

char* json_name_of(const char* name, MemoryContext memory) {
  const int length = static_cast<int>(strlen(name));
  const int room = length * MAX_CONVERSION_GROWTH + 1;
  unsigned char* utf8 = static_cast<unsigned char*>(palloc(room));
  const int converted = convert_to_utf8(name, length, utf8, room);
  StringInfoData out;
  initStringInfo(&out);
  appendStringInfoChar(&out, '"');
  for (const unsigned char* at = utf8; *at != '\0'; at += pg_utf_mblen(at))
    append_json_character(&out, utf8_to_unicode(at));
  for (int i = converted; i < length; ++i)
    append_json_character(&out, static_cast<unsigned char>(name[i]));
  appendStringInfoChar(&out, '"');
  return MemoryContextStrdup(memory, out.data);
}

}  // namespace numpool
