// Uses things up: the arena, the connections, the NOTIFY queue; and tells lies about tickets.
#include <list>

#include "torture/meddler.h"

namespace numpool_test {

namespace {

class ResourceMeddler : public Meddler {
 public:
  ResourceMeddler(const Mix& mix, unsigned seed, const std::string& log_file, RunBoard& board,
                  bool fill_queue)
      : Meddler(mix, seed, log_file, board), fill_queue_(fill_queue) {}

 private:
  void meddle_once() override {
    if (!listener_) prepare();
    nap(30);
    switch (random(5)) {
      case 0:
        return fill_arena();
      case 1:
        return use_up_connections();
      case 2:
        return storm();
      default:
        return forge();
    }
  }

  bool expects(const Outcome& outcome) const override {
    return outcome.sqlstate == "53200" || outcome.sqlstate == "53300" ||
           outcome.sqlstate == "54000" || outcome.message.find("NOTIFY queue") != std::string::npos;
  }

  // One listener idles in a transaction, so that no page of the queue is ever given back. Another
  // is up to date, so that new listeners need not read all of it.
  void prepare() {
    try {
      up_to_date_.emplace();
      up_to_date_->must("LISTEN storm");
      listener_.emplace();
      listener_->must("LISTEN storm");
      listener_->must("BEGIN; SELECT 1");
    } catch (const TestError&) {
      listener_.reset();
      return;
    }
    while (fill_queue_ && !board_.over) {
      const auto filled = ask(storm_of(20000));
      if (!filled) break;
      up_to_date_->notifications();
    }
  }

  static std::string storm_of(int count) {
    return "SELECT count(pg_notify('storm', repeat('x', 7900) || i)) FROM generate_series(1, " +
           std::to_string(count) + ") AS i";
  }

  void storm() {
    board_.count(Mischief::kNotifyStorm);
    if (!ask(storm_of(50))) board_.count(Mischief::kFullQueue);
    up_to_date_->notifications();
  }

  // Enqueues until there is no room for one more ticket. Others must get an error then, and nothing
  // else may happen.
  void fill_arena() {
    for (int batch = 8192; batch >= 1; batch /= 8) {
      while (ask("SELECT count(numpool_enqueue('hog')) FROM generate_series(1, " +
                 std::to_string(batch) + ")")) {
        if (board_.over) break;
      }
    }
    board_.count(Mischief::kFullArena);
    nap(30);
    ask("SELECT numpool_release_all()");
    // NB: one ticket holds the pool's only number, the others wait for it.
  }

  void use_up_connections() {
    std::list<Session> all;
    try {
      while (all.size() < 200) all.emplace_back("connect_timeout=5");
    } catch (const TestError&) {
      board_.count(Mischief::kFullConnections);
    }
    nap(40);
  }

  // Any session may NOTIFY on any channel; the sender's pid gives it away.
  void forge() {
    const WorkerSlot& slot = board_.slots[random(static_cast<unsigned>(mix_.workers))];
    const std::string channel = slot.channel;
    if (channel.empty()) return;
    board_.count(Mischief::kForgedNotify);
    ask("SELECT pg_notify('" + channel + "', format('{\"ticket\":%s,\"pool\":\"one\",\"index\":0," +
        "\"fence\":1}', i)) FROM generate_series(1, 50) AS i");
  }

  bool fill_queue_;
  std::optional<Session> listener_, up_to_date_;
};

}  // namespace

std::unique_ptr<Meddler> make_resource_meddler(const Mix& mix, unsigned seed,
                                               const std::string& log_file, RunBoard& board,
                                               bool fill_queue) {
  return std::make_unique<ResourceMeddler>(mix, seed, log_file, board, fill_queue);
}

}  // namespace numpool_test
