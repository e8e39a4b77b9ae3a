/* Two pools, sessions that take a number of each in either order, and the check that finds who waits
 * in a circle. README.md maps it to the code. Checked: nobody is told of a deadlock who was not in
 * one; every deadlock ends; a victim is neither granted nor lost; nothing is left behind.
 *
 * What a pool's lock guards is one step here. A look of the checker at a slot or at a queue is one
 * step too, so others go on between any two looks. A lock of PostgreSQL is to the check what a pool
 * of one number is. */

#ifndef SESSIONS
#define SESSIONS 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef SIZE_OF_B
#define SIZE_OF_B 1
#endif
#ifndef CHECKS
#define CHECKS 1
#endif

#define NOBODY 0 /* sessions are 1 .. SESSIONS */
#define A 0
#define B 1
#define SLOTS (1 + SIZE_OF_B) /* slot 0 is the one of A, the others are B's */
#define ALL (SESSIONS + 1)

#define pool_of(slot) (slot == 0 -> A : B)

mtype = { kIdle, kQueued, kGranted, kVictim };
mtype:kind = { patient, cancellable, timed };

byte holder[SLOTS];
chan queue[2] = [SESSIONS] of { byte };
mtype state[ALL] = kIdle;
mtype:kind kind[ALL] = patient;
byte granted_slot[ALL];
byte serial[ALL]; /* of the wait; the code's tell the age too, which is nothing to what is checked here */

/* --- Sessions --- */

inline take_slot(s, p, slot) { /* `slot` is a free one of the pool, or SLOTS */
  slot = 0;
  do
  :: slot < SLOTS && (holder[slot] != NOBODY || pool_of(slot) != p) -> slot++
  :: else -> break
  od;
  if
  :: slot < SLOTS -> holder[slot] = s
  :: else
  fi
}

inline arrive(p) { /* pool_acquire, or pool_join with the next serial */
  d_step {
    state[me] = kGranted;
    slot = SLOTS;
    if
    :: len(queue[p]) == 0 -> take_slot(me, p, slot)
    :: else
    fi;
    if
    :: slot == SLOTS ->
      serial[me] = serial[me] + 1;
      state[me] = kQueued;
      queue[p]!me
    :: else -> granted_slot[me] = slot
    fi;
    slot = 0
  }
}

inline release(i) { /* pool_release */
  d_step {
    slot = i;
    assert(holder[slot] == me);
    if
    :: len(queue[pool_of(slot)]) != 0 ->
      queue[pool_of(slot)]?head;
      assert(state[head] == kQueued);
      holder[slot] = head;
      granted_slot[head] = slot;
      state[head] = kGranted;
      head = NOBODY
    :: else -> holder[slot] = NOBODY
    fi;
    slot = 0
  }
}

inline leave(p) { /* leave_queue: false if it was granted or condemned meanwhile */
  d_step {
    if
    :: state[me] == kQueued -> queue[p]??eval(me); state[me] = kIdle
    :: else
    fi
  }
}

/* A granted number is held, or something went wrong and all is given up. */
inline wait_for_turn(p) {
  if
  :: state[me] != kQueued
  :: kind[me] != patient -> leave(p) /* timeout, cancel, error, exit */
  fi
}

/* A third session, where asked for, takes one number and never two. */
#ifdef BYSTANDER
#define is_bystander (me == 3)
#else
#define is_bystander false
#endif

inline take_note(p) {
  if
  :: state[me] == kGranted -> held[p] = granted_slot[me] + 1
  :: else
  fi;
  granted_slot[me] = 0;
  state[me] = kIdle
}

proctype session(byte me; byte rounds) {
  byte slot, head;
  byte held[2]; /* slot + 1 */
  bit first;
  do
  :: atomic {
      rounds > 0 ->
      rounds--;
      if
      :: kind[me] = patient
#ifndef BYSTANDER
      :: kind[me] = cancellable
#endif
#ifdef TIMED
      :: kind[me] = timed
#endif
      fi;
      if
      :: first = A
      :: first = B
      fi;
      arrive(first)
    };
    wait_for_turn(first);
    atomic {
      take_note(first);
      if
      :: held[first] != 0 && !is_bystander -> arrive(1 - first)
      :: held[first] != 0 && is_bystander -> release(held[first] - 1); held[first] = 0; goto over
      :: else -> goto over
      fi
    };
    wait_for_turn(1 - first);
    atomic { take_note(1 - first); release(held[first] - 1); held[first] = 0 };
    if
    :: atomic { held[1 - first] != 0 -> release(held[1 - first] - 1); held[1 - first] = 0 }
    :: held[1 - first] == 0
    fi;
over:
    atomic { kind[me] = patient; first = 0 }
  :: rounds == 0 -> break
  od
}

/* --- The check --- */

typedef Copy {
  byte serial[ALL]; /* of who waits; 0: does not */
  bit pool[ALL];
  byte place[ALL];
  byte holder[SLOTS]
};
#define FIRST 0
#define SECOND 1
#define TRUTH 2 /* for the checks of the model only: at one moment, between the looks */
Copy copies[3];
bool stuck[ALL];
bool in_circle[ALL]; /* in truth */

#define is_behind(s, t, c) (copies[c].pool[t] == copies[c].pool[s] && copies[c].place[t] < copies[c].place[s])

typedef Row { bool to[ALL] };
Row reach[ALL];

inline clear_check() {
  d_step {
    for (i : 0 .. 2) {
      for (s : 0 .. SESSIONS) {
        copies[i].serial[s] = 0;
        copies[i].pool[s] = 0;
        copies[i].place[s] = 0
      };
      for (s : 0 .. SLOTS - 1) { copies[i].holder[s] = 0 }
    };
    for (s : 0 .. SESSIONS) {
      stuck[s] = false;
      in_circle[s] = false;
      for (t : 0 .. SESSIONS) { reach[s].to[t] = false }
    };
    s = 0;
    t = 0;
    i = 0;
    victim = NOBODY
  }
}

inline copy_queue(p, c) {
  for (s : 1 .. len(queue[p])) {
    queue[p]?t;
    queue[p]!t;
    if
    :: kind[t] != timed ->
      copies[c].serial[t] = serial[t];
      copies[c].pool[t] = p;
      copies[c].place[t] = s
    :: else
    fi
  }
}

inline look_at_queue(p, c) {
  d_step {
    copy_queue(p, c);
    s = 0;
    t = 0
  }
}

/* Slots one by one, and then the queue. */
inline second_look(p) {
  i = (p == A -> 0 : 1);
  do
  :: atomic { i < (p == A -> 1 : SLOTS) -> copies[SECOND].holder[i] = holder[i]; i++ }
  :: i == (p == A -> 1 : SLOTS) -> break
  od;
  atomic { i = 0; look_at_queue(p, SECOND) }
}

inline lacks(s, c) { /* i == SLOTS: every number of its pool is held by who is stuck */
  i = 0;
  do
  :: i < SLOTS && (pool_of(i) != copies[c].pool[s] || stuck[copies[c].holder[i]]) -> i++
  :: else -> break
  od
}

/* Takes away from stuck[] who can go on. */
inline fixpoint(c) {
  changed = true;
  do
  :: changed ->
    changed = false;
    for (s : 1 .. SESSIONS) {
      if
      :: stuck[s] ->
        lacks(s, c);
        behind = false;
        for (t : 1 .. SESSIONS) {
          behind = behind || (stuck[t] && is_behind(s, t, c))
        };
        if
        :: i < SLOTS && !behind -> stuck[s] = false; changed = true
        :: else
        fi
      :: else
      fi
    }
  :: else -> break
  od;
  i = 0
}

inline close_over(c) {
  for (s : 1 .. SESSIONS) {
    for (t : 1 .. SESSIONS) {
      reach[s].to[t] = stuck[s] && stuck[t] && is_behind(s, t, c)
    };
    if
    :: stuck[s] ->
      lacks(s, c);
      if
      :: i == SLOTS ->
        for (i : 0 .. SLOTS - 1) {
          if
          :: pool_of(i) == copies[c].pool[s] -> reach[s].to[copies[c].holder[i]] = true
          :: else
          fi
        }
      :: else
      fi
    :: else
    fi
  };
  for (i : 1 .. SESSIONS) {
    for (s : 1 .. SESSIONS) {
      for (t : 1 .. SESSIONS) {
        reach[s].to[t] = reach[s].to[t] || (reach[s].to[i] && reach[i].to[t])
      }
    }
  };
  i = 0
}

/* For the checks of the model only: who is in a circle in truth, here and now. */
inline note_truth() {
  d_step {
    copy_queue(A, TRUTH);
    copy_queue(B, TRUTH);
    for (s : 0 .. SLOTS - 1) { copies[TRUTH].holder[s] = holder[s] };
    for (s : 1 .. SESSIONS) { stuck[s] = copies[TRUTH].serial[s] != 0 };
    fixpoint(TRUTH);
    close_over(TRUTH);
    for (s : 1 .. SESSIONS) { in_circle[s] = reach[s].to[s] };
    for (s : 1 .. SESSIONS) {
      stuck[s] = false;
      for (t : 1 .. SESSIONS) { reach[s].to[t] = false }
    };
    s = 0;
    t = 0;
    behind = false
  }
}

inline decide() {
  d_step {
    for (s : 1 .. SESSIONS) {
#ifdef BUG_ONE_LOOK
      stuck[s] = copies[SECOND].serial[s] != 0
#elif defined(BUG_NO_SERIAL)
      stuck[s] = copies[SECOND].serial[s] != 0 && copies[FIRST].serial[s] != 0
#else
      stuck[s] = copies[SECOND].serial[s] != 0 && copies[SECOND].serial[s] == copies[FIRST].serial[s]
#endif
    };
    fixpoint(SECOND);
    close_over(SECOND);
    for (s : 1 .. SESSIONS) {
      changed = stuck[s]; /* in a knot */
#ifndef BUG_ANYBODY_STUCK
      changed = reach[s].to[s];
      for (t : 1 .. SESSIONS) {
        if
        :: reach[s].to[t] && reach[t].to[t] && !reach[t].to[s] -> changed = false
        :: else
        fi
      };
#endif
      if
      :: changed -> victim = s /* the last of those who may be it */
      :: else
      fi
    };
    s = 0;
    t = 0;
    i = 0;
    changed = false;
    behind = false
  }
}

inline condemn() { /* pool_condemn, under the lock of its pool */
  d_step {
    if
#ifdef BUG_CONDEMN_BLINDLY
    :: true ->
#else
    :: state[victim] == kQueued && serial[victim] == copies[SECOND].serial[victim] ->
#endif
      assert(state[victim] == kQueued);
      assert(in_circle[victim]);
      queue[copies[SECOND].pool[victim]]??eval(victim);
      state[victim] = kVictim
    :: else
    fi
  }
}

inline check() {
#ifdef BUG_LOOKS_INTERLEAVED
  look_at_queue(A, FIRST);
  second_look(A);
  atomic { look_at_queue(B, FIRST); note_truth() };
  second_look(B);
#else
#ifndef BUG_ONE_LOOK
  look_at_queue(A, FIRST);
  atomic { look_at_queue(B, FIRST); note_truth() };
#endif
  second_look(A);
  second_look(B);
#ifdef BUG_ONE_LOOK
  note_truth();
#endif
#endif
  atomic {
    decide();
    found = victim != NOBODY;
    if
    :: found
    :: else -> clear_check()
    fi
  };
  if
  :: atomic { found -> condemn(); clear_check() }
  :: !found
  fi
}

/* Whoever sleeps checks, again and again; it does not matter who. */
proctype checker() {
  byte checks, s, t, i, victim;
  bool changed, behind, found;
  do
  :: checks < CHECKS -> checks++; check()
#ifdef BUG_CHECK_ONCE
  :: checks == CHECKS -> break
#else
  :: timeout -> /* nobody else can do anything */
    check();
    if
    :: found
    :: else -> break
    fi
#endif
  od
}

init {
  byte s;
  atomic {
    run checker();
    for (s : 1 .. SESSIONS) { run session(s, (s == 1 -> ROUNDS : 1)) };
    s = 0
  };
  _nr_pr == 1; /* whoever sleeps for ever makes this an invalid end state */
  for (s : 0 .. SLOTS - 1) { assert(holder[s] == NOBODY) };
  assert(empty(queue[A]) && empty(queue[B]))
}
