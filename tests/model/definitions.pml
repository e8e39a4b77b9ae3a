/* Loading a pool against changing its definition: rules D2 to D5 and D8, the window between "the row
 * is visible" and the COMMIT callback, eviction, stubs, and what a rollback leaves, one to a savepoint
 * included. README.md maps it to the code. Checked: P1 (over the life of a definition), that nobody
 * takes a stub for a pool, that a live pool says what its row says once no change is under way, that a
 * drop without force ends nobody's lease.
 *
 * What a lock of numpool guards is changed in one atomic step: nothing here is seen without it.
 * There is one name. A new pool of it gets a new identity, but for a row that is deleted and put
 * back. */

#ifndef USERS
#define USERS 2
#endif
#ifndef CHANGERS
#define CHANGERS 2
#endif
#ifndef EVICTIONS
#define EVICTIONS 1
#endif
#ifndef SAVEPOINTS
#define SAVEPOINTS 0 /* changers that may begin with a savepoint */
#endif

#define NONE 0
#define IDENTITIES (CHANGERS + 1) /* 1: there from the start; 1 + t: what changer t creates */
#ifndef HEADERS
#define HEADERS 3
#endif

mtype = { kFree, kLoading, kLive, kDropped };

/* The table: the row that others see, and the one of the transaction that is changing it. */
byte row_identity = 1, row_size = 1;
byte writer, own_identity, own_size;
#define seen_identity(t) (writer == t && t != NONE -> own_identity : row_identity)
#define seen_size(t) (writer == t && t != NONE -> own_size : row_size)

/* Heavyweight locks: on an identity (D2), on a transaction id. */
byte identity_lock[IDENTITIES + 1];
#define SUB CHANGERS /* SUB + t: the id of the savepoint of changer t */
bool finished[2 * CHANGERS + 1]; /* its locks are gone: who waits for its id may go on */

/* The registry and the headers of live pools (live_pool.h). */
byte registered[IDENTITIES + 1];
mtype state[HEADERS + 1] = kFree;
byte key[HEADERS + 1], generation[HEADERS + 1];
byte size[HEADERS + 1]; /* 0: a stub */
byte closing[HEADERS + 1]; /* the id of the transaction, or savepoint, that deleted the row */
bool published[HEADERS + 1]; /* its maker is nobody (LivePool::maker) */
byte holder0[HEADERS + 1], holder1[HEADERS + 1]; /* the slots */

/* For the checks only. */
byte epoch[IDENTITIES + 1];   /* drops of it that have become visible */
byte changes[IDENTITIES + 1]; /* transactions that wrote its row and are not through their callback */
byte claims0[IDENTITIES + 1], claims1[IDENTITIES + 1]; /* sessions that believe they hold the index */

/* A backend's hint (PoolRef::live, generation), and whether it holds (H1). */
#define valid (at != NONE && generation[at] == at_generation && key[at] == identity \
               && (state[at] == kLive || state[at] == kLoading))
#define forget_hint() at = NONE; at_generation = 0

/* pool_ref.cpp, lock_ref; then `action` under the pool's lock, and `ok`. */
#define WITH_REF(action)                                                     \
  tries = 0;                                                                 \
  do                                                                         \
  :: atomic {                                                                \
      if                                                                     \
      :: valid && state[at] == kLive -> action; ok = true; break             \
      :: valid && state[at] == kLoading -> ok = false; break                 \
      :: !valid -> /* find_live_pool */                                      \
        at = registered[identity];                                           \
        at_generation = (at == NONE -> 0 : generation[at]);                  \
        tries++;                                                             \
        if                                                                   \
        :: at == NONE || tries == 2 -> ok = false; break                     \
        :: else                                                              \
        fi                                                                   \
      fi                                                                     \
    }                                                                        \
  od;                                                                        \
  tries = 0

/* pool_ref.cpp, lock_registered; then `action` under the pool's lock, and `ok`. */
#define WITH_REGISTERED(action)                                              \
  tries = 0;                                                                 \
  do                                                                         \
  :: atomic {                                                                \
      if                                                                     \
      :: valid -> action; ok = true; break                                   \
      :: !valid ->                                                           \
        LOOK_UP;                                                             \
        tries++;                                                             \
        if                                                                   \
        :: at == NONE || tries == 2 -> ok = false; break                     \
        :: else                                                              \
        fi                                                                   \
      fi                                                                     \
    }                                                                        \
  od;                                                                        \
  tries = 0

#ifdef BUG_HINT_ONLY
#define LOOK_UP at = NONE; at_generation = 0
#else
#define LOOK_UP /* find_live_pool */                                         \
  at = registered[identity];                                                 \
  at_generation = (at == NONE -> 0 : generation[at])
#endif

/* registration.cpp, register_live_pool. */
inline register(with_size, is_published, deleter) {
  atomic {
    if
    :: registered[identity] != NONE -> at = registered[identity]
    :: else ->
      at = 1;
      do
      :: at < HEADERS && state[at] != kFree -> at++
      :: else -> break
      od;
      assert(state[at] == kFree);
      state[at] = kLoading;
      key[at] = identity;
      size[at] = with_size;
      closing[at] = NONE;
      published[at] = is_published;
      registered[identity] = at;
      if
      :: with_size == 0 -> state[at] = kLive; closing[at] = deleter /* close_live_pool */
      :: else
      fi
    fi;
    at_generation = generation[at]
  }
}

inline take_apart(h) {
  atomic {
    assert(state[h] == kDropped);
    holder0[h] = NONE;
    holder1[h] = NONE;
    key[h] = NONE;
    size[h] = 0;
    closing[h] = NONE;
    published[h] = false;
    state[h] = kFree;
    generation[h]++
  }
}

inline drop_live_pool() {
  atomic {
    if
    :: valid -> registered[identity] = NONE; state[at] = kDropped; ok = true
    :: else -> ok = false
    fi
  };
  if
  :: ok -> take_apart(at)
  :: else
  fi;
  atomic { forget_hint(); ok = false }
}

/* registration.cpp, drop_loading_pool: nobody has made it live since it was looked at. */
inline drop_loading_pool() {
#ifdef BUG_DROPS_WHAT_IS_LIVE
  drop_live_pool()
#else
  atomic {
    if
    :: valid && state[at] == kLoading -> registered[identity] = NONE; state[at] = kDropped; ok = true
    :: else -> ok = false
    fi
  };
  if
  :: ok -> take_apart(at)
  :: else
  fi;
  atomic { forget_hint(); ok = false }
#endif
}

/* pool_loading.cpp, become_live. Under the pool's lock. */
inline become_live(is_published) {
  state[at] = kLive;
  published[at] = published[at] || is_published
}

/* pool_loading.cpp, load. Afterwards the pool was live, or `ok` is false: its row is gone, or the call
 * has `failed` in the middle, as by an error or the end of the session. */
inline load(t, is_published) {
  do
  :: atomic {
      found = seen_identity(t) == identity;
      read_size = seen_size(t);
      if
      :: !found -> ok = false; break
      :: else
      fi
    };
    register(read_size, is_published, NONE);
#ifdef BUG_NO_SECOND_READING
    atomic {
      if
      :: valid -> become_live(is_published); ok = true; break
      :: else
      fi
    }
#else
    if /* a loader leaves no debt */
    :: failed = true; ok = false; break
    :: atomic { found = seen_identity(t) == identity; read_size = seen_size(t) }
    fi;
    atomic {
      if
      :: !valid -> mismatch = false /* evicted or dropped meanwhile: once more */
      :: valid && state[at] == kLive -> ok = found; break
      :: valid && state[at] == kLoading && found && size[at] == read_size ->
        become_live(is_published);
        ok = true;
        break
      :: else -> mismatch = true
      fi
    };
    if
    :: mismatch ->
      drop_loading_pool();
      mismatch = false;
      if
      :: !found -> ok = false; break
      :: else
      fi
    :: else
    fi
#endif
  od;
  atomic { found = false; read_size = 0; mismatch = false }
}

inline grant(who) { /* grant_now, under the pool's lock */
  wait_for = closing[at];
  assert(closing[at] != NONE || size[at] != 0); /* D5 */
  if
  :: closing[at] == NONE && holder0[at] == NONE && limit >= 1 -> holder0[at] = who; index = 0; has = true
  :: closing[at] == NONE && holder0[at] != NONE && holder1[at] == NONE && size[at] > 1 && limit > 1 ->
    holder1[at] = who; index = 1; has = true
  :: else -> has = false
  fi;
  if
  :: has && index == 0 -> claims0[identity]++; assert(claims0[identity] == 1) /* P1 */
  :: has && index == 1 -> claims1[identity]++; assert(claims1[identity] == 1)
  :: !has
  fi;
  if
  :: has -> my_epoch = epoch[identity]; assert(changes[identity] != 0 || size[at] == row_size)
  :: else
  fi
}

inline release(who) { /* release_slot: the lease is there, but after a drop (H1, H2) */
  WITH_REF(
    if
    :: index == 0 && holder0[at] == who -> holder0[at] = NONE; claims0[identity] = claims0[identity] - (my_epoch == epoch[identity]); has = false
    :: index == 1 && holder1[at] == who -> holder1[at] = NONE; claims1[identity] = claims1[identity] - (my_epoch == epoch[identity]); has = false
    :: else
    fi);
  atomic {
    assert(!has || my_epoch != epoch[identity]); /* P1: nobody took it away */
    has = false;
    index = 0;
    my_epoch = 0
  }
}

/* lease.cpp, numpool_try_acquire and numpool_release. */
proctype user(byte me) {
  byte identity, at, at_generation, tries, read_size, index, my_epoch, wait_for;
  byte limit = 2;
  bool ok, found, mismatch, has, failed;
again:
  atomic {
    forget_hint();
    identity = row_identity; /* require_pool */
    if
    :: identity == NONE -> goto over
    :: else
    fi
  };
arrive:
  WITH_REF(skip); /* lock_ref_loaded */
  if
  :: !ok -> load(NONE, true)
  :: ok
  fi;
  if
  :: failed -> goto over
  :: !ok && !failed -> goto again /* Arrival::kGone */
  :: ok /* fence_extend, with no lock held */
  fi;
  WITH_REF(grant(me));
  if
  :: !ok -> goto arrive
  :: ok && !has && wait_for != NONE -> finished[wait_for]; wait_for = NONE; goto again /* kClosing */
  :: ok && !has && wait_for == NONE -> goto over
  :: ok && has -> release(me)
  fi;
over:
  skip
}

mtype = { None, Resize, Drop, DropForce, PutBack, Create };

/* definition_trigger.cpp, begin_changing. */
inline lock_identity() {
#ifndef BUG_NO_IDENTITY_LOCK
  atomic { identity_lock[identity] == NONE -> identity_lock[identity] = me };
#endif
  skip
}

inline mark() { /* close_live_pool */
#ifndef BUG_NOT_CLOSING
  closing[at] = id
#else
  skip
#endif
}

/* pool_loading.cpp, lock_ref_or_stub; note_delete: nobody sees the pool before the mark. */
inline lock_or_stub(old_size) {
  do
  :: WITH_REF(mark());
    if
    :: ok -> break
    :: else
    fi;
    register(0, !created, id);
    atomic {
      if
      :: !valid -> mismatch = false
      :: valid && state[at] == kLoading && size[at] != 0 && size[at] != old_size -> mismatch = true
      :: valid && state[at] == kLoading && (size[at] == 0 || size[at] == old_size) ->
        become_live(!created); mark(); break
      :: valid && state[at] == kLive -> mark(); break
      fi
    };
    if
    :: mismatch -> drop_loading_pool(); mismatch = false
    :: else
    fi
  od
}

inline own_acquire() { /* lease.cpp, acquire, in the transaction that changed the definition */
  /* pool_loading.cpp, read_row: what it did to a row of others is for COMMIT to apply */
  if
#ifndef BUG_LOADS_OWN_ROW
  :: !created -> reads_as = NONE
#endif
  :: else -> reads_as = me
  fi;
  do
  :: WITH_REF(skip);
    if
    :: !ok -> load(reads_as, !created)
    :: ok
    fi;
    if
    :: !ok -> failed = false; break
    :: ok -> WITH_REF(grant(USERS + me))
    fi;
    if
    :: ok -> break
    :: !ok
    fi
  od;
  wait_for = NONE
}

/* definition_changes.cpp, reopen. */
inline reopen() {
  WITH_REF(
    stub = size[at] == 0;
#ifndef BUG_STUB_IS_OPENED
    if
    :: !stub -> closing[at] = NONE
    :: else
    fi
#else
    closing[at] = NONE; stub = false
#endif
  );
  if
  :: ok && stub -> drop_live_pool()
  :: else
  fi;
  stub = false
}

/* definition_changes.cpp, restore_change to nothing; newest first in undo_log.cpp: leases before. */
inline undo() {
  if
  :: has -> release(USERS + me)
  :: else
  fi;
  if
  :: dropped -> reopen(); dropped = false
  :: else
  fi;
  if
  :: created ->
    if
    :: at == NONE && registered[identity] != NONE ->
      atomic { at = registered[identity]; at_generation = generation[at] }
    :: else
    fi;
    drop_live_pool();
    created = false
  :: else
  fi;
  to_size = NONE
}

inline apply() { /* definition_changes.cpp, apply_change */
  if
  :: dropped -> drop_live_pool()
  :: !dropped && (created || to_size != NONE) ->
    WITH_REGISTERED(
      published[at] = published[at] || created;
      if
      :: to_size != NONE -> size[at] = to_size
      :: else
      fi)
  :: else
  fi
}

/* The locks of what was done under `id`: they go after the callback. */
inline unlock() {
  atomic {
    if
    :: what != None -> changes[identity]--
    :: else
    fi;
    if
    :: what != None && identity_lock[identity] == me -> identity_lock[identity] = NONE
    :: else
    fi;
    finished[id] = true
  }
}

/* A transaction that changes the definition, once, or in a savepoint first that it rolls back to. */
proctype changer(byte me) {
  byte identity, at, at_generation, tries, read_size, index, my_epoch, wait_for;
  byte to_size, id; /* DefinitionChange */
  byte reads_as;
  bool created, dropped, stub;
  byte limit = 2;
  bool ok, found, mismatch, has, failed;
  mtype what = None;

  if
  :: me <= SAVEPOINTS -> id = SUB + me
  :: id = me
  fi;
statement:
  if
  :: what = Resize
  :: what = Drop
  :: what = DropForce
  :: what = PutBack
  :: what = Create
  fi;
  /* The statement: waits for a transaction that is changing the row, then takes the newest. */
  atomic {
    writer == NONE;
    if /* what a savepoint saw of the name may be gone */
    :: identity != NONE && identity != row_identity -> what = None; goto commit
    :: else
    fi;
    if
    :: what == Create && row_identity == NONE -> identity = 1 + me; own_identity = identity; own_size = 1
    :: what == Resize && row_identity != NONE -> identity = row_identity; own_identity = identity; own_size = 3 - row_size
    :: what != Create && what != Resize && row_identity != NONE ->
      identity = row_identity; own_identity = NONE; own_size = row_size
    :: else -> what = None; goto commit
    fi;
    writer = me;
    changes[identity]++
  };

  if /* the trigger */
  :: what == Create -> created = true
  :: what == Resize -> lock_identity(); to_size = own_size; limit = own_size
  :: else -> lock_identity(); lock_or_stub(row_size); dropped = true
  fi;
  if
  :: what == PutBack -> /* INSERT of the same identity: note_insert */
    own_identity = identity;
#ifdef BUG_PUT_BACK_IS_CREATED
    created = true
#endif
  :: what == Drop -> /* require_unused */
    WITH_REF(found = holder0[at] != NONE || holder1[at] != NONE);
    if
    :: found -> found = false; goto abort
    :: !found
    fi
  :: what == Resize || what == Create ->
    if
    :: own_acquire()
    :: true
    fi
  :: what == DropForce
  fi;
  if
  :: id == me
  :: id == me -> goto abort
  :: id != me -> /* ROLLBACK TO: the locks go */
    atomic { writer = NONE; own_identity = NONE; own_size = NONE };
    undo();
    unlock();
    atomic { what = None; id = me; limit = 2 };
    if
    :: goto statement
    :: goto commit
    fi
  fi;

commit:
  /* COMMIT: the row becomes visible ... */
  atomic {
    if
    :: what == Drop -> assert(claims0[identity] == 0 && claims1[identity] == 0)
    :: else
    fi;
    if
    :: what != None ->
      row_identity = own_identity;
      row_size = own_size;
      writer = NONE;
      own_identity = NONE;
      own_size = NONE
    :: else
    fi;
    if
    :: dropped -> epoch[identity]++; claims0[identity] = 0; claims1[identity] = 0
    :: else
    fi
  };
  /* ... and its callback runs later. A lease of the open transaction is the session's now. */
  apply();
  goto over;

abort:
  atomic { writer = NONE; own_identity = NONE; own_size = NONE };
  undo();

over:
  unlock();
  if
  :: has -> release(USERS + me)
  :: else
  fi
}

#define idle(n) ((state[n] == kLive || state[n] == kLoading) && holder0[n] == NONE && holder1[n] == NONE \
                 && closing[n] == NONE && published[n])

proctype evictor() { /* evict_idle_pools, at any time */
  byte h, count;
  do
  :: atomic {
      if
      :: count < EVICTIONS && idle(1) -> h = 1
      :: count < EVICTIONS && idle(2) -> h = 2
      :: count < EVICTIONS && idle(3) -> h = 3
      fi;
      registered[key[h]] = NONE;
      state[h] = kDropped;
      count++
    };
    take_apart(h)
  :: break
  od
}

init {
  byte n;
  atomic {
    for (n : 1 .. USERS) { run user(n) };
    for (n : 1 .. CHANGERS) { run changer(n) };
    run evictor()
  };
  _nr_pr == 1;
  for (n : 1 .. HEADERS) {
    assert(state[n] != kDropped);
    assert(state[n] != kLive || key[n] == row_identity && size[n] == row_size && published[n] &&
           closing[n] == NONE && holder0[n] == NONE && holder1[n] == NONE)
  }
}
