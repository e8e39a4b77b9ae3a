/* The ledger and the undo log of one session, in transactions with savepoints, beside another session
 * that wants its numbers. README.md maps it to the code. Checked: P6, against copies of the state that
 * each savepoint keeps, and P1, P2, P9 on the way. Nothing of the ledger is seen by others, so each
 * call is one step. */

#ifndef OPERATIONS
#define OPERATIONS 4
#endif
#ifndef TRANSACTIONS
#define TRANSACTIONS 2
#endif
#define SIZE 2
#define DEPTH 3 /* the transaction and two savepoints in each other */
#define LOG 8

#define NOBODY 0
#define ME 1
#define OTHER 2

byte holder[SIZE];
bool other_waits; /* the queue */

/* The ledger: an entry an index. */
bool held[SIZE], xact_scope[SIZE], ending[SIZE], touched[SIZE];
byte logged[SIZE];

/* The undo log. */
byte log_length, record_sub[LOG], record_entry[LOG];
bool record_created[LOG], record_scope[LOG], record_ending[LOG];

byte depth, next_sub = 2, sub[DEPTH];

/* What it should be, and what it was at each savepoint ([0]: at BEGIN); bits 0 held, 1 scope, 2 ending. */
byte now[SIZE];
byte saved0[DEPTH], saved1[DEPTH];

#define state_of(i) (held[i] + 2 * xact_scope[i] + 4 * ending[i])

inline check() {
  assert(state_of(0) == now[0] && state_of(1) == now[1]); /* P6 */
  assert((holder[0] == ME) == held[0] && (holder[1] == ME) == held[1]); /* P1: whoever else has it */
  assert(!other_waits || holder[0] != NOBODY && holder[1] != NOBODY)    /* P2 */
}

inline append(i, is_creation) {
  assert(log_length < LOG);
  record_sub[log_length] = sub[depth];
  record_entry[log_length] = i;
  record_created[log_length] = is_creation;
  record_scope[log_length] = xact_scope[i];
  record_ending[log_length] = ending[i];
  log_length++;
  touched[i] = true;
  logged[i] = sub[depth]
}

inline log_change(i) {
  if
#ifdef BUG_ONE_RECORD_A_TRANSACTION
  :: touched[i]
#else
  :: touched[i] && logged[i] == sub[depth]
#endif
  :: else -> append(i, false)
  fi
}

inline give_up(i) {
  holder[i] = (other_waits -> OTHER : NOBODY);
  other_waits = false;
  held[i] = false;
  xact_scope[i] = false;
  ending[i] = false;
  touched[i] = false;
  logged[i] = 0
}

inline acquire(in_scope) {
  i = SIZE;
  if /* take_back, the lowest first; else pool_acquire, if nobody waits */
  :: ending[0] -> i = 0
  :: !ending[0] && ending[1] -> i = 1
  :: else
  fi;
  if
  :: i < SIZE ->
#ifdef BUG_TAKE_BACK_IS_ACQUIRE
    append(i, true);
#else
    log_change(i);
#endif
    ending[i] = false;
    xact_scope[i] = in_scope;
    now[i] = 1 + 2 * in_scope
  :: i == SIZE && !other_waits && (holder[0] == NOBODY || holder[1] == NOBODY) ->
    i = (holder[0] == NOBODY -> 0 : 1);
    holder[i] = ME;
    held[i] = true;
    xact_scope[i] = in_scope;
    append(i, true);
    now[i] = 1 + 2 * in_scope
  :: else
  fi
}

inline release(which) { /* end_at_commit */
  if
  :: held[which] && !ending[which] ->
    log_change(which);
    ending[which] = true;
    now[which] = now[which] + 4
  :: else
  fi
}

inline undo_to(mine) {
  do
  :: log_length > 0 && record_sub[log_length - 1] >= mine ->
    log_length--;
    i = record_entry[log_length];
    if
    :: record_created[log_length] -> give_up(i)
    :: else -> ending[i] = record_ending[log_length]; xact_scope[i] = record_scope[log_length]
    fi;
    record_sub[log_length] = 0;
    record_entry[log_length] = 0;
    record_created[log_length] = false;
    record_ending[log_length] = false;
    record_scope[log_length] = false
  :: else -> break
  od
}

inline finish_entry(i) {
  if
  :: touched[i] && (ending[i] || xact_scope[i]) -> give_up(i)
  :: else -> touched[i] = false; logged[i] = 0
  fi
}

inline savepoint() {
  depth++;
  sub[depth] = next_sub;
  next_sub++;
  saved0[depth] = now[0];
  saved1[depth] = now[1]
}

inline leave_savepoint() {
  sub[depth] = 0;
  saved0[depth] = 0;
  saved1[depth] = 0;
  depth--
}

inline end_transaction(commits) { /* transaction.cpp, finish_transaction */
  do
  :: depth > 0 -> leave_savepoint()
  :: else -> break
  od;
  if
  :: commits ->
    if
    :: now[0] >= 2 -> now[0] = 0
    :: else
    fi;
    if
    :: now[1] >= 2 -> now[1] = 0
    :: else
    fi;
#ifndef BUG_LOG_IS_KEPT
    log_length = 0 /* forget_log */
#endif
  :: else -> now[0] = saved0[0]; now[1] = saved1[0]; undo_to(1)
  fi;
  finish_entry(0);
  finish_entry(1);
  saved0[0] = now[0];
  saved1[0] = now[1];
  next_sub = 2;
  operations = 0;
  transactions++
}

proctype session() {
  byte operations, transactions, i;
  do
  :: transactions == TRANSACTIONS -> break
  :: transactions < TRANSACTIONS && operations < OPERATIONS ->
    atomic {
      operations++;
      if
      :: acquire(false)
      :: acquire(true)
      :: true -> release(0)
      :: true -> release(1)
      :: depth < DEPTH - 1 -> savepoint()
      :: depth > 0 -> leave_savepoint() /* RELEASE SAVEPOINT */
      :: depth > 0 -> /* ROLLBACK TO: the same savepoint begins anew, under another id */
        now[0] = saved0[depth];
        now[1] = saved1[depth];
        undo_to(sub[depth]);
        leave_savepoint();
        savepoint()
      fi;
      i = 0;
      check()
    }
  :: transactions < TRANSACTIONS -> atomic { end_transaction(true); i = 0; check() }
  :: transactions < TRANSACTIONS -> atomic { end_transaction(false); i = 0; check() }
  od;
  atomic { /* ledger_end_session */
    if
    :: held[0] -> give_up(0)
    :: else
    fi;
    if
    :: held[1] -> give_up(1)
    :: else
    fi
  }
}

proctype other() {
  atomic {
    if
    :: holder[0] == NOBODY -> holder[0] = OTHER
    :: holder[0] != NOBODY && holder[1] == NOBODY -> holder[1] = OTHER
    :: else -> other_waits = true
    fi
  };
  !other_waits; /* P9: in the end it has to be granted */
  atomic {
    if
    :: holder[0] == OTHER -> holder[0] = NOBODY
    :: else -> assert(holder[1] == OTHER); holder[1] = NOBODY
    fi
  }
}

init {
  atomic {
    sub[0] = 1;
    run session();
    run other()
  };
  _nr_pr == 1;
  assert(holder[0] == NOBODY && holder[1] == NOBODY)
}
