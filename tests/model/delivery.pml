/* From a grant to the client: the session's inbox, the signal, and the backend's loop with its
 * transactions; also the loss of a lease by a forced drop. README.md maps it to the code. Checked: a
 * client is told of what became of its ticket once, by notification or by poll, and never of what is
 * not committed; who listens is told of a lost lease; nothing waits for ever. */

#ifndef COMMANDS
#define COMMANDS 4
#endif

mtype = { Begin, Commit, Rollback, Write, Enqueue, Poll, Cancel };
mtype = { kNone, kWaiting, kHeld };

/* Shared. */
bool queued, granted, inbox; /* the ticket's record: in the queue; granted; pushed */
bool lost_leases, listens;   /* Session */
bool pending, latch;         /* what PROCSIG_NOTIFY_INTERRUPT sets */

/* The backend. */
mtype entry = kNone;
bool touched, untold, ending, shown, created_now, in_block, has_xid, holds = true;
chan command = [0] of { mtype };

/* For the checks only. */
byte told, told_lost;
bool busy, client_done, forgot_lost;

inline signal() { pending = true; latch = true } /* HandleNotifyInterrupt */

proctype granter() { /* grant_to_head, then wake_all */
end_without_a_ticket:
  atomic { queued -> queued = false; granted = true };
#ifdef BUG_SIGNAL_BEFORE_PUSH
  signal();
  inbox = true
#else
  inbox = true;
  signal()
#endif
}

proctype dropper() { /* tell_holders */
  lost_leases = true;
  if
  :: listens -> signal()
  :: else
  fi
}

#define news_waiting (untold || inbox || lost_leases)

inline collect_news() {
  if
  :: atomic { inbox -> inbox = false; entry = kHeld; untold = true }
  :: else
  fi;
  if
  :: atomic { lost_leases -> lost_leases = false }
    if
    :: holds && listens -> told_lost++ /* told below, with the rest */
    :: holds && !listens -> forgot_lost = true
    :: else
    fi;
    holds = false
  :: else
  fi
}

inline deliver() { /* at PRE_COMMIT */
  if
#ifdef BUG_TELL_TOUCHED
  :: news_waiting && !has_xid ->
#else
  :: news_waiting && !has_xid && !touched -> /* the undo log is empty: what touches the ticket logs it */
#endif
    collect_news();
    if
    :: untold ->
      told++;
      untold = false;
      assert(!touched || !created_now) /* its transaction may still be rolled back */
    :: else
    fi
  :: else
  fi
}

inline give_up() { /* what is granted already goes to the next in line */
  atomic {
    if
    :: queued -> queued = false
    :: else ->
      if
      :: granted && entry == kWaiting -> inbox; inbox = false /* pushed under the lock; released */
      :: else
      fi
    fi;
    entry = kNone;
    untold = false;
    shown = false;
    ending = false
  }
}

inline finish_transaction(commits) {
  if
  :: commits -> deliver()
  :: else
  fi;
  if
  :: !commits && created_now -> give_up()
  :: !commits && !created_now -> ending = false
  :: commits && ending -> give_up()
  :: commits && !ending && shown -> /* mark_told */
    told++;
#ifndef BUG_POLL_DOES_NOT_COUNT
    untold = false
#endif
  :: else
  fi;
  shown = false;
  touched = false;
  created_now = false;
  has_xid = false;
  in_block = false;
#ifndef BUG_NO_RAISE
  if
  :: news_waiting -> signal() /* raise_delivery */
  :: else
  fi
#endif
}

proctype backend() {
  mtype what;
  do
  :: if
    :: pending && !in_block -> /* ProcessNotifyInterrupt: a transaction of its own */
      pending = false;
      if
      :: listens -> deliver(); finish_transaction(true)
      :: else
      fi
    :: else ->
      busy = false;
end_idle:
      if
      :: atomic { latch -> latch = false; busy = true }
      :: atomic { command?what -> busy = true };
        if
        :: what == Begin -> in_block = true
        :: what == Commit -> finish_transaction(true)
        :: what == Rollback -> finish_transaction(false)
        :: what == Write -> has_xid = true
        :: what == Enqueue ->
          listens = true;
          touched = true;
          created_now = true;
          atomic { entry = kWaiting; queued = true }
        :: what == Poll ->
          collect_news();
          if
          :: entry == kHeld && untold -> shown = true; touched = true /* show */
          :: else
          fi
        :: what == Cancel ->
          collect_news();
          if
          :: entry != kNone -> touched = true; ending = true
          :: else
          fi
        fi;
        if
        :: !in_block && what != Commit && what != Rollback -> finish_transaction(true)
        :: else
        fi
      fi
    fi
  od
}

proctype client() {
  byte n;
  bool block, enqueued;
  do
  :: n < COMMANDS ->
    n++;
    if
    :: !block -> command!Begin; block = true
    :: block -> command!Commit; block = false
    :: block && !enqueued -> command!Rollback; block = false
    :: command!Write
    :: !enqueued -> command!Enqueue; enqueued = true
    :: enqueued -> command!Poll
    :: enqueued -> command!Cancel
    fi
  :: break
  od;
  if
  :: block -> command!Commit
  :: block -> command!Rollback
  :: !block
  fi;
  client_done = true
}

init {
  atomic {
    run granter();
    run dropper();
    run backend();
    run client()
  };
  timeout; /* nothing moves any more */
  assert(client_done && !busy && !in_block);
  assert(told <= 1 && told_lost <= 1);
  assert(!granted || entry == kNone || told == 1);
  assert(!inbox && !untold);
  assert(!listens || forgot_lost || told_lost == 1)
}
