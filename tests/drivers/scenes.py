"""The scenes of client/drivers.md for a synchronous driver of Python, which its test describes."""

import threading
import time
import traceback
import uuid

SCENES = {}
failed = 0


def scene(name):
    def keep(function):
        SCENES[name] = function
        return function

    return keep


def play(*values):
    """Prints TAP: a line a scene. Each begins with nothing leased."""
    for name, function in SCENES.items():
        try:
            function(*values)
            result(True, name)
        except BaseException:
            traceback.print_exc()
            result(False, name)
    raise SystemExit(1 if failed else 0)


def result(good, name):
    global failed
    failed += not good
    print("ok -" if good else "not ok -", name, flush=True)


def eventually(condition, what):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


class InBackground(threading.Thread):
    """Runs a function and keeps what it returned or raised."""

    def __init__(self, function, *values):
        super().__init__(daemon=True)
        self.call, self.value, self.error = (function, values), None, None
        self.start()

    def run(self):
        try:
            self.value = self.call[0](*self.call[1])
        except BaseException as error:
            self.error = error

    def end(self):
        self.join(20)
        assert not self.is_alive(), "still at it"
        return self


def raises(kind, function, *values):
    try:
        function(*values)
    except kind as error:
        return error
    raise AssertionError(f"{function.__name__} did not fail")


def of_pool(d, what):
    return d.ask(d.watcher, f"SELECT {what} FROM numpool_pools WHERE pool = 'gpu'")[0]


def pid_of(d, conn):
    return d.ask(conn, "SELECT pg_backend_pid()")[0]


@scene("acquire and release")
def acquire_and_release(r, d):
    with d.borrow() as conn:
        first, second = r.acquire(conn, "gpu", 5), r.acquire(conn, "gpu", 5)
        assert first[0] == 0 and second[0] == 1 and second[1] > first[1], (first, second)
        r.release(conn, "gpu", first)
        assert of_pool(d, "in_use") == 1
        raises(d.error, r.release, conn, "gpu", first)
    with d.borrow() as conn:
        raises(d.error, r.release, conn, "gpu", second)  # it came back without it
    eventually(lambda: of_pool(d, "in_use") == 0, "it keeps what came back")


@scene("timeout")
def timeout(r, d):
    with d.borrow() as holder, d.borrow() as conn:
        r.acquire(holder, "gpu", 5), r.acquire(holder, "gpu", 5)
        start = time.monotonic()
        assert r.acquire(conn, "gpu", 0.2) is None
        assert time.monotonic() - start >= 0.2
        assert r.acquire(conn, "gpu", 0) is None
        assert of_pool(d, "waiting") == 0
    eventually(lambda: of_pool(d, "in_use") == 0, "it keeps what came back")


@scene("transaction")
def transaction(r, d):
    with d.borrow() as conn:
        d.begin(conn)
        assert d.ask(conn, "SELECT numpool_acquire('gpu')")[0] == 0
        d.end(conn, "ROLLBACK")
        assert of_pool(d, "in_use") == 0
        lease = r.acquire(conn, "gpu", 5)
        d.begin(conn)
        r.release(conn, "gpu", lease)
        assert of_pool(d, "in_use") == 1
        d.end(conn, "COMMIT")
        assert of_pool(d, "in_use") == 0
        d.begin(conn)
        assert d.ask(conn, "SELECT numpool_acquire_xact('gpu')")[0] == 0
        assert of_pool(d, "in_use") == 1
        d.end(conn, "COMMIT")
        assert of_pool(d, "in_use") == 0


@scene("ticket")
def ticket(r, d):
    with d.borrow() as holder, d.borrow() as conn:
        lease = r.acquire_by_ticket(d.driver_connection(conn), "gpu", 5)
        assert lease[0] == 0
        r.release(conn, "gpu", lease)
        leases = [r.acquire(holder, "gpu", 5), r.acquire(holder, "gpu", 5)]
        assert r.acquire_by_ticket(d.driver_connection(conn), "gpu", 0.2) is None
        assert of_pool(d, "waiting") == 0
        for _ in range(3):
            waiting = InBackground(r.acquire_by_ticket, d.driver_connection(conn), "gpu", 20)
            eventually(lambda: of_pool(d, "waiting") == 1, "it does not wait")
            time.sleep(0.1)  # long enough that it sleeps
            start = time.monotonic()
            r.release(holder, "gpu", leases[1])
            lease = waiting.end().value
            assert lease is not None and lease[0] == 1 and time.monotonic() - start < 10, waiting.error
            r.release(conn, "gpu", lease)
            leases[1] = r.acquire(holder, "gpu", 5)
        d.ask(d.watcher, "SELECT numpool_create('short', 1)")
        d.ask(holder, "SELECT numpool_acquire('short')")
        waiting = InBackground(r.acquire_by_ticket, d.driver_connection(conn), "short", 20)
        there = "SELECT count(*) FROM numpool_waiters WHERE pool = 'short'"
        eventually(lambda: d.ask(d.watcher, there)[0] == 1, "it does not wait")
        d.ask(d.watcher, "SELECT numpool_drop('short', true)")
        assert isinstance(waiting.end().error, LookupError), waiting.error
    eventually(lambda: of_pool(d, "in_use") == 0, "it keeps what came back")


@scene("reset")
def reset(r, d):
    pids = set()
    for turn in range(12):  # often enough that statements are prepared
        with d.borrow() as conn:
            pids.add(pid_of(d, conn))
            assert r.acquire(conn, "gpu", 5)[0] == 0
            assert r.acquire(conn, "gpu", 5)[0] == 1
            d.ask(conn, "SELECT ticket FROM numpool_enqueue('gpu')")
            if turn % 3 == 1:
                d.begin(conn)  # and leave it open
                d.ask(conn, "SELECT numpool_release('gpu', 0)")
        eventually(lambda: of_pool(d, "in_use + waiting") == 0, "it keeps what came back")
    assert len(pids) <= 4, "the connections are not used again"


@scene("cancel")
def cancel(r, d):
    with d.borrow() as holder, d.borrow() as conn:
        leases = [r.acquire(holder, "gpu", 5), r.acquire(holder, "gpu", 5)]
        driver_connection = d.driver_connection(conn)
        waiting = InBackground(r.acquire, conn, "gpu", 20)
        eventually(lambda: of_pool(d, "waiting") == 1, "it does not wait")
        driver_connection.cancel()
        assert waiting.end().error is not None
        eventually(lambda: of_pool(d, "waiting") == 0, "it is still in the queue")
        # A cancel that meets a grant: none of the two numbers may be lost.
        for _ in range(20):
            before = of_pool(d, "waiting")
            waiting = InBackground(r.acquire, conn, "gpu", 20)
            eventually(lambda: of_pool(d, "waiting") == before + 1, "it does not wait")
            canceller = InBackground(d.driver_connection(conn).cancel)
            r.release(holder, "gpu", leases[1])
            canceller.end()
            lease = waiting.end().value
            if lease is None:
                assert waiting.error is not None
                eventually(lambda: of_pool(d, "in_use") == 1, "a number is lost")
            else:
                eventually(lambda: of_pool(d, "in_use") == 2, "a number is lost")
                d.settle(conn)  # the cancel may reach the next statement
                r.release(conn, "gpu", lease)
            d.settle(conn)
            leases[1] = r.acquire(holder, "gpu", 5)
    eventually(lambda: of_pool(d, "in_use") == 0, "it keeps what came back")


@scene("lost")
def lost(r, d):
    try:
        with d.borrow() as conn:
            lease = r.acquire(conn, "gpu", 5)
            d.ask(d.watcher, f"SELECT pg_terminate_backend({pid_of(d, conn)}, 10000)")
            assert of_pool(d, "in_use") == 0
            raises(d.error, r.release, conn, "gpu", lease)
            raises(d.error, r.release, conn, "gpu", lease)  # nor on a new connection
    except d.error:
        pass  # the way back may complain
    with d.borrow() as conn:
        assert r.acquire(conn, "gpu", 5)[0] == 0
    eventually(lambda: of_pool(d, "in_use") == 0, "it keeps what came back")


@scene("timed")
def timed(r, d):
    token = str(uuid.uuid4())
    number, fence = r.lease_timed(d.pool, "gpu", token)
    assert number == 0
    with d.borrow():  # so that another connection is asked
        assert tuple(r.lease_timed(d.pool, "gpu", token)) == (0, fence)
        assert r.renew(d.pool, token) == fence
    others = [str(uuid.uuid4()), str(uuid.uuid4())]
    assert r.lease_timed(d.pool, "gpu", others[0])[0] == 1
    assert r.lease_timed(d.pool, "gpu", others[1])[0] is None  # its place is kept
    assert r.give_back(d.pool, token) is True
    assert r.lease_timed(d.pool, "gpu", others[1])[0] == 0
    assert r.renew(d.pool, token) is None
    assert r.give_back(d.pool, others[0]) and r.give_back(d.pool, others[1])
    assert of_pool(d, "in_use + waiting") == 0
