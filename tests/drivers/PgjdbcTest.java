// pgjdbc and HikariCP, by the recipe of client/drivers.md. Prints TAP: a line a scene.

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

final class PgjdbcTest {
  interface Scene {
    void play() throws Exception;
  }

  static final String URL = System.getenv("NUMPOOL_JDBC_URL");
  static HikariDataSource source;
  static Connection watcher;

  static void check(boolean good, String what) {
    if (!good) throw new AssertionError(what);
  }

  static void eventually(Callable<Boolean> condition, String what) throws Exception {
    long end = System.nanoTime() + 60_000_000_000L;
    while (!condition.call()) {
      check(System.nanoTime() < end, what);
      Thread.sleep(10);
    }
  }

  static int number(Connection connection, String sql) throws SQLException {
    return Leases.ask(connection, sql, row -> row.getInt(1));
  }

  static int ofPool(String what) throws SQLException {
    return number(watcher, "SELECT " + what + " FROM numpool_pools WHERE pool = 'gpu'");
  }

  static Connection connect() throws SQLException {
    return DriverManager.getConnection(URL, "postgres", "");
  }

  static void fails(Scene scene) throws Exception {
    try {
      scene.play();
    } catch (SQLException expected) {
      return;
    }
    throw new AssertionError("it did not fail");
  }

  static <T> CompletableFuture<T> inBackground(Callable<T> work) {
    return CompletableFuture.supplyAsync(() -> {
      try {
        return work.call();
      } catch (Exception e) {
        throw new CompletionException(e);
      }
    });
  }

  static SQLException errorOf(CompletableFuture<?> future) {
    try {
      future.join();
    } catch (CompletionException e) {
      return (SQLException) e.getCause();
    }
    throw new AssertionError("it did not fail");
  }

  static void acquireAndRelease() throws Exception {
    try (Connection c = connect()) {
      Leases.Lease first = Leases.acquire(c, "gpu", 5), second = Leases.acquire(c, "gpu", 5);
      check(first.number() == 0 && second.number() == 1 && second.fence() > first.fence(), "numbers");
      Leases.release(c, "gpu", first);
      check(ofPool("in_use") == 1, "one is released");
      fails(() -> Leases.release(c, "gpu", first));
      Leases.release(c, "gpu", second);
    }
  }

  static void timeout() throws Exception {
    try (Connection holder = connect(); Connection c = connect()) {
      Leases.acquire(holder, "gpu", 5);
      Leases.acquire(holder, "gpu", 5);
      long start = System.nanoTime();
      check(Leases.acquire(c, "gpu", 0.2) == null, "none");
      check(System.nanoTime() - start >= 199_000_000L, "it waits");
      check(Leases.acquire(c, "gpu", 0) == null, "none at once");
    }
  }

  static void transaction() throws Exception {
    try (Connection c = connect()) {
      c.setAutoCommit(false);
      check(number(c, "SELECT numpool_acquire('gpu')") == 0, "number 0");
      c.rollback();
      check(ofPool("in_use") == 0, "undone");
      Leases.Lease lease = Leases.acquire(c, "gpu", 5);
      c.commit();
      Leases.release(c, "gpu", lease);
      check(ofPool("in_use") == 1, "not before COMMIT");
      c.commit();
      check(ofPool("in_use") == 0, "at COMMIT");
      check(number(c, "SELECT numpool_acquire_xact('gpu')") == 0, "number 0");
      check(ofPool("in_use") == 1, "held in the transaction");
      c.commit();
      check(ofPool("in_use") == 0, "ends with it");
    }
  }

  static void ticket() throws Exception {
    try (Connection holder = connect(); Connection c = connect()) {
      Leases.Lease lease = Leases.acquireByTicket(c, "gpu", 5);
      check(lease.number() == 0, "number 0");
      Leases.release(c, "gpu", lease);
      Leases.acquire(holder, "gpu", 5);
      Leases.Lease held = Leases.acquire(holder, "gpu", 5);
      check(Leases.acquireByTicket(c, "gpu", 0.2) == null, "none");
      check(ofPool("waiting") == 0, "it left");
      for (int turn = 0; turn < 3; turn++) {
        CompletableFuture<Leases.Lease> waiting = inBackground(() -> Leases.acquireByTicket(c, "gpu", 20));
        eventually(() -> ofPool("waiting") == 1, "it does not wait");
        Thread.sleep(100);
        long start = System.nanoTime();
        Leases.release(holder, "gpu", held);
        lease = waiting.join();
        check(lease.number() == 1 && System.nanoTime() - start < 10_000_000_000L, "woken");
        Leases.release(c, "gpu", lease);
        held = Leases.acquire(holder, "gpu", 5);
      }
      number(watcher, "SELECT numpool_create('short', 1)::int");
      number(holder, "SELECT numpool_acquire('short')");
      CompletableFuture<Leases.Lease> waiting = inBackground(() -> Leases.acquireByTicket(c, "short", 20));
      eventually(() -> number(watcher, "SELECT count(*) FROM numpool_waiters WHERE pool = 'short'") == 1, "it does not wait");
      number(watcher, "SELECT numpool_drop('short', true)::int");
      check(errorOf(waiting).getSQLState().equals("42704"), "dropped");
    }
  }

  static void reset() throws Exception {
    HashSet<Integer> pids = new HashSet<>();
    for (int i = 0; i < 12; i++) {
      int turn = i;
      try {
        Leases.lend(source, c -> {
          pids.add(number(c, "SELECT pg_backend_pid()"));
          check(Leases.acquire(c, "gpu", 5).number() == 0, "number 0");
          check(Leases.acquire(c, "gpu", 5).number() == 1, "number 1");
          number(c, "SELECT 1 FROM numpool_enqueue('gpu')");
          if (turn % 3 == 1) {
            c.setAutoCommit(false); // and leave the transaction open, broken
            number(c, "SELECT 1 / 0");
          }
          return null;
        });
      } catch (SQLException e) {
        check(turn % 3 == 1, e.toString());
      }
      check(ofPool("in_use + waiting") == 0, "it keeps what came back");
    }
    check(pids.size() <= 3, "the connections are not used again");
  }

  static void cancel() throws Exception {
    try (Connection holder = connect(); Connection c = connect()) {
      Leases.acquire(holder, "gpu", 5);
      Leases.Lease held = Leases.acquire(holder, "gpu", 5);
      for (int turn = 0; turn < 20; turn++) {
        Leases.Lease mine = held;
        try (Statement statement = c.createStatement()) {
          CompletableFuture<Boolean> waiting = inBackground(() -> {
            try (ResultSet row = statement.executeQuery("SELECT numpool_acquire('gpu', '20 s')")) {
              return row.next() && row.getInt(1) == 1;
            }
          });
          eventually(() -> ofPool("waiting") == 1, "it does not wait");
          if (turn == 0) {
            statement.cancel();
            check(errorOf(waiting).getSQLState().equals("57014"), "cancelled");
            check(ofPool("waiting") == 0, "it left");
            continue;
          }
          // A cancel that meets a grant: none of the two numbers may be lost.
          CompletableFuture<Boolean> releasing = inBackground(() -> {
            Leases.release(holder, "gpu", mine);
            return true;
          });
          statement.cancel();
          releasing.join();
          boolean got = waiting.handle((value, error) -> error == null && value).join();
          check(ofPool("in_use") == (got ? 2 : 1), "a number is lost");
        }
        number(c, "SELECT numpool_release_all()");
        held = Leases.acquire(holder, "gpu", 5);
      }
      try (Statement statement = c.createStatement()) { // the driver's own limit
        statement.setQueryTimeout(1);
        fails(() -> statement.executeQuery("SELECT numpool_acquire('gpu')"));
        check(ofPool("waiting") == 0, "it left");
      }
    }
  }

  static void lost() throws Exception {
    try {
      Leases.lend(source, c -> {
        Leases.Lease lease = Leases.acquire(c, "gpu", 5);
        number(watcher, "SELECT pg_terminate_backend(" + number(c, "SELECT pg_backend_pid()") + ", 10000)::int");
        check(ofPool("in_use") == 0, "the number is free");
        for (int i = 0; i < 2; i++) {
          try {
            Leases.release(c, "gpu", lease);
            throw new AssertionError("released what was lost");
          } catch (SQLException expected) {
          }
        }
        return null;
      });
    } catch (SQLException e) {
      // the way back may complain
    }
    check(Leases.<Integer>lend(source, c -> Leases.acquire(c, "gpu", 5).number()) == 0, "a new connection");
  }

  static void timed() throws Exception {
    UUID token = UUID.randomUUID(), second = UUID.randomUUID(), third = UUID.randomUUID();
    Leases.Lease lease = Leases.leaseTimed(source, "gpu", token);
    check(lease.number() == 0, "number 0");
    Leases.lend(source, c -> { // so that another connection is asked
      check(Leases.leaseTimed(source, "gpu", token).equals(lease), "the same");
      check(Leases.renew(source, token) == lease.fence(), "renewed");
      return null;
    });
    check(Leases.leaseTimed(source, "gpu", second).number() == 1, "number 1");
    check(Leases.leaseTimed(source, "gpu", third) == null, "its place is kept");
    check(Leases.giveBack(source, token), "given back");
    check(Leases.leaseTimed(source, "gpu", third).number() == 0, "its turn");
    check(Leases.renew(source, token) == null, "over");
    check(Leases.giveBack(source, second) && Leases.giveBack(source, third), "given back");
  }

  public static void main(String[] arguments) throws Exception {
    source = new HikariDataSource();
    source.setJdbcUrl(URL);
    source.setUsername("postgres");
    source.setMaximumPoolSize(2);
    watcher = connect();
    Map<String, Scene> scenes = new LinkedHashMap<>();
    scenes.put("acquire and release", PgjdbcTest::acquireAndRelease);
    scenes.put("timeout", PgjdbcTest::timeout);
    scenes.put("transaction", PgjdbcTest::transaction);
    scenes.put("ticket", PgjdbcTest::ticket);
    scenes.put("reset", PgjdbcTest::reset);
    scenes.put("cancel", PgjdbcTest::cancel);
    scenes.put("lost", PgjdbcTest::lost);
    scenes.put("timed", PgjdbcTest::timed);
    int status = 0;
    for (Map.Entry<String, Scene> scene : scenes.entrySet()) {
      try {
        scene.getValue().play();
        eventually(() -> ofPool("in_use + waiting") == 0, "something is left");
        System.out.println("ok - " + scene.getKey());
      } catch (Throwable e) {
        e.printStackTrace();
        System.out.println("not ok - " + scene.getKey());
        status = 1;
      }
    }
    System.exit(status);
  }
}
