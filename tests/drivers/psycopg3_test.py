"""psycopg 3 and psycopg_pool, by the recipe of client/drivers.md."""

import psycopg

import psycopg3_recipe as recipe
import scenes


class Driver:
    error = psycopg.Error

    def __init__(self):
        self.pool = recipe.open_pool(min_size=2, max_size=3)
        self.borrow = self.pool.connection
        self.watcher = psycopg.connect(autocommit=True)

    def ask(self, conn, sql):
        return conn.execute(sql).fetchone()

    def begin(self, conn):
        conn.execute("BEGIN")

    def end(self, conn, sql):
        conn.execute(sql)

    def driver_connection(self, conn):
        return conn

    def settle(self, conn):
        try:
            conn.execute("SELECT pg_sleep(0.02)")
        except psycopg.errors.QueryCanceled:
            pass


scenes.play(recipe, Driver())
