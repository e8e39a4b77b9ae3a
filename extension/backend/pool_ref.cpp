#include "backend/pool_ref.h"

#include "pg/debug_point.h"
#include "pg/errors.h"
#include "shared/registration.h"
#include "shared/registry.h"
#include "shared/session.h"

extern "C" {
#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
}

namespace numpool {

namespace {

struct NameKey {
  const char* bytes;
  std::size_t length;
};

struct NameEntry {
  NameKey key;  // NB: first
  PoolRef* ref;
  std::uint64_t epoch;
};

MemoryContext memory = nullptr;
HTAB* refs = nullptr;   // PoolKey -> PoolRef
HTAB* names = nullptr;  // NameKey -> NameEntry

std::uint32_t hash_name(const void* key, Size) {
  const NameKey* name = static_cast<const NameKey*>(key);
  return hash_bytes(reinterpret_cast<const unsigned char*>(name->bytes),
                    static_cast<int>(name->length));
}

int compare_names(const void* left, const void* right, Size) {
  const NameKey* a = static_cast<const NameKey*>(left);
  const NameKey* b = static_cast<const NameKey*>(right);
  return a->length != b->length || memcmp(a->bytes, b->bytes, a->length) != 0;
}

void* copy_key(void* to, const void* from, Size) {
  *static_cast<NameKey*>(to) = *static_cast<const NameKey*>(from);
  return to;
}

void make_tables() {
  if (names != nullptr) return;
  HASHCTL control;
  MemSet(&control, 0, sizeof(control));
  control.keysize = sizeof(PoolKey);
  control.entrysize = sizeof(PoolRef);
  control.hcxt = backend_memory();
  if (refs == nullptr)
    refs = hash_create("numpool pools", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
  control.keysize = sizeof(NameKey);
  control.entrysize = sizeof(NameEntry);
  control.hash = hash_name;
  control.match = compare_names;
  control.keycopy = copy_key;
  names = hash_create("numpool names", 64, &control,
                      HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_KEYCOPY | HASH_CONTEXT);
}

// What was looked up last: most sessions use one pool, and acquire and release take turns.
NameEntry* last_name = nullptr;

NameEntry* find_name(text* name) {
  const NameKey key = {VARDATA_ANY(name), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(name))};
  if (last_name != nullptr && compare_names(&last_name->key, &key, 0) == 0) return last_name;
  NameEntry* entry = static_cast<NameEntry*>(hash_search(names, &key, HASH_FIND, nullptr));
  if (entry != nullptr) last_name = entry;
  return entry;
}

bool is_current(const NameEntry* entry) {
  return entry != nullptr && entry->epoch == definitions_epoch();
}

void forget_name(NameEntry* entry) {
  char* bytes = const_cast<char*>(entry->key.bytes);
  if (last_name == entry) last_name = nullptr;
  hash_search(names, &entry->key, HASH_REMOVE, nullptr);
  pfree(bytes);
}

bool in_use(const PoolRef* ref) {
  return ref->entries > 0 || ref->listed;
}

// Drops what nothing needs any more, so that a long-lived backend does not collect dropped pools.
void sweep(std::uint64_t epoch) {
  static std::uint64_t swept = 0;
  if (swept == epoch) return;
  swept = epoch;
  HASH_SEQ_STATUS status;
  hash_seq_init(&status, names);
  while (NameEntry* entry = static_cast<NameEntry*>(hash_seq_search(&status)))
    if (entry->epoch != epoch && !in_use(entry->ref)) forget_name(entry);
  hash_seq_init(&status, refs);
  while (PoolRef* ref = static_cast<PoolRef*>(hash_seq_search(&status))) {
    if (in_use(ref)) continue;
    const NameKey key = {ref->name, strlen(ref->name)};
    const NameEntry* entry = static_cast<NameEntry*>(hash_search(names, &key, HASH_FIND, nullptr));
    if (entry != nullptr && entry->ref == ref) continue;
    pfree(ref->name);
    pfree(ref->json_name);
    if (ref->ending_words != nullptr) pfree(ref->ending_words);
    const PoolKey gone = ref->key;
    hash_search(refs, &gone, HASH_REMOVE, nullptr);
  }
}

void remember_name(const char* name, PoolRef* ref, std::uint64_t epoch) {
  const NameKey probe = {name, strlen(name)};
  NameEntry* entry = static_cast<NameEntry*>(hash_search(names, &probe, HASH_FIND, nullptr));
  if (entry == nullptr) {
    const NameKey key = {MemoryContextStrdup(backend_memory(), name), probe.length};
    entry = static_cast<NameEntry*>(hash_search(names, &key, HASH_ENTER, nullptr));
  }
  entry->ref = ref;
  entry->epoch = epoch;
}

// As much of `name` as converts to UTF-8. Never an error: a pool with an odd name has to be usable,
// and droppable.
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

// The name as a JSON string of ASCII only, so that no later step has to convert anything. Bytes
// that stand for no Unicode character appear as \u0080 to \u00ff.
char* json_string(const char* name) {
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
  return MemoryContextStrdup(backend_memory(), out.data);
}

PoolKey key_of(std::int64_t identity) {
  PoolKey key;
  MemSet(&key, 0, sizeof(key));  // NB: hashed with its padding
  key.database = MyDatabaseId;
  key.relation = definitions_relation();
  key.identity = identity;
  return key;
}

SessionId maker_of(const PoolRef* ref) {
  return ref->change.created ? my_session_id() : 0;
}

Offset register_as(PoolRef* ref, const Definition& definition) {
  return register_live_pool(ref->key, definition, maker_of(ref), definitions_fence_sequence(),
                            &ref->generation);
}

// The row has been read again. Who sees it without having made it sees it committed.
void become_live(const PoolRef* ref, LivePool* live) {
  live->state = LiveState::kLive;
  live->maker = maker_of(ref);
}

// A row is the open transaction's own from the end of its command on, but the trigger may still
// have to be told: a function in RETURNING, another trigger. Of such a row nothing may be loaded.
void require_told(const PoolRef* ref, const Definition& definition) {
  const PendingChange& change = ref->change;
  if (!definition.own || (change.noted_name != nullptr && change.noted_size == definition.size &&
                          strcmp(change.noted_name, definition.name) == 0))
    return;
  report_uncommitted_change(ref);
}

// Registers the pool and makes sure that what was read still holds once it is there: a change that
// was committed between reading and registering is seen by the second reading, and a later one
// finds the entry.
bool load(PoolRef* ref) {
  for (;;) {
    Definition definition;
    if (read_definition(ref->key.identity, IfLocked::kWait, &definition) != Lookup::kFound)
      return false;
    require_told(ref, definition);
    ref->defined_size = definition.size;
    debug_point(DebugPoint::kRowRead);
    ref->live = register_as(ref, definition);
    debug_point(DebugPoint::kRegistered);

    Definition again;
    const Lookup lookup = read_definition(ref->key.identity, IfLocked::kWait, &again);
    debug_point(DebugPoint::kReadAgain);
    if (!lock_pool(ref->live, ref->key, ref->generation)) continue;
    LivePool* live = live_of(ref);
    const bool is_live = live->state == LiveState::kLive;
    if (lookup == Lookup::kFound && (is_live || says(*live, again))) {
      if (!is_live) become_live(ref, live);
      return true;
    }
    unlock_pool(live);
    debug_point(DebugPoint::kRowDiffers);
    // NB: one that is live has been checked: it goes, or is of a row not yet committed.
    if (!is_live) drop_live_pool(ref->live, ref->key, ref->generation);
    if (lookup != Lookup::kFound) return false;
  }
}

}  // namespace

MemoryContext backend_memory() {
  if (memory == nullptr)
    memory = AllocSetContextCreate(TopMemoryContext, "numpool", ALLOCSET_DEFAULT_SIZES);
  return memory;
}

void report_uncommitted_change(const PoolRef* ref) {
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("cannot wait for pool \"%s\" in a transaction that has changed a pool",
                         ref->name),
                  errhint("Commit first.")));
}

PoolRef* known_pool(std::int64_t identity) {
  make_tables();
  const PoolKey key = key_of(identity);
  return static_cast<PoolRef*>(hash_search(refs, &key, HASH_FIND, nullptr));
}

PoolRef* pool_ref(const Definition& definition) {
  PoolRef* ref = known_pool(definition.identity);
  if (ref != nullptr && strcmp(ref->name, definition.name) == 0) {
    ref->defined_size = definition.size;
    return ref;
  }
  char* name = MemoryContextStrdup(backend_memory(), definition.name);
  char* json_name = json_string(definition.name);
  if (ref == nullptr) {
    const PoolKey key = key_of(definition.identity);
    ref = static_cast<PoolRef*>(hash_search(refs, &key, HASH_ENTER, nullptr));
    MemSet(reinterpret_cast<char*>(ref) + sizeof(PoolKey), 0, sizeof(PoolRef) - sizeof(PoolKey));
  } else {
    pfree(ref->name);
    pfree(ref->json_name);
  }
  ref->name = name;
  ref->json_name = json_name;
  ref->defined_size = definition.size;
  return ref;
}

void keep_name(PoolRef* ref) {
  if (ref->old_name != nullptr) return;
  char* json_name = MemoryContextStrdup(backend_memory(), ref->json_name);
  ref->old_name = MemoryContextStrdup(backend_memory(), ref->name);
  ref->old_json_name = json_name;
}

void end_renaming(PoolRef* ref, bool commit) {
  if (ref->old_name == nullptr) return;
  if (!commit) {
    std::swap(ref->name, ref->old_name);
    std::swap(ref->json_name, ref->old_json_name);
  }
  pfree(ref->old_name);
  pfree(ref->old_json_name);
  ref->old_name = ref->old_json_name = nullptr;
}

PoolRef* find_pool(text* name, IfLocked if_locked, bool* locked) {
  make_tables();
  NameEntry* entry = find_name(name);
  if (is_current(entry)) return entry->ref;

  const std::uint64_t epoch = definitions_epoch();
  Definition definition;
  const Lookup lookup = read_definition(name, if_locked, &definition);
  if (lookup == Lookup::kLocked) {
    if (entry != nullptr) return entry->ref;
    if (locked != nullptr) *locked = true;
    return nullptr;
  }
  sweep(epoch);
  if (lookup == Lookup::kAbsent) return nullptr;
  PoolRef* ref = pool_ref(definition);
  remember_name(definition.name, ref, epoch);
  return ref;
}

void forget_name_of(text* name) {
  NameEntry* entry = find_name(name);
  if (entry != nullptr) entry->epoch = 0;
}

PoolRef* require_pool(text* name) {
  make_tables();
  const NameEntry* entry = find_name(name);
  if (is_current(entry)) return entry->ref;
  const int length = pg_mbstrlen_with_len(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
  PoolRef* ref =
      length == 0 || length > kMaxNameLength ? nullptr : find_pool(name, IfLocked::kWait);
  if (ref == nullptr) report_no_pool(text_to_cstring(name));
  return ref;
}

bool lock_registered(PoolRef* ref) {
  if (lock_pool(ref->live, ref->key, ref->generation)) return true;
  ref->live = find_live_pool(ref->key, &ref->generation);
  return lock_pool(ref->live, ref->key, ref->generation);
}

bool lock_ref(PoolRef* ref) {
  if (!lock_registered(ref)) return false;
  if (live_of(ref)->state == LiveState::kLive) return true;
  unlock_ref(ref);
  return false;
}

bool lock_ref_loaded(PoolRef* ref) {
  return lock_ref(ref) || load(ref);
}

void lock_ref_as(PoolRef* ref, const Definition& definition, Extent extent) {
  Definition wanted = definition;
  if (extent == Extent::kHeader) wanted.size = 0;
  for (;;) {
    if (lock_ref(ref)) return;
    ref->live = register_as(ref, wanted);
    debug_point(DebugPoint::kPinDue);
    if (!lock_pool(ref->live, ref->key, ref->generation)) continue;
    LivePool* live = live_of(ref);
    if (live->state == LiveState::kLoading) {
      if (!says(*live, definition)) {
        unlock_pool(live);
        drop_live_pool(ref->live, ref->key, ref->generation);
        continue;
      }
      become_live(ref, live);
    }
    return;
  }
}

void reserve_ending(PoolRef* ref, std::uint32_t index) {
  if (index < ref->ending_capacity) return;
  const std::uint32_t capacity = bitmap_capacity_for(index + 1);
  std::uint64_t* words = static_cast<std::uint64_t*>(MemoryContextAllocZero(
      backend_memory(), sizeof(std::uint64_t) * Bitmap::words_needed(capacity)));
  Bitmap larger(words, capacity);
  if (ref->ending_words != nullptr) {
    Bitmap old = ending_set(ref);
    for (std::uint32_t i = old.first(); i != Bitmap::kNone; i = old.first()) {
      old.erase(i);
      larger.insert(i);
    }
    pfree(ref->ending_words);
  }
  ref->ending_words = words;
  ref->ending_capacity = capacity;
}

}  // namespace numpool
