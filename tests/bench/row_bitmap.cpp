// The row-bitmap way: a row a pool with a bitmap and a queue of waiters' names, SELECT ... FOR
// UPDATE before every change, the head of the queue told by NOTIFY. Statement by statement, as its
// original in Go issues them, with one listening connection for the whole process.
//
// Kinder than the original in three ways: a waiter that was overtaken between being told and taking
// waits on (there: an error), one that hears nothing for a second looks again (there: never), and
// of the queue only its head is sent (there: the whole row).
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "row_bitmap.h"
#include "session.h"
#include "system.h"

namespace bench {

namespace {

constexpr const char* kChannel = "bench_waiters";

// Who waits, and whether he has been told.
class Listener {
 public:
  Listener() {
    session_.run(std::string("LISTEN ") + kChannel);
    thread_ = std::thread([this] {
      while (!stop_) {
        std::string waiter;
        if (!session_.wait_for_notification(50, &waiter)) continue;
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = told_.find(waiter);
        if (found == told_.end()) continue;
        found->second = true;
        changed_.notify_all();
      }
    });
  }
  ~Listener() {
    stop_ = true;
    thread_.join();
  }

  void expect(const std::string& waiter) {
    const std::lock_guard<std::mutex> lock(mutex_);
    told_[waiter] = false;
  }
  void wait(const std::string& waiter) {
    std::unique_lock<std::mutex> lock(mutex_);
    bool& told = told_[waiter];
    changed_.wait_for(lock, std::chrono::seconds(1), [&] { return told; });
    told = false;
  }
  void forget(const std::string& waiter) {
    const std::lock_guard<std::mutex> lock(mutex_);
    told_.erase(waiter);
  }

 private:
  Session session_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, bool> told_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class RowBitmapClient : public Client {
 public:
  RowBitmapClient(const Pools& pools, std::shared_ptr<Listener> listener)
      : Client(pools), listener_(std::move(listener)) {
    prepare_row_bitmap(session_);
  }

  int acquire() override {
    pick();
    session_.run("BEGIN");
    const int free = free_number();
    if (free >= 0) {
      session_.execute("take", {pool(), std::to_string(free)});
      session_.run("COMMIT");
      return free;
    }
    const std::string waiter = new_waiter();
    session_.execute("join", {pool(), waiter});
    listener_->expect(waiter);
    session_.run("COMMIT");
    const int index = wait_for_turn(waiter);
    listener_->forget(waiter);
    return index;
  }

  void release(int index) override { release_row_bitmap(session_, pool(), index, kChannel); }

 private:
  int free_number() {
    head_.clear();
    const auto row = session_.execute_row("lock", {pool()});
    head_ = row[1];
    const auto at = row[0].find('0');
    return at == std::string::npos ? -1 : static_cast<int>(at);
  }

  int wait_for_turn(const std::string& waiter) {
    for (;;) {
      listener_->wait(waiter);
      session_.run("BEGIN");
      const int free = free_number();
      const bool mine = free >= 0 && head_ == waiter;
      if (mine) session_.execute("take first", {pool(), std::to_string(free)});
      session_.run("COMMIT");
      if (mine) return free;
    }
  }

  // As long as the UUIDs of the original.
  static std::string new_waiter() {
    static std::atomic<long> serial{0};
    std::string waiter = std::to_string(++serial);
    return std::string(36 - waiter.size(), '0') + waiter;
  }

  std::shared_ptr<Listener> listener_;
  Session session_;
  std::string head_;
};

class RowBitmapHolder : public Holder {
 public:
  RowBitmapHolder(std::string pool, int numbers) : pool_(std::move(pool)) {
    const std::string n = std::to_string(numbers);
    Session().run("UPDATE bench_bitmap SET used = repeat('1', " + n +
                  ")::varbit || substring(used FROM " + n + " + 1) WHERE id = '" + pool_ + "'");
  }

 private:
  std::string pool_;
};

class RowBitmap : public System {
 public:
  const char* name() const override { return "row_bitmap"; }
  void create(const Pools& pools, int size) override {
    const std::string bits = "repeat('0', " + std::to_string(size) + ")::varbit";
    Session session;
    if (pools.count == 1)
      session.run("INSERT INTO bench_bitmap VALUES ('" + pools.name + "', " + bits + ")");
    else
      session.run("INSERT INTO bench_bitmap SELECT '" + pools.name + "' || g, " + bits +
                  " FROM generate_series(0, " + std::to_string(pools.count - 1) + ") AS g");
    session.run("VACUUM ANALYZE bench_bitmap");
  }
  std::unique_ptr<Client> open(const Pools& pools) override {
    std::shared_ptr<Listener> listener = listener_.lock();
    if (!listener) listener_ = listener = std::make_shared<Listener>();
    return std::make_unique<RowBitmapClient>(pools, listener);
  }
  std::unique_ptr<Holder> take(const std::string& pool, int numbers) override {
    return std::make_unique<RowBitmapHolder>(pool, numbers);
  }
  // Its waiter writes its place in the queue to disk first.
  int milliseconds_to_queue() const override { return 8; }

 private:
  std::weak_ptr<Listener> listener_;
};

}  // namespace

void prepare_row_bitmap(Session& session) {
  session.prepare("lock", "SELECT used, queue[1] FROM bench_bitmap WHERE id = $1 FOR UPDATE");
  session.prepare("take",
                  "UPDATE bench_bitmap SET used = set_bit(used, $2, 1) "
                  "WHERE id = $1 AND get_bit(used, $2) = 0");
  session.prepare("take first",
                  "UPDATE bench_bitmap SET used = set_bit(used, $2, 1), queue = queue[2:] "
                  "WHERE id = $1 AND get_bit(used, $2) = 0");
  session.prepare("join", "UPDATE bench_bitmap SET queue = array_append(queue, $2) WHERE id = $1");
  session.prepare("free",
                  "UPDATE bench_bitmap SET used = set_bit(used, $2, 0) "
                  "WHERE id = $1 AND get_bit(used, $2) = 1");
  session.prepare("tell", "SELECT pg_notify($1, $2)");
}

void release_row_bitmap(Session& session, const std::string& pool, int index,
                        const std::string& channel) {
  session.run("BEGIN");
  const std::string head = session.execute_row("lock", {pool})[1];
  session.execute("free", {pool, std::to_string(index)});
  if (!head.empty()) session.execute("tell", {channel, head});
  session.run("COMMIT");
}

std::unique_ptr<System> row_bitmap_system() {
  return std::make_unique<RowBitmap>();
}

}  // namespace bench
