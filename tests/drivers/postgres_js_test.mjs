// postgres.js, by the recipe of client/drivers.md.
import postgres from 'postgres'
import * as recipe from './postgres_js_recipe.mjs'
import { play } from './scenes.mjs'

const quiet = { onnotice: () => {} }
const db = postgres({ max: 4, ...quiet })
const watcher = postgres({ max: 1, ...quiet })
const ask = async (sql, text) => (await sql.unsafe(text))[0]?.x
const ofPool = (what) => ask(watcher, `SELECT ${what} AS x FROM numpool_pools WHERE pool = 'gpu'`)

await play(recipe, {
  db,
  closes: true,
  ask: ({ sql }, text) => ask(sql, text),
  pidOf: ({ sql }) => ask(sql, 'SELECT pg_backend_pid() AS x'),
  borrow: (work) => recipe.withConnection(quiet, work),
  watch: (text) => ask(watcher, text),
  inUse: () => ofPool('in_use'),
  waiting: () => ofPool('waiting'),
  async waitThatCanBeCancelled(conn) {
    const aborting = new AbortController()
    return { waiting: recipe.acquire(conn, 'gpu', 20, aborting.signal), cancel: async () => aborting.abort() }
  },
})
