/* Timed leases: records, rows, COMMIT, loading, ends by time, eviction and crashes. README.md maps it to
 * the code. Checked: T1, T6, T7, T9; P1 and P7 between sessions and tokens, over crashes.
 *
 * Each step is one critical section, or what a transaction makes visible at once. A crash may come
 * between any two: records go, rows that were not committed go, and whoever ran begins anew.
 * When a lease is due is left to chance. The queue is in queue.pml, the clerk in clerk.pml. */

#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef OPERATIONS
#define OPERATIONS 3 /* of all workers together; after a crash there is one more */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#define NUMBERS 2
#define TOKENS 2
#define ROWS 4
#define NOBODY 0
#define TOKEN(t) (10 + (t))

mtype = { kNone, kTaken, kHeld, kInserted, kCommitted, kDeleted };

byte operations = OPERATIONS;
byte crashes = CRASHES;
byte next_fence = 1; /* rule F1: goes on over a crash */

/* The table. */
mtype row[ROWS] = kNone;
byte row_index[ROWS];
byte row_token[ROWS];
byte row_fence[ROWS];

/* Shared memory. */
bool loaded;           /* timed_leases_are_live */
byte loading;          /* who has the lock for it */
bool live;             /* the pool is */
byte holder[NUMBERS];  /* Slot::holder */
mtype record[TOKENS + 1] = kNone;
byte user[TOKENS + 1];
byte number_of[TOKENS + 1];
byte row_of[TOKENS + 1];
bool due[TOKENS + 1];  /* the deadline has come */
bool left[ROWS];       /* in TokenSet::left */
byte sweeper[ROWS];    /* the user of such a record */

bool gone[WORKERS + 1]; /* the server has crashed; the session begins anew */

/* For the checks only. */
byte lives[TOKENS + 1];     /* 1 + the number of a lease that is committed and not over (T1) */
bool ended[TOKENS + 1];     /* ended by time since the start */
byte given[NUMBERS];        /* the newest fence of a number */

inline give_fence(i, f) { /* P7 */
  assert(f > given[i]);
  given[i] = f
}

inline check_granted(i) { /* P1, T8 */
  assert(lives[1] != i + 1);
  assert(lives[2] != i + 1)
}

inline end_lease(t, leaves_row) { /* timed_end */
  assert(holder[number_of[t]] == TOKEN(t));
  holder[number_of[t]] = NOBODY;
  record[t] = kNone;
  due[t] = false;
  if
  :: leaves_row -> left[row_of[t]] = true
  :: else
  fi
}

#define is_due(t) (record[t] == kHeld && user[t] == NOBODY && due[t])

/* The client is told that the token holds its number, for its whole time from now. */
inline renew_lease(t) {
  assert(record[t] == kHeld && holder[number_of[t]] == TOKEN(t));
  assert(!is_due(t) && lives[t] == number_of[t] + 1);
  due[t] = false
}

#include "timed_loading.inc"

/* A step that finds the pool evicted loads it, without rows. definitions.pml has that in full. */
inline see_to_pool() {
  if
  :: live
  :: else ->
#ifdef BUG_EVICTION_REVIVES
    read_rows();
    install()
#else
    live = true
#endif
  fi
}

/* Grants */

inline grant(i) { /* pool_acquire */
  see_to_pool();
  if
  :: holder[0] == NOBODY -> i = 0
  :: holder[0] != NOBODY && holder[1] == NOBODY -> i = 1
  :: else -> goto next
  fi;
  check_granted(i);
  holder[i] = me;
  fence = next_fence;
  give_fence(i, next_fence);
  next_fence++
}

#define is_open(r) (row[r] == kNone && !left[r])

inline write_row() { /* write_token_row */
  if
  :: is_open(0) -> r = 0
  :: !is_open(0) && is_open(1) -> r = 1
  :: !is_open(0) && !is_open(1) && is_open(2) -> r = 2
  :: else -> r = 3; assert(is_open(3)) /* ROWS is too small */
  fi;
  row[r] = kInserted;
  row_index[r] = i;
  row_token[r] = t;
#ifdef BUG_ROW_HAS_FENCE_OF_GRANT
  row_fence[r] = fence
#else
  row_fence[r] = next_fence;
  next_fence++
#endif
}

#ifdef BUG_SWEEPS_UNMARKED
#define may_sweep(o) left[o]
#else
#define may_sweep(o) (left[o] && sweeper[o] == NOBODY)
#endif

inline sweep() { /* sweep_left_rows, of one row; there may be more than a call deletes */
  atomic {
    if
    :: may_sweep(0) -> swept = 1
    :: may_sweep(1) -> swept = 2
    :: may_sweep(2) -> swept = 3
    :: may_sweep(3) -> swept = 4
    :: true -> swept = 0
    fi;
    if
    :: swept -> sweeper[swept - 1] = me
    :: else
    fi
  };
  if
  :: swept -> delete_row(swept - 1)
  :: else
  fi
}

inline delete_row(o) {
  atomic {
    assert(row[o] == kCommitted); /* else one would wait for another's transaction */
    row[o] = kDeleted
  }
}

inline end_sweep(committed) {
  if
  :: swept ->
    sweeper[swept - 1] = NOBODY;
    if
    :: committed -> left[swept - 1] = false
    :: else
    fi
  :: else
  fi;
  swept = 0
}

/* A number that the session has, and a record that is kTaken: the row, and the transaction's end. */
inline finish_taking(keeps) {
  atomic { write_row() };
  sweep();
  if
  :: true -> /* COMMIT */
    atomic {
      row[r] = kCommitted;
      if :: swept -> row[swept - 1] = kNone :: else fi;
      lives[t] = i + 1;
      ended[t] = false
    };
    atomic { /* hold_token */
      assert(holder[i] == me && record[t] == kTaken && user[t] == me);
      holder[i] = TOKEN(t);
      record[t] = kHeld;
      user[t] = NOBODY;
      due[t] = false;
      row_of[t] = r;
      end_sweep(true);
      if :: keeps -> own = 0 :: else fi
    }
  :: true -> /* ROLLBACK */
    atomic {
      row[r] = kNone;
      if :: swept -> row[swept - 1] = kCommitted :: else fi
    };
    atomic { /* undo_use */
      assert(holder[i] == me);
      record[t] = kNone;
      user[t] = NOBODY;
      end_sweep(false);
      if :: keeps :: else -> holder[i] = NOBODY fi
    }
  fi
}

inline take_token() { /* insert_token */
#ifdef BUG_TOKEN_TWICE
  true;
#else
  if
  :: record[t] != kNone ->
    if :: own :: else -> holder[i] = NOBODY fi;
    goto next
  :: else
  fi;
#endif
  record[t] = kTaken;
  user[t] = me;
  number_of[t] = i;
  due[t] = false
}

inline lease() {
  atomic { /* require_token */
    if
    :: record[t] == kNone
    :: is_due(t) -> end_lease(t, true)
    :: record[t] != kNone && !is_due(t) && user[t] == NOBODY -> renew_lease(t); goto next
    :: record[t] != kNone && user[t] != NOBODY -> goto next /* 55006 */
    fi
  };
  atomic { grant(i) };
  atomic { take_token() };
  finish_taking(false)
}

inline acquire() { /* by the session */
  atomic { grant(i); own = i + 1; own_fence = fence }
}

inline keep() {
  atomic {
    i = own - 1;
    fence = own_fence;
    if
    :: is_due(t) -> end_lease(t, true)
    :: else
    fi;
    take_token()
  };
  finish_taking(true)
}

inline let_go() {
  atomic { assert(holder[own - 1] == me); holder[own - 1] = NOBODY; own = 0; own_fence = 0 }
}

inline release() { /* by token */
  atomic {
    if
#ifdef BUG_TWO_USERS
    :: record[t] == kHeld && !is_due(t) -> user[t] = me; r = row_of[t]
#else
    :: record[t] == kHeld && user[t] == NOBODY && !due[t] -> user[t] = me; r = row_of[t]
#endif
    :: else -> goto next
    fi
  };
  delete_row(r);
  if
  :: true ->
    atomic { row[r] = kNone; lives[t] = 0 };
    atomic { user[t] = NOBODY; end_lease(t, false) }
  :: true ->
    row[r] = kCommitted;
    atomic { /* clear_user_of; the deadline counts again */
      user[t] = NOBODY;
      if :: due[t] -> lives[t] = 0; ended[t] = true :: else fi
    }
  fi
}

inline renew() {
#ifdef BUG_RENEWS_UNLOCKED
  if
  :: record[t] == kHeld && user[t] == NOBODY && !due[t] -> renew_lease(t)
  :: !(record[t] == kHeld && user[t] == NOBODY && !due[t])
  fi
#else
  atomic {
    if
    :: record[t] != kHeld -> skip
#ifndef BUG_RENEWS_LATE
    :: is_due(t) -> end_lease(t, true)
    :: record[t] == kHeld && !is_due(t) && user[t] == NOBODY -> renew_lease(t)
#else
    :: record[t] == kHeld && user[t] == NOBODY -> renew_lease(t)
#endif
    :: record[t] == kHeld && user[t] != NOBODY -> due[t] = false
    fi
  }
#endif
}

proctype worker(byte me) {
  byte t, i, r, fence, own, own_fence, seen, swept;
again:
  {
    do
    :: atomic {
        operations > 0 -> operations--;
        if
        :: t = 1
        :: t = 2
        fi
      };
      load();
      if
      :: lease()
      :: renew()
      :: release()
      :: own == 0 -> acquire()
      :: own != 0 -> let_go()
#ifdef KEEPS
      :: own != 0 -> keep()
#endif
      fi;
next: atomic { t = 0; i = 0; r = 0; fence = 0; swept = 0 }
    :: atomic { operations == 0 && crashes == 0 -> goto done }
    od
  } unless {
    atomic {
      gone[me] -> gone[me] = false;
      t = 0; i = 0; r = 0; fence = 0; own = 0; own_fence = 0; seen = 0; swept = 0;
      goto again
    }
  };
done:
  skip
}

/* What is held comes due, and the clerk ends it. */
proctype time() {
end:
  do
  :: atomic {
      record[1] == kHeld && !due[1] -> due[1] = true;
      if :: user[1] == NOBODY -> lives[1] = 0; ended[1] = true :: else fi
    }
  :: atomic {
      record[2] == kHeld && !due[2] -> due[2] = true;
      if :: user[2] == NOBODY -> lives[2] = 0; ended[2] = true :: else fi
    }
  :: atomic { is_due(1) -> end_lease(1, true) }
  :: atomic { is_due(2) -> end_lease(2, true) }
#ifdef BUG_DEADLINE_OF_TAKEN
  :: atomic { record[1] == kTaken -> holder[number_of[1]] = NOBODY; record[1] = kNone; user[1] = NOBODY }
#endif
  od
}

#define nothing_held (holder[0] == NOBODY && holder[1] == NOBODY)
#define no_record (record[1] == kNone && record[2] == kNone)
#define no_row_left (!left[0] && !left[1] && !left[2] && !left[3])

inline forget_all_of_pool() {
  live = false;
  holder[0] = NOBODY; holder[1] = NOBODY;
  record[1] = kNone; record[2] = kNone;
  due[1] = false; due[2] = false;
  user[1] = NOBODY; user[2] = NOBODY;
  left[0] = false; left[1] = false; left[2] = false; left[3] = false
}

/* A failed allocation takes what nobody uses. */
proctype evictor() {
end:
  do
#if defined(BUG_EVICTION_REVIVES)
  :: atomic { live && nothing_held && no_record -> forget_all_of_pool() }
#elif defined(BUG_EVICTS_LEASES)
  :: atomic { live && holder[0] != 1 && holder[0] != 2 && holder[1] != 1 && holder[1] != 2 -> forget_all_of_pool() }
#else
  :: atomic { live && nothing_held && no_record && no_row_left -> live = false }
#endif
  od
}

proctype crash() {
  byte r;
  do
  :: atomic {
      crashes > 0 -> crashes--;
      operations++;
      r = 0;
      do
      :: r == ROWS -> break
      :: else ->
        if
        :: row[r] == kInserted -> row[r] = kNone
        :: row[r] == kDeleted -> row[r] = kCommitted
        :: else
        fi;
        sweeper[r] = NOBODY;
        r++
      od;
      r = 0;
      forget_all_of_pool();
      ended[1] = false; ended[2] = false;
      loaded = false;
      loading = NOBODY;
      do
      :: r == WORKERS -> break
      :: else -> r++; gone[r] = true
      od;
      r = 0
    }
  :: crashes == 0 -> break
  od
}

init {
  atomic {
    byte w = 1;
    do
    :: w > WORKERS -> break
    :: else -> run worker(w); w++
    od;
    run time();
    run crash();
#ifdef EVICTIONS
    run evictor()
#endif
  }
}
