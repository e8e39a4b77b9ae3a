// Servers that draw fences, crash, are promoted, copied and forgotten, at random; and what is
// judged of every fence that they give. The core decides; the world only keeps what a server would:
// a log of which a crash leaves what was flushed, pages, memory, standbys, clocks.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/fence_block.h"

namespace numpool_test {

// What can be wrong in who uses the core: each must be found.
enum class Bug {
  kNone,
  kGivesBeforeFlush,      // a draw counts as on disk at once
  kLogsAhead,             // one draw in four is logged, as nextval does
  kNoTimeline,            // every server says the same of itself
  kNoClock,               // the clock stands still
  kClockAlone,            // the source is not looked at
  kForgetsDropped,        // DROP EXTENSION takes the memory of the database along
  kDrawersSetting,        // a block is as safe as its drawer wants it
  kUndefinedIsConfirmed,  // standbys that are not defined any more have everything
  kSmallReserve,          // who was let in is not reckoned with
};

struct WorldOptions {
  std::uint64_t seed;
  Bug bug;
  bool clocks_step;  // by up to an hour; then there is one server, and its extension stays
};

class FenceWorld {
 public:
  explicit FenceWorld(const WorldOptions& options);
  // Something happens. False if a promise is broken; then `problem` says which.
  bool step();
  const std::string& problem() const { return problem_; }

  struct Seen {
    std::uint64_t grants, draws, crashes, promotions, old_side_grants, templates, drops, copies,
        strict_waits, undefined;
  };
  const Seen& seen() const { return seen_; }

 private:
  using Level = numpool::Assurance;
  struct Page {
    std::uint32_t source;
    numpool::FenceSource content;
  };
  struct Record {
    int database;
    Page page;
  };
  struct Draw {
    numpool::FenceDraw numbers;
    std::uint64_t position;
  };
  // Somebody who waits for fences, or was let in and waits for his turn.
  struct Arrival {
    int database;
    Level wants;
    bool let_in;
    bool was_strict;  // standbys were defined when he last asked
    std::int64_t undefined_since;
  };
  struct Server {
    std::uint32_t system, timeline;
    std::int64_t clock_error;
    std::vector<Record> log;
    std::uint64_t flushed;
    std::uint64_t reached[4];  // by the standbys, for each level
    bool standbys_defined;
    std::int64_t undefined_at;
    bool dead;
    std::int64_t superseded_at;  // 0: nobody has taken over
    std::map<int, Page> pages;
    std::map<int, std::unique_ptr<numpool::FenceBlock>> memory;
    std::map<int, std::vector<Draw>> draws;
    std::map<int, std::int64_t> least, greatest;  // fences given
    std::vector<Arrival> arrivals;
  };

  std::uint64_t random(std::uint64_t below);
  bool one_in(std::uint64_t n) { return random(n) == 0; }
  Server& current() { return *servers_.back(); }
  Server& any_server();
  void log_page(Server& server, int database);
  void pass_time(std::int64_t least, std::int64_t most);

  void arrive(Server& server);
  void move_on(Server& server, std::size_t who);
  numpool::FenceWish wish_of(const Server& server, const Arrival& arrival) const;
  void draw(Server& server, const numpool::FenceWish& wish, int database);
  void await(Server& server, const numpool::FenceAdvice& advice, int database);
  void hand_over(Server& server, std::size_t who);
  void judge(Server& server, const Arrival& arrival, std::int64_t fence);
  void judge_order(std::int64_t fence, int database, const Server& server);

  void replicate(Server& server);
  void define_standbys(Server& server);
  void crash(Server& server);
  void promote();
  void copy_logically();
  void copy_database(Server& server);
  void drop_and_create(Server& server);

  WorldOptions options_;
  std::mt19937_64 random_;
  std::int64_t now_ = std::int64_t{27} * 365 * numpool::fence::kDay;
  std::vector<std::unique_ptr<Server>> servers_;
  std::vector<std::pair<int, Page>> old_pages_;  // what dumps may have
  int databases_ = 0;
  std::uint32_t sources_ = 0;
  std::string problem_;
  Seen seen_ = {};
};

}  // namespace numpool_test
