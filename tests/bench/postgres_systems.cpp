// The ways that are one statement to take a number and one to give it back.
#include <atomic>
#include <chrono>
#include <thread>

#include "session.h"
#include "system.h"

namespace bench {

namespace {

constexpr Oid kText = 25;
constexpr Oid kInt = 23;

class SessionHolder : public Holder {
 public:
  Session session;
};

std::string literal(const std::string& text) {
  return "'" + text + "'";
}

std::string series(const Pools& pools, const std::string& expression) {
  if (pools.count == 1) return expression + " FROM (VALUES (" + literal(pools.name) + ")) AS p(id)";
  return expression + " FROM (SELECT " + literal(pools.name) +
         " || g AS id FROM generate_series(0, " + std::to_string(pools.count - 1) + ") AS g) AS p";
}

// Two statements, the first one's answer given to the second. `own` is what every execution adds.
class StatementClient : public Client {
 public:
  using Client::Client;
  int acquire() override {
    const std::string answer = acquire_once();
    return answer.empty() ? 0 : std::stoi(answer);
  }
  void release(int index) override { release_once(std::to_string(index)); }

 protected:
  virtual std::string acquire_once() = 0;
  virtual void release_once(const std::string& index) = 0;
  Session session;
};

class FloorClient : public StatementClient {
 public:
  FloorClient(const Pools& pools, bool shaped) : StatementClient(pools), shaped_(shaped) {
    session.prepare("a", "SELECT 1", shaped ? std::vector<Oid>{kText} : std::vector<Oid>{});
    session.prepare("r", "SELECT 1", shaped ? std::vector<Oid>{kText, kInt} : std::vector<Oid>{});
  }
  std::string acquire_once() override {
    return shaped_ ? session.execute("a", {pick()}) : session.execute("a");
  }
  void release_once(const std::string& index) override {
    if (shaped_)
      session.execute("r", {pool(), index});
    else
      session.execute("r");
  }

 private:
  bool shaped_;
};

class Floor : public System {
 public:
  explicit Floor(bool shaped) : shaped_(shaped) {}
  const char* name() const override { return shaped_ ? "floor_shaped" : "floor"; }
  void create(const Pools&, int) override {}
  std::unique_ptr<Client> open(const Pools& pools) override {
    return std::make_unique<FloorClient>(pools, shaped_);
  }
  std::unique_ptr<Holder> take(const std::string&, int) override { return nullptr; }

 private:
  bool shaped_;
};

// A prepared statement of a program that knows its pool names it; one of many pools is a parameter.
class NumpoolClient : public StatementClient {
 public:
  NumpoolClient(const Pools& pools, bool parameter)
      : StatementClient(pools), parameter_(parameter || !one_pool()) {
    if (parameter_) {
      session.prepare("a", "SELECT numpool_acquire($1)");
      session.prepare("r", "SELECT numpool_release($1, $2)");
    } else {
      session.prepare("a", "SELECT numpool_acquire(" + literal(pool()) + ")");
      session.prepare("r", "SELECT numpool_release(" + literal(pool()) + ", $1)");
    }
    // Each session reads each definition once; with many pools that would be all that is seen.
    if (!one_pool())
      session.run(series(pools, "SELECT count(numpool_release(id, numpool_acquire(id)))"));
  }
  std::string acquire_once() override {
    return parameter_ ? session.execute("a", {pick()}) : session.execute("a");
  }
  void release_once(const std::string& index) override {
    if (parameter_)
      session.execute("r", {pool(), index});
    else
      session.execute("r", {index});
  }

 private:
  bool parameter_;
};

constexpr int kBatch = 64;

// What many tasks that share a connection ask for and give back goes in one statement: 64 at a
// time.
class BatchClient : public Client {
 public:
  explicit BatchClient(const Pools& pools) : Client(pools) {
    const std::string pools_of_all =
        "array_fill(" + literal(pool()) + "::text, '{" + std::to_string(kBatch) + "}')";
    session_.prepare("a", "SELECT array_agg(index), array_agg(fence) FROM numpool_enqueue_batch(" +
                              pools_of_all + ")");
    session_.prepare("r", "SELECT count(*) FILTER (WHERE released) FROM numpool_release_batch(" +
                              pools_of_all + ", $1, $2)");
  }
  int acquire() override {
    if (taken_ == 0) held_ = session_.execute_row("a", {});
    return taken_++;
  }
  void release(int) override {
    if (++given_back_ < kBatch) return;
    if (session_.execute("r", held_) != std::to_string(kBatch)) fail("a batch was not given back");
    taken_ = given_back_ = 0;
  }

 private:
  Session session_;
  std::vector<std::string> held_;  // indexes and fences
  int taken_ = 0;
  int given_back_ = 0;
};

class NumpoolSystem : public System {
 public:
  explicit NumpoolSystem(bool parameter) : parameter_(parameter) {}
  const char* name() const override { return parameter_ ? "numpool_parameter" : "numpool"; }
  void create(const Pools& pools, int size) override {
    Session().run(series(pools, "INSERT INTO numpool_definitions (name, size) SELECT id, " +
                                    std::to_string(size)) +
                  " ON CONFLICT DO NOTHING");
  }
  std::unique_ptr<Client> open(const Pools& pools) override {
    return std::make_unique<NumpoolClient>(pools, parameter_);
  }
  std::unique_ptr<Holder> take(const std::string& pool, int numbers) override {
    auto holder = std::make_unique<SessionHolder>();
    holder->session.run("SELECT count(numpool_acquire(" + literal(pool) +
                        ")) FROM generate_series(1, " + std::to_string(numbers) + ")");
    return holder;
  }

 private:
  bool parameter_;
};

class BatchSystem : public NumpoolSystem {
 public:
  BatchSystem() : NumpoolSystem(false) {}
  const char* name() const override { return "numpool_batch"; }
  std::unique_ptr<Client> open(const Pools& pools) override {
    return std::make_unique<BatchClient>(pools);
  }
};

// What waits for an advisory lock has to name its key: clients share them out among themselves.
class AdvisoryClient : public StatementClient {
 public:
  AdvisoryClient(const Pools& pools, int key) : StatementClient(pools), key_(std::to_string(key)) {
    session.prepare("a", "SELECT pg_advisory_lock(hashtext($1), $2)");
    session.prepare("r", "SELECT pg_advisory_unlock(hashtext($1), $2)");
  }
  std::string acquire_once() override {
    session.execute("a", {pick(), key_});
    return key_;
  }
  void release_once(const std::string& index) override { session.execute("r", {pool(), index}); }

 private:
  std::string key_;
};

class Advisory : public System {
 public:
  const char* name() const override { return "advisory"; }
  void create(const Pools&, int size) override { size_ = size; }
  std::unique_ptr<Client> open(const Pools& pools) override {
    return std::make_unique<AdvisoryClient>(pools, next_++ % size_);
  }
  std::unique_ptr<Holder> take(const std::string&, int) override { return nullptr; }

 private:
  int size_ = 64;
  int next_ = 0;
};

// As pools of advisory locks do it: try one key after the other, in a function. Without the second
// of sleep that they put between sweeps.
class SweepClient : public StatementClient {
 public:
  SweepClient(const Pools& pools, int size) : StatementClient(pools), size_(std::to_string(size)) {
    session.prepare("a", "SELECT bench_sweep(hashtext($1), $2)");
    session.prepare("r", "SELECT pg_advisory_unlock(hashtext($1), $2)");
  }
  std::string acquire_once() override {
    pick();
    for (;;) {
      std::string index = session.execute("a", {pool(), size_});
      if (!index.empty()) return index;
    }
  }
  void release_once(const std::string& index) override { session.execute("r", {pool(), index}); }

 private:
  std::string size_;
};

class Sweep : public System {
 public:
  const char* name() const override { return "sweep"; }
  void create(const Pools&, int size) override { size_ = size; }
  std::unique_ptr<Client> open(const Pools& pools) override {
    return std::make_unique<SweepClient>(pools, size_);
  }
  std::unique_ptr<Holder> take(const std::string& pool, int numbers) override {
    auto holder = std::make_unique<SessionHolder>();
    holder->session.run("SELECT count(pg_advisory_lock(hashtext(" + literal(pool) +
                        "), g)) FROM generate_series(0, " + std::to_string(numbers - 1) + ") AS g");
    return holder;
  }

 private:
  int size_ = 64;
};

// A row a number. Who finds none asks again after a millisecond: a table has no queue.
class SkipLockedClient : public StatementClient {
 public:
  explicit SkipLockedClient(const Pools& pools) : StatementClient(pools) {
    session.prepare("a",
                    "UPDATE bench_slots SET holder = pg_backend_pid() WHERE (pool, number) = "
                    "(SELECT pool, number FROM bench_slots WHERE pool = $1 AND holder IS NULL "
                    "ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING number");
    session.prepare("r", "UPDATE bench_slots SET holder = NULL WHERE pool = $1 AND number = $2");
  }
  std::string acquire_once() override {
    pick();
    for (;;) {
      std::string index = session.execute("a", {pool()});
      if (!index.empty()) return index;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  void release_once(const std::string& index) override { session.execute("r", {pool(), index}); }
};

class SkipLocked : public System {
 public:
  const char* name() const override { return "skip_locked"; }
  void create(const Pools& pools, int size) override {
    Session session;
    session.run(series(pools, "INSERT INTO bench_slots SELECT id, number") +
                ", generate_series(0, " + std::to_string(size - 1) + ") AS number");
    session.run("VACUUM ANALYZE bench_slots");
  }
  std::unique_ptr<Client> open(const Pools& pools) override {
    return std::make_unique<SkipLockedClient>(pools);
  }
  std::unique_ptr<Holder> take(const std::string& pool, int numbers) override {
    Session().run("UPDATE bench_slots SET holder = 0 WHERE pool = " + literal(pool) +
                  " AND number < " + std::to_string(numbers));
    Session().run("VACUUM ANALYZE bench_slots");
    return nullptr;
  }
};

}  // namespace

const std::string& Client::pick() {
  if (!one_pool())
    name_ = pools_.name + std::to_string(random_() % static_cast<unsigned>(pools_.count));
  return name_;
}

std::unique_ptr<System> floor_system() {
  return std::make_unique<Floor>(false);
}
std::unique_ptr<System> shaped_floor_system() {
  return std::make_unique<Floor>(true);
}
std::unique_ptr<System> numpool_system() {
  return std::make_unique<NumpoolSystem>(false);
}
std::unique_ptr<System> numpool_parameter_system() {
  return std::make_unique<NumpoolSystem>(true);
}
std::unique_ptr<System> numpool_batch_system() {
  return std::make_unique<BatchSystem>();
}
std::unique_ptr<System> advisory_system() {
  return std::make_unique<Advisory>();
}
std::unique_ptr<System> sweep_system() {
  return std::make_unique<Sweep>();
}
std::unique_ptr<System> skip_locked_system() {
  return std::make_unique<SkipLocked>();
}

}  // namespace bench
