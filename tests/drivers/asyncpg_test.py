"""asyncpg and its pool, by the recipe of client/drivers.md."""

import asyncio
import time
import traceback
import uuid

import asyncpg

import asyncpg_recipe as r
import scenes


async def eventually(condition, what):
    end = time.monotonic() + 60
    while not await condition():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.01)


class Test:
    async def play(self):
        self.pool = await r.open_pool(min_size=3, max_size=3)
        self.watcher = await asyncpg.connect()
        for name in ("acquire and release", "timeout", "transaction", "ticket", "reset", "cancel", "lost", "timed"):
            try:
                await getattr(self, name.replace(" ", "_"))()
                assert await self.of_pool("in_use + waiting") == 0, "something is left"
                scenes.result(True, name)
            except BaseException:
                traceback.print_exc()
                scenes.result(False, name)
        await self.watcher.close()
        self.pool.terminate()

    async def of_pool(self, what):
        return await self.watcher.fetchval(f"SELECT {what} FROM numpool_pools WHERE pool = 'gpu'")

    async def one_waits(self):
        return await self.of_pool("waiting") == 1

    async def raises(self, kind, awaitable):
        try:
            await awaitable
        except kind:
            return
        raise AssertionError("it did not fail")

    async def acquire_and_release(self):
        async with self.pool.acquire() as conn:
            first, second = await r.acquire(conn, "gpu", 5), await r.acquire(conn, "gpu", 5)
            assert first[0] == 0 and second[0] == 1 and second[1] > first[1]
            await r.release(conn, "gpu", first)
            assert await self.of_pool("in_use") == 1
            await self.raises(asyncpg.PostgresError, r.release(conn, "gpu", first))
            await r.release(conn, "gpu", second)

    async def timeout(self):
        async with self.pool.acquire() as holder, self.pool.acquire() as conn:
            await r.acquire(holder, "gpu", 5), await r.acquire(holder, "gpu", 5)
            start = time.monotonic()
            assert await r.acquire(conn, "gpu", 0.2) is None
            assert time.monotonic() - start >= 0.2
            assert await r.acquire(conn, "gpu", 0) is None

    async def transaction(self):
        async with self.pool.acquire() as conn:
            transaction = conn.transaction()
            await transaction.start()
            assert await conn.fetchval("SELECT numpool_acquire('gpu')") == 0
            await transaction.rollback()
            assert await self.of_pool("in_use") == 0
            lease = await r.acquire(conn, "gpu", 5)
            async with conn.transaction():
                await r.release(conn, "gpu", lease)
                assert await self.of_pool("in_use") == 1
            assert await self.of_pool("in_use") == 0
            async with conn.transaction():
                assert await conn.fetchval("SELECT numpool_acquire_xact('gpu')") == 0
                assert await self.of_pool("in_use") == 1

    async def ticket(self):
        async with self.pool.acquire() as holder, self.pool.acquire() as conn:
            lease = await r.acquire_by_ticket(conn, "gpu", 5)
            assert lease[0] == 0
            await r.release(conn, "gpu", lease)
            leases = [await r.acquire(holder, "gpu", 5), await r.acquire(holder, "gpu", 5)]
            assert await r.acquire_by_ticket(conn, "gpu", 0.2) is None
            assert await self.of_pool("waiting") == 0
            for _ in range(3):
                waiting = asyncio.ensure_future(r.acquire_by_ticket(conn, "gpu", 20))
                await eventually(self.one_waits, "it does not wait")
                await asyncio.sleep(0.1)
                start = time.monotonic()
                await r.release(holder, "gpu", leases[1])
                lease = await waiting
                assert lease[0] == 1 and time.monotonic() - start < 10
                await r.release(conn, "gpu", lease)
                leases[1] = await r.acquire(holder, "gpu", 5)
            # A task that is cancelled while it waits leaves the queue.
            waiting = asyncio.ensure_future(r.acquire_by_ticket(conn, "gpu", 20))
            await eventually(self.one_waits, "it does not wait")
            waiting.cancel()
            await self.raises(asyncio.CancelledError, waiting)
            assert await self.of_pool("waiting") == 0
            await self.watcher.execute("SELECT numpool_create('short', 1)")
            await holder.fetchval("SELECT numpool_acquire('short')")
            waiting = asyncio.ensure_future(r.acquire_by_ticket(conn, "short", 20))
            there = "SELECT count(*) = 1 FROM numpool_waiters WHERE pool = 'short'"
            await eventually(lambda: self.watcher.fetchval(there), "it does not wait")
            await self.watcher.execute("SELECT numpool_drop('short', true)")
            await self.raises(LookupError, waiting)
            # So does one whose connection breaks, and it is told.
            waiting = asyncio.ensure_future(r.acquire_by_ticket(conn, "gpu", 20))
            await eventually(self.one_waits, "it does not wait")
            await self.watcher.execute(
                "SELECT pg_terminate_backend(pid) FROM numpool_waiters WHERE pool = 'gpu'")
            await self.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError),
                              asyncio.wait_for(waiting, 60))

    async def reset(self):
        for turn in range(12):
            conn = await self.pool.acquire()
            assert (await r.acquire(conn, "gpu", 5))[0] == 0
            assert (await r.acquire(conn, "gpu", 5))[0] == 1
            await conn.fetchval("SELECT ticket FROM numpool_enqueue('gpu')")
            if turn % 3 == 1:
                await conn.execute("BEGIN")  # and leave it open
                await conn.execute("SELECT numpool_release('gpu', 0)")
            await self.pool.release(conn)
            assert await self.of_pool("in_use + waiting") == 0

    async def cancel(self):
        async with self.pool.acquire() as holder, self.pool.acquire() as conn:
            leases = [await r.acquire(holder, "gpu", 5), await r.acquire(holder, "gpu", 5)]
            await self.raises(asyncio.TimeoutError, asyncio.wait_for(r.acquire(conn, "gpu", 20), 0.2))
            assert await self.of_pool("waiting") == 0
            # A cancel that meets a grant: none of the two numbers may be lost.
            for _ in range(20):
                waiting = asyncio.ensure_future(r.acquire(conn, "gpu", 20))
                await eventually(self.one_waits, "it does not wait")
                releasing = asyncio.ensure_future(r.release(holder, "gpu", leases[1]))
                await asyncio.sleep(0)
                waiting.cancel()
                await releasing
                await self.raises(asyncio.CancelledError, waiting)
                try:
                    await conn.execute("SELECT numpool_release_all()")  # it was cancelled in its COMMIT
                except asyncpg.QueryCanceledError:
                    await conn.execute("SELECT numpool_release_all()")
                assert await self.of_pool("in_use + waiting") == 1, "a number is lost"
                leases[1] = await r.acquire(holder, "gpu", 5)

    async def lost(self):
        try:
            async with self.pool.acquire() as conn:
                lease = await r.acquire(conn, "gpu", 5)
                pid = await conn.fetchval("SELECT pg_backend_pid()")
                await self.watcher.execute(f"SELECT pg_terminate_backend({pid}, 10000)")
                assert await self.of_pool("in_use") == 0
                kinds = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
                await self.raises(kinds, r.release(conn, "gpu", lease))
                await self.raises(kinds, r.release(conn, "gpu", lease))
        except (asyncpg.PostgresError, asyncpg.InterfaceError):
            pass  # the way back may complain
        async with self.pool.acquire() as conn:
            assert (await r.acquire(conn, "gpu", 5))[0] == 0

    async def timed(self):
        token, others = uuid.uuid4(), [uuid.uuid4(), uuid.uuid4()]
        number, fence = await r.lease_timed(self.pool, "gpu", token)
        assert number == 0
        async with self.pool.acquire():  # so that another connection is asked
            assert tuple(await r.lease_timed(self.pool, "gpu", token)) == (0, fence)
            assert await r.renew(self.pool, token) == fence
        assert (await r.lease_timed(self.pool, "gpu", others[0]))[0] == 1
        assert (await r.lease_timed(self.pool, "gpu", others[1]))[0] is None  # its place is kept
        assert await r.give_back(self.pool, token) is True
        assert (await r.lease_timed(self.pool, "gpu", others[1]))[0] == 0
        assert await r.renew(self.pool, token) is None
        assert await r.give_back(self.pool, others[0]) and await r.give_back(self.pool, others[1])


asyncio.run(Test().play())
raise SystemExit(1 if scenes.failed else 0)
