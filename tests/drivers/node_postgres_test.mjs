// node-postgres (pg) and its pool, by the recipe of client/drivers.md.
import pg from 'pg'
import * as recipe from './node_postgres_recipe.mjs'
import { play } from './scenes.mjs'

const db = recipe.openPool({ max: 4 })
const watcher = new pg.Client()
await watcher.connect()
const ask = async (conn, sql) => (await conn.query(sql)).rows[0]?.x
const ofPool = (what) => ask(watcher, `SELECT ${what} AS x FROM numpool_pools WHERE pool = 'gpu'`)
const pidOf = (conn) => ask(conn, 'SELECT pg_backend_pid() AS x')

await play(recipe, {
  db,
  ask,
  pidOf,
  borrow: (work) => recipe.withClient(db, work),
  watch: (sql) => ask(watcher, sql),
  inUse: () => ofPool('in_use'),
  waiting: () => ofPool('waiting'),
  async waitThatCanBeCancelled(conn) {
    const pid = await pidOf(conn)
    return { waiting: recipe.acquire(conn, 'gpu', 20), cancel: () => recipe.cancelWaitOf(pid, db) }
  },
})
