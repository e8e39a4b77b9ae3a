// Drops pools, makes them anew and resizes them, by the functions and by direct DML; drops the
// extension; locks the table of definitions in every way an administrator may; and rolls some of it
// back.
#include "torture/meddler.h"

namespace numpool_test {

namespace {

class DefinitionMeddler : public Meddler {
 public:
  using Meddler::Meddler;

 private:
  void meddle_once() override {
    if (mix_.meddling == Meddling::kExtension) return meddle_with_extension();
    nap(40);
    static constexpr std::pair<unsigned, void (DefinitionMeddler::*)()> kActions[] = {
        {20, &DefinitionMeddler::resize},
        {10, &DefinitionMeddler::drop_by_force},
        {10, &DefinitionMeddler::drop},
        {10, &DefinitionMeddler::change_directly},
        {10, &DefinitionMeddler::change_and_roll_back},
        {10, &DefinitionMeddler::lock_table},
        {2, &DefinitionMeddler::drop_extension}};
    unsigned total = 0;
    for (const auto& [weight, action] : kActions) total += weight;
    unsigned pick = random(total);
    for (const auto& [weight, action] : kActions) {
      if (pick < weight) return (this->*action)();
      pick -= weight;
    }
  }

  bool expects(const Outcome& outcome) const override {
    // The pool may be in use (55006). DROP EXTENSION locks views and table in another order than
    // their readers do (40P01). After either the transaction has failed (25P02).
    return outcome.sqlstate == "55006" || outcome.sqlstate == "40P01" ||
           outcome.sqlstate == "25P02";
  }

  void finish() override {
    // As it was.
    restore_extension();
    for (const PoolUnderTest& pool : mix_.pools) make(pool, pool.size);
  }

  int random_pool() { return static_cast<int>(random(static_cast<unsigned>(mix_.pools.size()))); }
  const PoolUnderTest& pool(int number) const {
    return mix_.pools[static_cast<std::size_t>(number)];
  }
  std::string quoted(int number) const { return "'" + pool(number).name + "'"; }
  // From half the size to its double, and now and then far more.
  int random_size(int number) {
    const int size = pool(number).size;
    if (random(20) == 0) return 200;
    return size / 2 + 1 + static_cast<int>(random(static_cast<unsigned>(2 * size)));
  }

  void make(const PoolUnderTest& pool, int size) {
    const std::string name = "'" + pool.name + "'";
    if (did("SELECT numpool_create(" + name + ", " + std::to_string(size) +
            ") WHERE NOT EXISTS (SELECT FROM numpool_definitions WHERE name = " + name + ")"))
      did("SELECT numpool_resize(" + name + ", " + std::to_string(size) + ")");
  }

  void resize() {
    const int number = random_pool();
    board_.count(Mischief::kResize);
    did("SELECT numpool_resize(" + quoted(number) + ", " + std::to_string(random_size(number)) +
        ")");
  }

  // In one transaction, or with a gap in which there is no such pool.
  void drop_by_force() {
    const int number = random_pool();
    const bool one_transaction = random(2) == 0;
    board_.count(Mischief::kForcedDrop);
    const std::string make_anew = "SELECT numpool_create(" + quoted(number) + ", " +
                                  std::to_string(random_size(number)) + ")";
    if (one_transaction) {
      if (!did("BEGIN")) return;
      did("SELECT numpool_drop(" + quoted(number) + ", true)");
      did(make_anew);
      nap(3);
    }
    const Time asked = now();
    did(one_transaction ? "COMMIT" : "SELECT numpool_drop(" + quoted(number) + ", true)");
    wiped(number, asked);
    if (one_transaction) return;
    nap(5);
    did(make_anew);
  }

  void drop() {
    const int number = random_pool();
    board_.count(Mischief::kDrop);
    const Time asked = now();
    const auto dropped = ask("SELECT numpool_drop(" + quoted(number) + ")");
    if (!dropped) return;
    // Nobody held anything. But a worker that was granted a number in a transaction of its own may
    // not yet know that it was rolled back.
    wiped_unused(number, asked);
    make(pool(number), random_size(number));
  }

  void change_directly() {
    const int number = random_pool();
    const std::string where = " WHERE name = " + quoted(number);
    board_.count(Mischief::kDirectChange);
    switch (random(3)) {
      case 0:
        did("UPDATE numpool_definitions SET size = " + std::to_string(random_size(number)) + where);
        break;
      case 1:
        did("UPDATE numpool_definitions SET metadata = '{\"n\": " + std::to_string(random(100)) +
            "}'" + where);
        break;
      default: {
        if (!did("BEGIN")) return;
        did("DELETE FROM numpool_definitions" + where);
        did("INSERT INTO numpool_definitions (name, size) VALUES (" + quoted(number) + ", " +
            std::to_string(random_size(number)) + ")");
        nap(3);
        const Time asked = now();
        did("COMMIT");
        wiped(number, asked);
      }
    }
  }

  void change_and_roll_back() {
    const int number = random_pool();
    board_.count(Mischief::kRolledBackChange);
    if (!did("BEGIN")) return;
    const std::string size = std::to_string(random_size(number));
    const std::string where = " WHERE name = " + quoted(number);
    const std::string changes[] = {"SELECT numpool_drop(" + quoted(number) + ", true)",
                                   "SELECT numpool_resize(" + quoted(number) + ", " + size + ")",
                                   "UPDATE numpool_definitions SET name = 'other'" + where,
                                   "UPDATE numpool_definitions SET size = " + size + where,
                                   "DELETE FROM numpool_definitions" + where};
    const bool to_savepoint = random(2) == 0;
    if (to_savepoint) did("SAVEPOINT s");
    did(changes[random(5)]);
    if (random(2) == 0) did("SELECT numpool_create('another', 3)");
    nap(4);
    if (!to_savepoint || random(2) == 0) return rollback();
    did("ROLLBACK TO s");
    did("COMMIT");
    check_size(number);
  }

  // Nobody else changes definitions.
  void check_size(int number) {
    const auto differ =
        ask("SELECT format('its row says %s and the pool %s', d.size, p.size) FROM "
            "numpool_definitions AS d JOIN numpool_pools AS p ON p.pool = d.name "
            "WHERE p.size <> d.size AND d.name = " +
            quoted(number));
    if (differ && !differ->rows.empty())
      log_.fault("pool " + pool(number).name + ": " + differ->value().value_or(""));
  }

  // What VACUUM FULL, ALTER TABLE and the like do to those who would look something up.
  void lock_table() {
    switch (random(4)) {
      case 0:
        board_.count(Mischief::kVacuumFull);
        did("VACUUM FULL numpool_definitions");
        break;
      case 1:
        board_.count(Mischief::kAlterTable);
        did("ALTER TABLE numpool_definitions SET (fillfactor = " + std::to_string(50 + random(50)) +
            ")");
        break;
      case 2:
        board_.count(Mischief::kReindex);
        did("REINDEX TABLE numpool_definitions");
        break;
      default:
        if (!did("BEGIN")) return;
        board_.count(Mischief::kTableLock);
        did("LOCK TABLE numpool_definitions IN ACCESS EXCLUSIVE MODE");
        nap(8);
        rollback();
    }
  }

  // The server may crash at any step.
  void meddle_with_extension() {
    nap(200);
    restore_extension();
    for (const PoolUnderTest& pool : mix_.pools) make(pool, pool.size);
    nap(200);
    drop_extension();
  }

  void restore_extension() {
    for (int tries = 0; tries < 1000 && !did("CREATE EXTENSION IF NOT EXISTS numpool"); tries++)
      nap(100);
  }

  void drop_extension() {
    if (random(3) == 0) {
      if (!did("BEGIN")) return;
      did("DROP EXTENSION numpool");
      nap(3);
      return rollback();
    }
    board_.count(Mischief::kDropExtension);
    const bool one_transaction = random(2) == 0;
    const Time asked = now();
    if (one_transaction && !did("BEGIN")) return;
    if (!did("DROP EXTENSION numpool")) {
      // If the connection went, it may have been dropped all the same.
      wiped(Wipes::kEveryPool, asked);
      return one_transaction ? rollback() : void();
    }
    if (!one_transaction) nap(3);
    // With the connection the transaction goes too, and nothing of it may be done on the next one.
    bool made = did("CREATE EXTENSION numpool");
    for (const PoolUnderTest& pool : mix_.pools)
      if (made || !one_transaction)
        made = did("SELECT numpool_create('" + pool.name + "', " + std::to_string(pool.size) + ")");
    if (one_transaction) did(made ? "COMMIT" : "ROLLBACK");
    wiped(Wipes::kEveryPool, asked);
  }
};

}  // namespace

std::unique_ptr<Meddler> make_definition_meddler(const Mix& mix, unsigned seed,
                                                 const std::string& log_file, RunBoard& board) {
  return std::make_unique<DefinitionMeddler>(mix, seed, log_file, board);
}

}  // namespace numpool_test
