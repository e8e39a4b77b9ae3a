"""psycopg2 and its pool, by the recipe of client/drivers.md."""

from contextlib import contextmanager

import psycopg2

import psycopg2_recipe as recipe
import scenes


class Driver:
    error = psycopg2.Error

    def __init__(self):
        self.pool = recipe.LeasePool(3, 3, "")
        self.watcher = psycopg2.connect("")
        self.watcher.autocommit = True

    @contextmanager
    def borrow(self):
        conn = self.pool.getconn()
        try:
            yield conn
        finally:
            self.pool.putconn(conn)

    def ask(self, conn, sql):
        return recipe.ask(conn, sql)

    def begin(self, conn):
        conn.autocommit = False

    def end(self, conn, sql):
        conn.commit() if sql == "COMMIT" else conn.rollback()
        conn.autocommit = True

    def driver_connection(self, conn):
        return conn

    def settle(self, conn):
        try:
            recipe.ask(conn, "SELECT pg_sleep(0.02)")
        except psycopg2.extensions.QueryCanceledError:
            pass


scenes.play(recipe, Driver())
