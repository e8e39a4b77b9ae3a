// The scenes of client/drivers.md for a driver of Node.js, which its test describes.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function eventually(condition, what) {
  const end = Date.now() + 60000
  while (!(await condition())) {
    assert(Date.now() < end, what)
    await sleep(10)
  }
}

// A promise that is looked at later must not be called unhandled meanwhile.
const later = (promise) => promise.then((value) => ({ value }), (error) => ({ error }))

const scenes = {
  async 'acquire and release'(r, d) {
    let second
    await d.borrow(async (conn) => {
      const first = await r.acquire(conn, 'gpu', 5)
      second = await r.acquire(conn, 'gpu', 5)
      assert.equal(first.number, 0)
      assert.equal(second.number, 1)
      assert(BigInt(second.fence) > BigInt(first.fence))
      await r.release(conn, 'gpu', first)
      assert.equal(await d.inUse(), 1)
      assert((await later(r.release(conn, 'gpu', first))).error)
    })
    await eventually(async () => (await d.inUse()) === 0, 'it keeps what came back')
    await assert.rejects(d.borrow((conn) => r.release(conn, 'gpu', second)))
  },

  async timeout(r, d) {
    await d.borrow((holder) => d.borrow(async (conn) => {
      await r.acquire(holder, 'gpu', 5)
      await r.acquire(holder, 'gpu', 5)
      const start = Date.now()
      assert.equal(await r.acquire(conn, 'gpu', 0.2), null)
      assert(Date.now() - start >= 199)
      assert.equal(await r.acquire(conn, 'gpu', 0), null)
      assert.equal(await d.waiting(), 0)
    }))
  },

  async transaction(r, d) {
    await d.borrow(async (conn) => {
      await d.ask(conn, 'BEGIN')
      assert.equal((await r.acquire(conn, 'gpu', 5)).number, 0)
      await d.ask(conn, 'ROLLBACK')
      assert.equal(await d.inUse(), 0)
      const lease = await r.acquire(conn, 'gpu', 5)
      await d.ask(conn, 'BEGIN')
      await r.release(conn, 'gpu', lease)
      assert.equal(await d.inUse(), 1)
      await d.ask(conn, 'COMMIT')
      assert.equal(await d.inUse(), 0)
      await d.ask(conn, 'BEGIN')
      assert.equal(await d.ask(conn, "SELECT numpool_acquire_xact('gpu') AS x"), 0)
      assert.equal(await d.inUse(), 1)
      await d.ask(conn, 'COMMIT')
      assert.equal(await d.inUse(), 0)
    })
  },

  async ticket(r, d) {
    await d.borrow((holder) => d.borrow(async (conn) => {
      const first = await r.acquireByTicket(conn, 'gpu', 5)
      assert.equal(first.number, 0)
      await r.release(conn, 'gpu', first)
      const leases = [await r.acquire(holder, 'gpu', 5), await r.acquire(holder, 'gpu', 5)]
      assert.equal(await r.acquireByTicket(conn, 'gpu', 0.2), null)
      assert.equal(await d.waiting(), 0)
      for (let turn = 0; turn < 3; turn++) {
        const waiting = later(r.acquireByTicket(conn, 'gpu', 20))
        await eventually(async () => (await d.waiting()) === 1, 'it does not wait')
        await sleep(100) // long enough that it sleeps
        const start = Date.now()
        await r.release(holder, 'gpu', leases[1])
        const { value } = await waiting
        assert.equal(value.number, 1)
        assert(Date.now() - start < 3000, 'the notification did not wake it')
        await r.release(conn, 'gpu', value)
        leases[1] = await r.acquire(holder, 'gpu', 5)
      }
      await d.watch("SELECT numpool_create('short', 1) AS x")
      await d.ask(holder, "SELECT numpool_acquire('short') AS x")
      const waiting = later(r.acquireByTicket(conn, 'short', 20))
      const there = "SELECT count(*)::int AS x FROM numpool_waiters WHERE pool = 'short'"
      await eventually(async () => (await d.watch(there)) === 1, 'it does not wait')
      await d.watch("SELECT numpool_drop('short', true) AS x")
      // Gone, if the notification has come before the question.
      assert.match((await waiting).error.message, /the ticket is (dropped|gone)/)
    }))
  },

  async reset(r, d) {
    const pids = new Set()
    for (let turn = 0; turn < 12; turn++) {
      const outcome = await later(d.borrow(async (conn) => {
        pids.add(await d.pidOf(conn))
        assert.equal((await r.acquire(conn, 'gpu', 5)).number, 0)
        assert.equal((await r.acquire(conn, 'gpu', 5)).number, 1)
        await d.ask(conn, "SELECT ticket AS x FROM numpool_enqueue('gpu')")
        if (turn % 3 === 1) {
          await d.ask(conn, 'BEGIN')
          await d.ask(conn, 'SELECT 1 / 0')
        }
      }))
      assert.equal(outcome.error !== undefined, turn % 3 === 1, String(outcome.error))
      await eventually(async () => (await d.inUse()) + (await d.waiting()) === 0, 'it keeps what came back')
    }
    assert(d.closes || pids.size <= 8, 'the connections are not used again')
  },

  async cancel(r, d) {
    await d.borrow((holder) => d.borrow(async (conn) => {
      const leases = [await r.acquire(holder, 'gpu', 5), await r.acquire(holder, 'gpu', 5)]
      const { waiting, cancel } = await d.waitThatCanBeCancelled(conn)
      const outcome = later(waiting)
      await eventually(async () => (await d.waiting()) === 1, 'it does not wait')
      await cancel()
      assert.equal((await outcome).error.code, '57014')
      // The error is told before the transaction is over.
      await eventually(async () => (await d.waiting()) === 0, 'it is still in the queue')
      // A cancel that meets a grant: none of the two numbers may be lost.
      for (let turn = 0; turn < 20; turn++) {
        const { waiting, cancel } = await d.waitThatCanBeCancelled(conn)
        let ended = false // by the cancel of the turn before, which came late
        const outcome = later(waiting).finally(() => { ended = true })
        await eventually(async () => ended || (await d.waiting()) === 1, 'it does not wait')
        await Promise.all([r.release(holder, 'gpu', leases[1]), cancel()])
        const { value } = await outcome
        await later(d.ask(conn, 'SELECT pg_sleep(0.02)')) // which a late cancel may meet
        assert.equal(await d.inUse(), value ? 2 : 1, 'a number is lost')
        if (value) await r.release(conn, 'gpu', value)
        leases[1] = await r.acquire(holder, 'gpu', 5)
      }
    }))
  },

  async lost(r, d) {
    await later(d.borrow(async (conn) => {
      const lease = await r.acquire(conn, 'gpu', 5)
      await d.watch(`SELECT pg_terminate_backend(${await d.pidOf(conn)}, 10000) AS x`)
      assert.equal(await d.inUse(), 0)
      assert((await later(r.release(conn, 'gpu', lease))).error)
      assert((await later(r.release(conn, 'gpu', lease))).error) // nor on a new connection
    })).then(({ error }) => { if (error instanceof assert.AssertionError) throw error })
    await d.borrow(async (conn) => assert.equal((await r.acquire(conn, 'gpu', 5)).number, 0))
  },

  async timed(r, d) {
    const [token, second, third] = [randomUUID(), randomUUID(), randomUUID()]
    const lease = await r.leaseTimed(d.db, 'gpu', token)
    assert.equal(lease.number, 0)
    await d.borrow(async () => { // so that another connection is asked
      assert.deepEqual({ ...(await r.leaseTimed(d.db, 'gpu', token)) }, { ...lease })
      assert.equal(await r.renew(d.db, token), lease.fence)
    })
    assert.equal((await r.leaseTimed(d.db, 'gpu', second)).number, 1)
    assert.equal((await r.leaseTimed(d.db, 'gpu', third)).number, null) // its place is kept
    assert.equal(await r.giveBack(d.db, token), true)
    assert.equal((await r.leaseTimed(d.db, 'gpu', third)).number, 0)
    assert.equal(await r.renew(d.db, token), null)
    assert(await r.giveBack(d.db, second) && await r.giveBack(d.db, third))
  },
}

// Prints TAP: a line a scene.
export async function play(recipe, driver) {
  let status = 0
  for (const [name, scene] of Object.entries(scenes)) {
    const { error } = await later((async () => {
      await scene(recipe, driver)
      await eventually(async () => (await driver.inUse()) + (await driver.waiting()) === 0, 'something is left')
    })())
    if (error) {
      console.error(error)
      status = 1
    }
    console.log(`${error ? 'not ok' : 'ok'} - ${name}`)
  }
  process.exit(status)
}
