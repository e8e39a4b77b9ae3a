"""SQLAlchemy on psycopg2, by the recipe of client/drivers.md."""

import sqlalchemy

import psycopg2_recipe
import scenes
import sqlalchemy_recipe as recipe

recipe.acquire_by_ticket = psycopg2_recipe.acquire_by_ticket


class Driver:
    error = sqlalchemy.exc.SQLAlchemyError

    def __init__(self):
        self.pool = recipe.for_leases(sqlalchemy.create_engine("postgresql+psycopg2://", pool_size=3))
        self.borrow = self.pool.connect
        self.watcher = self.pool.connect()

    def ask(self, conn, sql):
        return recipe.ask(conn, sql)

    def begin(self, conn):
        conn.execution_options(isolation_level="READ COMMITTED")
        self.transaction = conn.begin()

    def end(self, conn, sql):
        self.transaction.commit() if sql == "COMMIT" else self.transaction.rollback()
        conn.execution_options(isolation_level="AUTOCOMMIT")

    def driver_connection(self, conn):
        return conn.connection.dbapi_connection

    def settle(self, conn):
        try:
            recipe.ask(conn, "SELECT pg_sleep(0.02)")
        except self.error:
            pass


scenes.play(recipe, Driver())
