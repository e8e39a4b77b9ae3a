/* One pool: queue, grant, hand-off, resize and forced drop, against timeout, cancel and exit.
 * README.md maps it to the code. Checked: P1, P2, P3, P9, no lost wake-up.
 *
 * What a pool's lock guards is changed in one step where nobody can see it change without the lock;
 * the steps of a grant, which its waiter sees without it, are taken one by one. */

#ifndef SESSIONS
#define SESSIONS 3
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif

#define NOBODY 0 /* sessions are 1 .. SESSIONS; each has one waiter record, named alike */

mtype = { kIdle, kQueued, kGranted, kDropped };

/* core/pool.h, guarded by the pool's lock. */
bool locked;
bool live = true; /* LiveState::kLive */
byte generation = 1;
byte size = 1;
byte holder[2]; /* Slot::holder */
bool in_set[2]; /* the free set */
byte head, tail, length;
byte prev[SESSIONS + 1], next[SESSIONS + 1];
byte granted_index[SESSIONS + 1];
bool is_ticket[SESSIONS + 1];

/* Read without the lock, by the session alone. */
mtype state[SESSIONS + 1] = kIdle;
bool inbox[SESSIONS + 1]; /* a session has one ticket at a time here: a flag does */
bool latch[SESSIONS + 1];

/* For the checks only. */
bool serving;                        /* a growth is still being worked through (I3) */
byte users[2];                       /* sessions that were told that they hold the index */
chan order = [SESSIONS] of { byte }; /* who joined and has not left, in the order of joining */

#define free_left (in_set[0] || in_set[1])
#define lowest_free (in_set[0] -> 0 : 1)

inline check_pool() { /* I1, I3 (P2), I4 */
  assert(!live || in_set[0] == (0 < size && holder[0] == NOBODY));
  assert(!live || in_set[1] == (1 < size && holder[1] == NOBODY));
  assert(!live || length == 0 || !free_left || serving);
  assert(length == len(order));
  assert((length == 0) == (head == NOBODY && tail == NOBODY))
}

/* To be the first step of an atomic. */
inline lock() { !locked -> locked = true }
inline unlock() { atomic { check_pool(); locked = false } }

inline join(w) { /* WaitQueue::join */
  prev[w] = tail;
  next[w] = NOBODY;
  if
  :: tail == NOBODY -> head = w
  :: else -> next[tail] = w
  fi;
  tail = w;
  length++;
  order!w
}

inline leave(w) { /* WaitQueue::leave */
  if
  :: prev[w] == NOBODY -> head = next[w]
  :: else -> next[prev[w]] = next[w]
  fi;
  if
  :: next[w] == NOBODY -> tail = prev[w]
  :: else -> prev[next[w]] = prev[w]
  fi;
  prev[w] = NOBODY;
  next[w] = NOBODY;
  length--
}

inline wake(w) { /* wake_all, with no lock held; a stale one is harmless. Tickets: delivery.pml */
  if
  :: !is_ticket[w] -> latch[w] = true
  :: else
  fi
}

/* core/pool.cpp, grant_to_head, up to where the waiter can see it; `i` is in nobody's hands. */
inline hand_over(i) {
  woken = head;
  leave(woken);
  assert(i < size);
  holder[i] = woken;
  granted_index[woken] = i;
  order?first;
  assert(first == woken); /* P3 */
  first = 0
}

/* The rest of it, unlock, and the wake-up; nothing where nothing was handed over. */
inline publish_grant() {
  if
  :: woken != NOBODY ->
#ifdef BUG_WAKE_BEFORE_GRANT
    wake(woken);
#endif
    state[woken] = kGranted;
    if
    :: is_ticket[woken] -> inbox[woken] = true
    :: else
    fi;
    unlock();
#ifndef BUG_WAKE_BEFORE_GRANT
    wake(woken);
#endif
    woken = NOBODY
  :: else
  fi
}

inline release_slot(me, i) { /* ledger_end.cpp, release_slot; core/pool.cpp, pool_release */
  atomic {
    lock();
    if
    :: !live || generation != mine -> unlock() /* H1, H2: the pool is gone */
    :: else ->
      assert(holder[i] == me); /* P1: nobody took it */
#ifdef BUG_FREE_BEFORE_HANDOFF
      holder[i] = NOBODY;
      in_set[i] = i < size;
      unlock()
    fi
  };
  atomic {
    lock();
    if
    :: !live || !in_set[i] || length == 0 -> unlock()
    :: else -> in_set[i] = false; hand_over(i)
#else
      if
      :: i < size && length != 0 -> hand_over(i) /* Q2 */
      :: else -> holder[i] = NOBODY; in_set[i] = i < size; unlock() /* or retired by a shrink */
      fi
#endif
    fi
  };
  publish_grant()
}

inline use(i) { /* the caller has been told that it holds `i` */
  d_step {
    if
    :: live && generation == mine -> users[i]++; assert(users[i] == 1) /* P1 */
    :: else
    fi
  };
  d_step {
    if
    :: live && generation == mine -> users[i]--
    :: else
    fi
  }
}

inline leave_queue(me) { /* ledger_end.cpp */
  atomic {
    lock();
    left = state[me] == kQueued; /* Q4 */
    if
    :: left -> leave(me); order??eval(me); state[me] = kIdle
    :: else
    fi;
    unlock()
  }
}

/* ledger_end.cpp, give_up of an entry that waits: leaves the queue, or passes on what it was granted. */
inline give_up(me) {
  atomic {
    leave_queue(me);
    if
    :: left
    :: else ->
      assert(!is_ticket[me] || inbox[me]); /* pushed before the granter unlocked */
      inbox[me] = false
    fi
  };
#ifndef BUG_GIVE_UP_FORGETS_GRANT
  if
  :: !left && state[me] == kGranted -> release_slot(me, granted_index[me])
  :: !left && state[me] == kDropped
  :: left
  fi
#endif
}

/* lease.cpp, acquire or enqueue: granted at once, or in the queue. */
inline arrive(me) {
  atomic {
    lock();
    if
    :: live ->
      mine = generation;
      if
#ifdef BUG_ARRIVAL_PASSES_QUEUE
      :: free_left ->
#else
      :: length == 0 && free_left -> /* Q1 */
#endif
        index = lowest_free;
        assert(holder[index] == NOBODY && len(order) == 0); /* P1, P3 */
        in_set[index] = false;
        holder[index] = me;
        state[me] = kGranted;
        seen = kGranted
      :: else ->
        if
        :: is_ticket[me] = false
        :: is_ticket[me] = true
        fi;
        state[me] = kQueued;
        join(me)
      fi
    :: else -> seen = kDropped /* the name is looked up again, and not found */
    fi;
    unlock()
  }
}

inline wait_for_turn(me) { /* wait.cpp */
  do
  :: seen = state[me];
#ifdef BUG_RESET_AFTER_CHECK
    latch[me] = false;
#endif
    if
    :: seen != kQueued -> break
    :: seen == kQueued && !patient -> break /* timeout, cancel, error or exit */
    :: seen == kQueued ->
      if /* sleep_once */
      :: latch[me]
      :: !patient /* the timeout; it looks once more */
      fi;
#ifndef BUG_RESET_AFTER_CHECK
      latch[me] = false
#endif
    fi
  od
}

inline wait_for_news(me) { /* a ticket: until delivery or poll sees it, or it is cancelled */
  if
  :: atomic { inbox[me] -> inbox[me] = false; seen = state[me] } /* collect_inbox */
  :: !patient
  fi
}

proctype session(byte me; byte rounds) {
  byte round, index, woken, first, mine;
  bool patient, left;
  mtype seen;

  do
  :: round < rounds ->
    atomic {
      round++;
      /* A patient one has no timeout, is not cancelled and does not exit: it has to be granted. */
      if
      :: patient = true
      :: patient = false
      fi;
      seen = kQueued
    };
    arrive(me);
    if
    :: seen == kDropped -> goto over
    :: seen == kGranted -> goto granted
    :: seen == kQueued && is_ticket[me] -> wait_for_news(me)
    :: seen == kQueued && !is_ticket[me] -> wait_for_turn(me)
    fi;
    if
    :: seen == kGranted -> index = granted_index[me]
    :: seen == kQueued -> give_up(me); goto over
    :: seen == kQueued && !is_ticket[me] -> /* a timeout returns what it was granted meanwhile */
      leave_queue(me);
#ifndef BUG_TIMEOUT_FORGETS_GRANT
      if
      :: !left -> seen = state[me]
      :: left
      fi;
#endif
      if
      :: seen == kGranted -> index = granted_index[me]
      :: else -> goto over
      fi
    :: seen == kDropped -> goto over
    fi;
granted:
    use(index);
    release_slot(me, index); /* release, rollback or exit */
over:
    skip;
    d_step {
      index = 0;
      mine = 0;
      left = false;
      is_ticket[me] = false;
      state[me] = kIdle
    }
  :: round == rounds -> break
  :: round == 1 && !patient -> break /* it was an exit */
  od
}

#ifdef RESIZE
inline resize(to) {
  atomic {
    lock(); /* pool_resize */
    size = to;
    in_set[1] = to > 1 && holder[1] == NOBODY;
    serving = true;
    unlock()
  };
  do /* serve_waiters, a batch of one */
  :: atomic {
      lock();
      if
      :: length != 0 && free_left ->
        index = lowest_free;
        in_set[index] = false;
        hand_over(index)
      :: else -> serving = false; unlock(); break
      fi
    };
    publish_grant()
  od
}

proctype resizer() {
  byte index, woken, first;
  resize(2);
  resize(1)
}
#endif

#ifdef DROP
/* drop_live_pool, and another pool that gets the same header. */
proctype dropper() {
  byte w, first;
  atomic { lock(); live = false; unlock() };
  do
  :: atomic {
      lock();
      if
      :: length != 0 -> w = head; leave(w); order?first /* pool_dismiss, a batch of one */
      :: else -> unlock(); break
      fi
    };
    state[w] = kDropped;
    if
    :: is_ticket[w] -> inbox[w] = true
    :: else
    fi;
    unlock();
    wake(w)
  od;
  atomic { /* take_apart, register_live_pool */
    lock();
    assert(length == 0);
    holder[0] = NOBODY;
    holder[1] = NOBODY;
    users[0] = 0;
    users[1] = 0;
    in_set[0] = true;
    in_set[1] = size > 1;
    generation++;
    live = true;
    unlock()
  }
}
#endif

init {
  byte s;
  atomic {
    in_set[0] = true;
    for (s : 1 .. SESSIONS) { run session(s, (s == 1 -> ROUNDS : 1)) };
#ifdef RESIZE
    run resizer();
#endif
#ifdef DROP
    run dropper();
#endif
    s = 0
  };
  _nr_pr == 1; /* whoever sleeps for ever makes this an invalid end state */
  assert(length == 0 && holder[0] == NOBODY && holder[1] == NOBODY); /* P9: nothing is lost */
  assert(in_set[0] && in_set[1] == (size > 1))
}
