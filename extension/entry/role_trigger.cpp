// Before a row of the table of definitions is written: finds the roles that its owner and users
// name. From then on their OIDs count, and the names only follow. What OIDs the row comes with is
// not looked at: they may be those of another server, or what somebody would like to be.

#include "backend/definitions.h"
#include "backend/undo_log.h"
#include "entry/attach.h"

extern "C" {
#include "utils/acl.h"
#include "utils/array.h"
}

namespace numpool {

namespace {

constexpr const char* kPublic = "public";

// Roles by name and OID, as two columns of a row have them.
struct RoleList {
  int count;
  Datum* names;  // of type name
  Datum* oids;
};

// The elements of an array that are not null.
int elements_of(HeapTuple row, TupleDesc descriptor, AttrNumber column, Oid type, int length,
                char alignment, Datum** elements) {
  bool is_null;
  const Datum array = heap_getattr(row, column, descriptor, &is_null);
  if (is_null) return 0;
  bool* nulls;
  int count;
  deconstruct_array(DatumGetArrayTypeP(array), type, length, type == OIDOID, alignment, elements,
                    &nulls, &count);
  int kept = 0;
  for (int i = 0; i < count; ++i)
    if (!nulls[i]) (*elements)[kept++] = (*elements)[i];
  return kept;
}

RoleList users_of(HeapTuple row, TupleDesc descriptor) {
  RoleList users = {};
  users.count =
      elements_of(row, descriptor, kColumnUsers, NAMEOID, NAMEDATALEN, TYPALIGN_CHAR, &users.names);
  const int oids =
      elements_of(row, descriptor, kColumnUserOids, OIDOID, sizeof(Oid), TYPALIGN_INT, &users.oids);
  // Of a row that comes in, the OIDs mean nothing and may be fewer.
  if (oids < users.count) users.oids = nullptr;
  return users;
}

RoleList owner_of(HeapTuple row, TupleDesc descriptor) {
  RoleList owner = {};
  bool is_null;
  const Datum name = heap_getattr(row, kColumnOwner, descriptor, &is_null);
  if (is_null) return owner;
  owner.count = 1;
  owner.names = static_cast<Datum*>(palloc(sizeof(Datum)));
  owner.names[0] = name;
  const Datum oid = heap_getattr(row, kColumnOwnerOid, descriptor, &is_null);
  if (is_null) return owner;
  owner.oids = static_cast<Datum*>(palloc(sizeof(Datum)));
  owner.oids[0] = oid;
  return owner;
}

const char* text_of(Datum name) {
  return NameStr(*DatumGetName(name));
}

bool is_replicating() {
  return SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA;
}

// The row may come from another server, by pg_restore or replication, which has to go on. Who has
// mistyped a name is to know.
void report_missing_role(const char* role, const char* without, bool is_update) {
  const bool refuse = is_update && !is_replicating();
  ereport(refuse ? ERROR : WARNING,
          (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("role \"%s\" does not exist", role),
           refuse ? 0 : errdetail("%s", without)));
}

// The roles that `wanted` names. A name that the row had before means the role that it meant then.
// Without those that do not exist, each once, and under the names that they have now; but under
// those that a publisher calls them by, or its next change would seem to bring another role.
RoleList resolve(const RoleList& wanted, const RoleList* before, bool may_be_public,
                 const char* without) {
  RoleList roles = {};
  roles.names = static_cast<Datum*>(palloc(sizeof(Datum) * Max(wanted.count, 1)));
  roles.oids = static_cast<Datum*>(palloc(sizeof(Datum) * Max(wanted.count, 1)));
  for (int i = 0; i < wanted.count; ++i) {
    const char* name = text_of(wanted.names[i]);
    bool is_known = may_be_public && strcmp(name, kPublic) == 0;
    Oid role = ACL_ID_PUBLIC;
    for (int k = 0; before != nullptr && before->oids != nullptr && k < before->count; ++k)
      if (!is_known && strcmp(text_of(before->names[k]), name) == 0) {
        is_known = true;
        role = DatumGetObjectId(before->oids[k]);
      }
    if (!is_known) {
      role = get_role_oid(name, true);
      if (!OidIsValid(role)) {
        report_missing_role(name, without, before != nullptr);
        continue;
      }
    }
    const char* now = role == ACL_ID_PUBLIC ? kPublic : GetUserNameFromId(role, true);
    bool is_new = now != nullptr;
    for (int k = 0; is_new && k < roles.count; ++k)
      is_new = DatumGetObjectId(roles.oids[k]) != role;
    if (!is_new) continue;
    roles.names[roles.count] =
        is_replicating() ? wanted.names[i] : DirectFunctionCall1(namein, CStringGetDatum(now));
    roles.oids[roles.count++] = ObjectIdGetDatum(role);
  }
  return roles;
}

HeapTuple with_roles(HeapTuple row, TupleDesc descriptor, const RoleList& owner,
                     const RoleList& users) {
  int columns[] = {kColumnOwner, kColumnOwnerOid, kColumnUsers, kColumnUserOids};
  const bool has_owner = owner.count > 0;
  Datum values[] = {has_owner ? owner.names[0] : Datum{0}, has_owner ? owner.oids[0] : Datum{0},
                    PointerGetDatum(construct_array(users.names, users.count, NAMEOID, NAMEDATALEN,
                                                    false, TYPALIGN_CHAR)),
                    PointerGetDatum(construct_array(users.oids, users.count, OIDOID, sizeof(Oid),
                                                    true, TYPALIGN_INT))};
  bool nulls[] = {!has_owner, !has_owner, false, false};
  return heap_modify_tuple_by_cols(row, descriptor, 4, columns, values, nulls);
}

HeapTuple before_change(TriggerData* trigger) {
  TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);
  const bool is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
  HeapTuple row = is_update ? trigger->tg_newtuple : trigger->tg_trigtuple;
  if (IsUnderPostmaster) {
    definitions_enter_table(RelationGetRelid(trigger->tg_relation));
    attach_backend(DT_NOEND);
    // From now on a function of the statement's may see the row, and make this backend remember it.
    log_row_change();
  }
  const RoleList owner_before =
      is_update ? owner_of(trigger->tg_trigtuple, descriptor) : RoleList{};
  const RoleList users_before =
      is_update ? users_of(trigger->tg_trigtuple, descriptor) : RoleList{};
  const RoleList owner = resolve(owner_of(row, descriptor), is_update ? &owner_before : nullptr,
                                 false, "The pool goes to the extension's owner.");
  const RoleList users = resolve(users_of(row, descriptor), is_update ? &users_before : nullptr,
                                 true, "It will not be among the pool's users.");
  return with_roles(row, descriptor, owner, users);
}

}  // namespace

}  // namespace numpool

extern "C" {
PG_FUNCTION_INFO_V1(numpool_definition_roles);

PGDLLEXPORT Datum numpool_definition_roles(PG_FUNCTION_ARGS) {
  if (!CALLED_AS_TRIGGER(fcinfo))
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("numpool_definition_roles was not called by a trigger")));
  return PointerGetDatum(numpool::before_change(reinterpret_cast<TriggerData*>(fcinfo->context)));
}
}
