/* What ends by time: deadlines, timers, the clerk and its heap of pools, places that calls sleep on,
 * and a pool that is dropped and made anew. README.md maps it to the code. Checked: T2 of the promises,
 * I6; once nothing moves any more, nothing that is over is still there, and nobody is noted as the
 * user of a place who is not there.
 *
 * Two pools with one record each. A step is one critical section: nobody sees a pool between, nor
 * the clerk's heap. The two are locked one after the other, so a change of a pool and what the heap
 * is told of it are one step, too (unlock_timed_pool holds both). */

#ifndef CALLS
#define CALLS 2 /* of the first caller, and one less of the other */
#endif
#define NEVER 15
#define LAST 3 /* the clock stops here */

mtype = { kNone, kPlace, kOffered, kHeld };

byte now;

/* Of each pool: its record. */
mtype state[2] = kNone;
byte deadline[2];
byte timer[2] = NEVER;     /* TimerHeap: the record's node */
byte user[2];
byte generation[2];
byte noted_due[2] = NEVER; /* LivePool */

/* Under the clerk's lock. */
byte key[2] = NEVER; /* the heap of pools; NEVER: not in it */
bool clerk_is_there;
bool latch;

bool alive[3]; /* who may be noted as a user: 1, 2 */

#define first_key (key[0] <= key[1] -> key[0] : key[1])

inline note_due(p) { /* shared/due_pools.cpp; as the pool is unlocked */
  if
  :: timer[p] < noted_due[p] ->
    noted_due[p] = timer[p];
#ifdef BUG_KEY_NOT_LOWERED
    if :: key[p] == NEVER -> key[p] = timer[p] :: else fi;
#else
    key[p] = timer[p];
#endif
#ifndef BUG_NOBODY_IS_WOKEN
    if :: key[p] == first_key && clerk_is_there -> latch = true :: else fi
#endif
  :: else
  fi
}

inline set_timer(p) { /* TokenSet::set_timer */
  if
  :: timer[p] > deadline[p] -> timer[p] = deadline[p]
  :: else
  fi
}

inline end_record(p) {
  state[p] = kNone;
  timer[p] = NEVER;
  user[p] = 0
}

/* pool_end_due of one record, which is all that a batch has here. */
inline end_due(p) {
  if
  :: timer[p] > now
  :: else ->
    timer[p] = NEVER;
    if
    :: user[p] != 0
    :: user[p] == 0 && deadline[p] <= now -> end_record(p)
#ifdef BUG_TIMER_NOT_PUT_BACK
    :: user[p] == 0 && deadline[p] > now
#else
    :: user[p] == 0 && deadline[p] > now -> set_timer(p)
#endif
    fi
  fi
}

proctype clerk() {
  byte p, g, wake_at;
  bool found;
start:
  atomic { clerk_is_there = true; latch = false }; /* take_office */
loop:
  do
  :: atomic { /* take_due_pool */
      found = false;
      wake_at = first_key;
      if
      :: first_key <= now ->
        found = true;
        p = (key[0] == first_key -> 0 : 1);
        g = generation[p];
        key[p] = NEVER
      :: else
      fi
    };
    if
    :: !found -> break
    :: found ->
#ifdef BUG_CLERK_ENDS_BETWEEN
      if :: atomic { clerk_is_there = false; goto start } :: true fi;
#endif
      atomic { /* end_due_in, and the pool is unlocked */
        if
        :: generation[p] != g
        :: else ->
#ifndef BUG_NOTED_DUE_IS_KEPT
          noted_due[p] = NEVER;
#endif
          end_due(p);
          note_due(p)
        fi
      }
    fi
  od;
#ifdef BUG_LATCH_IS_RESET_LATE
  latch = false; /* after it has looked */
#endif
end:
  atomic {
    (latch || now >= wake_at) -> wake_at = 0;
#ifndef BUG_LATCH_IS_RESET_LATE
    latch = false
#endif
  };
  if
  :: goto loop
  :: atomic { clerk_is_there = false; goto start } /* terminated, and started again */
  fi
}

inline clear_user() { /* clear_user_of */
  atomic {
    if
    :: user[p] == me ->
      user[p] = 0;
      if :: state[p] == kPlace -> deadline[p] = now + 2 :: else fi;
#ifndef BUG_TIMER_NOT_SET_AGAIN
      set_timer(p);
#endif
      note_due(p)
    :: else
    fi
  }
}

/* Somebody's calls, each of which leaves the pool with its lock. */
proctype caller(byte me) {
  byte p, calls;
  alive[me] = true;
  do
  :: calls == CALLS + 1 - me -> break
  :: calls < CALLS + 1 - me ->
    calls++;
    if :: p = 0 :: p = 1 fi;
    if
    :: atomic { /* a lease is committed, or a place kept */
        state[p] == kNone -> state[p] = kHeld; deadline[p] = now + 2; set_timer(p); note_due(p)
      }
    :: atomic {
        state[p] == kNone -> state[p] = kPlace; deadline[p] = now + 2; set_timer(p); note_due(p)
      }
    :: atomic { /* a renewal judges for itself; it moves the deadline only */
        state[p] == kHeld && deadline[p] > now -> deadline[p] = now + 2
      }
    :: atomic { /* a call for the place with a shorter time */
        state[p] == kPlace && user[p] == 0 && deadline[p] > now -> deadline[p] = now + 1;
#ifndef BUG_TIMER_STAYS
        set_timer(p);
#endif
        note_due(p)
      }
    :: atomic { (state[p] == kPlace || state[p] == kOffered) && user[p] == 0 -> end_record(p); note_due(p) }
    :: atomic { /* a hand-off */
        state[p] == kPlace ->
        if
        :: user[p] == 0 && deadline[p] <= now -> end_record(p)
        :: else -> state[p] = kOffered
        fi;
        note_due(p)
      }
    :: atomic { /* a call that sleeps on the place */
        state[p] == kPlace && user[p] == 0 && deadline[p] > now -> user[p] = me
      };
      if
      :: atomic { /* granted, and picked up; or over with its pool */
          state[p] != kPlace ->
          if
          :: state[p] == kOffered && user[p] == me ->
            state[p] = kHeld; user[p] = 0; timer[p] = NEVER; deadline[p] = now + 2; set_timer(p);
            note_due(p)
          :: else
          fi
        }
      :: true -> clear_user() /* timeout, error */
#ifdef BUG_DEAD_CALLER_IS_NOTED
      :: atomic { alive[me] = false; break } /* exit */
#else
      :: true -> clear_user(); atomic { alive[me] = false; break }
#endif
      fi
    :: atomic { /* dropped, and another pool has the header; forget_due */
        key[p] = NEVER;
        end_record(p);
        generation[p]++;
#ifndef BUG_NOTED_DUE_SURVIVES
        noted_due[p] = NEVER;
#endif
        generation[p] = generation[p] & 1
      }
    :: true
    fi
  od;
  alive[me] = false
}

#define is_over(p) (state[p] != kNone && user[p] == 0 && deadline[p] <= now)
#define has_dead_user(p) (user[p] != 0 && !alive[user[p]])

proctype clock() {
  do
  :: now < LAST -> now++
  :: now == LAST -> break
  od;
  /* Nobody else can move. */
  timeout -> assert(!is_over(0) && !is_over(1) && !has_dead_user(0) && !has_dead_user(1))
}

init {
  atomic {
    run clerk();
    run caller(1);
    run caller(2);
    run clock()
  }
}
