#include "backend/pool_cache.h"

#include "backend/json_name.h"
#include "pg/errors.h"

extern "C" {
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
}

namespace numpool {

namespace {

struct NameKey {
  const char* bytes;
  std::size_t length;
};

struct CachedName {
  NameKey key;  // NB: first
  PoolRef* ref;
  std::uint64_t epoch;
};

HTAB* refs = nullptr;   // PoolKey -> PoolRef
HTAB* names = nullptr;  // NameKey -> CachedName

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
  control.entrysize = sizeof(CachedName);
  control.hash = hash_name;
  control.match = compare_names;
  control.keycopy = copy_key;
  names = hash_create("numpool names", 64, &control,
                      HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_KEYCOPY | HASH_CONTEXT);
}

// The name that was looked up last, which is likely to be the next one: most sessions use one pool.
CachedName* last_name = nullptr;

CachedName* find_name(text* name) {
  const NameKey key = {VARDATA_ANY(name), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(name))};
  if (last_name != nullptr && compare_names(&last_name->key, &key, 0) == 0) return last_name;
  CachedName* entry = static_cast<CachedName*>(hash_search(names, &key, HASH_FIND, nullptr));
  if (entry != nullptr) last_name = entry;
  return entry;
}

bool is_current(const CachedName* entry) {
  return entry != nullptr && entry->epoch == definitions_epoch();
}

void forget_name(CachedName* entry) {
  char* bytes = const_cast<char*>(entry->key.bytes);
  if (last_name == entry) last_name = nullptr;
  hash_search(names, &entry->key, HASH_REMOVE, nullptr);
  pfree(bytes);
}

bool in_use(const PoolRef* ref) {
  return ref->entries > 0 || ref->listed;
}

// Frees names and references that nothing needs any more, or a long-lived backend would keep those
// of every pool that was ever dropped.
void sweep_cache(std::uint64_t epoch) {
  static std::uint64_t swept = 0;
  if (swept == epoch) return;
  swept = epoch;
  HASH_SEQ_STATUS status;
  hash_seq_init(&status, names);
  while (CachedName* entry = static_cast<CachedName*>(hash_seq_search(&status)))
    if (entry->epoch != epoch && !in_use(entry->ref)) forget_name(entry);
  hash_seq_init(&status, refs);
  while (PoolRef* ref = static_cast<PoolRef*>(hash_seq_search(&status))) {
    if (in_use(ref)) continue;
    const NameKey key = {ref->name, strlen(ref->name)};
    const CachedName* entry =
        static_cast<CachedName*>(hash_search(names, &key, HASH_FIND, nullptr));
    if (entry != nullptr && entry->ref == ref) continue;
    pfree(ref->name);
    pfree(ref->json_name);
    if (ref->releasing_words != nullptr) pfree(ref->releasing_words);
    if (ref->roles.users.roles != nullptr) pfree(ref->roles.users.roles);
    const PoolKey gone = ref->key;
    hash_search(refs, &gone, HASH_REMOVE, nullptr);
  }
}

void remember_roles(PoolRef* ref, const PoolRoles& now) {
  const PoolUsers& users = now.users;
  Oid* roles = nullptr;
  if (users.count > 0) {
    const std::size_t bytes = sizeof(Oid) * users.count;
    roles = static_cast<Oid*>(MemoryContextAlloc(backend_memory(), bytes));
    memcpy(roles, users.roles, bytes);
  }
  if (ref->roles.users.roles != nullptr) pfree(ref->roles.users.roles);
  ref->roles = {now.owner, {users.is_public, users.count, roles}};
}

void remember_name(const char* name, PoolRef* ref, std::uint64_t epoch) {
  const NameKey probe = {name, strlen(name)};
  CachedName* entry = static_cast<CachedName*>(hash_search(names, &probe, HASH_FIND, nullptr));
  if (entry == nullptr) {
    const NameKey key = {MemoryContextStrdup(backend_memory(), name), probe.length};
    entry = static_cast<CachedName*>(hash_search(names, &key, HASH_ENTER, nullptr));
  }
  entry->ref = ref;
  entry->epoch = epoch;
}

}  // namespace

PoolKey pool_key(std::int64_t identity) {
  PoolKey key;
  MemSet(&key, 0, sizeof(key));  // NB: hashed with its padding
  key.database = MyDatabaseId;
  key.relation = definitions_relation();
  key.identity = identity;
  return key;
}

PoolRef* known_pool(std::int64_t identity) {
  make_tables();
  const PoolKey key = pool_key(identity);
  return static_cast<PoolRef*>(hash_search(refs, &key, HASH_FIND, nullptr));
}

PoolRef* pool_ref(const Definition& definition) {
  PoolRef* ref = known_pool(definition.identity);
  if (ref != nullptr && strcmp(ref->name, definition.name) == 0) {
    ref->defined_size = definition.size;
    return ref;
  }
  char* name = MemoryContextStrdup(backend_memory(), definition.name);
  char* json_name = json_name_of(definition.name, backend_memory());
  if (ref == nullptr) {
    const PoolKey key = pool_key(definition.identity);
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

namespace {

// The pool of a name that is not current, as the table says.
Lookup read_pool(text* name, TimestampTz deadline, PoolRef** ref) {
  const std::uint64_t epoch = definitions_epoch();
  Definition definition;
  PoolRoles roles;
  const Lookup lookup = read_definition(name, deadline, &definition, nullptr, &roles);
  if (lookup == Lookup::kLocked) return lookup;
  sweep_cache(epoch);
  if (lookup == Lookup::kAbsent) return lookup;
  *ref = pool_ref(definition);
  remember_roles(*ref, roles);
  remember_name(definition.name, *ref, epoch);
  return lookup;
}

bool may_be_name(text* name) {
  const int length = pg_mbstrlen_with_len(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
  return length >= 1 && length <= kMaxNameLength;
}

}  // namespace

PoolRef* remembered_pool(text* name) {
  make_tables();
  const CachedName* entry = find_name(name);
  return is_current(entry) ? entry->ref : nullptr;
}

PoolRef* find_pool_of_lease(text* name, bool* locked) {
  make_tables();
  CachedName* entry = find_name(name);
  if (is_current(entry)) return entry->ref;
  PoolRef* ref = nullptr;
  if (read_pool(name, kNoWait, &ref) != Lookup::kLocked) return ref;
  if (entry != nullptr) return entry->ref;
  if (locked != nullptr) *locked = true;
  return nullptr;
}

void forget_name_of(text* name) {
  CachedName* entry = find_name(name);
  if (entry != nullptr) entry->epoch = 0;
}

PoolRef* require_pool(text* name, TimestampTz deadline) {
  make_tables();
  const CachedName* entry = find_name(name);
  if (is_current(entry)) return entry->ref;
  PoolRef* ref = nullptr;
  const Lookup lookup = may_be_name(name) ? read_pool(name, deadline, &ref) : Lookup::kAbsent;
  if (lookup == Lookup::kAbsent) report_no_pool(text_to_cstring(name));
  return ref;
}

}  // namespace numpool
