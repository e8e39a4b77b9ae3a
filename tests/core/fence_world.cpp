#include "fence_world.h"

#include <algorithm>

using namespace numpool;

namespace numpool_test {

namespace {

constexpr std::int64_t kSessions = 4;  // of a server, at most

std::string text(std::int64_t number) {
  return std::to_string(number);
}

}  // namespace

FenceWorld::FenceWorld(const WorldOptions& options) : options_(options), random_(options.seed) {
  auto first = std::make_unique<Server>();
  first->system = 77;
  first->timeline = 1;
  first->standbys_defined = true;
  servers_.push_back(std::move(first));
  for (databases_ = 0; databases_ < 2; ++databases_) {
    current().pages[databases_] = {++sources_, {1, {0, 0}, false}};
    log_page(current(), databases_);
  }
  current().flushed = current().log.size();
}

std::uint64_t FenceWorld::random(std::uint64_t below) {
  return random_() % below;
}

// The newest mostly; else one that has been superseded and lives on.
FenceWorld::Server& FenceWorld::any_server() {
  Server& one = *servers_[random(servers_.size())];
  return one_in(4) && !one.dead ? one : current();
}

void FenceWorld::pass_time(std::int64_t least, std::int64_t most) {
  now_ += least + static_cast<std::int64_t>(random(static_cast<std::uint64_t>(most - least)));
  // The other side of a split brain ends some time, before the jump of a timeline is over.
  for (auto& server : servers_)
    if (server->superseded_at != 0 && now_ - server->superseded_at > fence::kDay)
      server->dead = true;
}

void FenceWorld::log_page(Server& server, int database) {
  server.log.push_back({database, server.pages[database]});
}

bool FenceWorld::step() {
  pass_time(fence::kSecond / 4, 5 * fence::kSecond);
  Server& server = any_server();
  const std::uint64_t what = random(100);
  if (what < 30 || server.arrivals.empty()) {
    arrive(server);
  } else if (what < 80) {
    const std::size_t who = random(server.arrivals.size());
    if (server.arrivals[who].let_in)
      hand_over(server, who);
    else
      move_on(server, who);
  } else if (what < 88) {
    replicate(server);
  } else if (what < 90) {
    define_standbys(server);
  } else if (what < 93) {
    crash(server);
  } else if (what == 93) {
    copy_database(server);
  } else if (what == 94) {
    pass_time(fence::kSecond, one_in(5) ? 3 * fence::kDay : fence::kDay / 24);
  } else if (options_.clocks_step && what < 97) {
    server.clock_error = static_cast<std::int64_t>(random(7200)) * fence::kSecond;
  } else if (what == 95) {
    promote();
  } else if (what < 98) {
    drop_and_create(server);
  } else if (one_in(20) && !options_.clocks_step) {
    copy_logically();
  }
  return problem_.empty();
}

void FenceWorld::arrive(Server& server) {
  if (static_cast<std::int64_t>(server.arrivals.size()) >= kSessions || server.dead) return;
  const int database = static_cast<int>(random(static_cast<std::uint64_t>(databases_)));
  if (server.pages.count(database) == 0) return;
  server.arrivals.push_back({database, static_cast<Level>(random(4)), false, false, 0});
}

FenceWish FenceWorld::wish_of(const Server& server, const Arrival& arrival) const {
  FenceWish wish = {};
  wish.source = server.pages.at(arrival.database).source;
  wish.assurance = arrival.wants;
  wish.standbys_are_defined = server.standbys_defined;
  wish.reserve = options_.bug == Bug::kSmallReserve ? -1 : kSessions;
  wish.now = now_;
  wish.undefined_since = arrival.undefined_since;
  return wish;
}

void FenceWorld::move_on(Server& server, std::size_t who) {
  Arrival& arrival = server.arrivals[who];
  if (server.standbys_defined)
    arrival.undefined_since = 0;
  else if (arrival.undefined_since == 0)
    arrival.undefined_since = now_;
  const FenceWish wish = wish_of(server, arrival);
  std::unique_ptr<FenceBlock>& block = server.memory[arrival.database];
  if (!block) block.reset(new FenceBlock{});
  if (server.standbys_defined) arrival.was_strict = arrival.wants > Level::kLocal;
  if (block->covers(wish)) {
    arrival.let_in = true;
    return;
  }
  const FenceAdvice advice = block->advise(wish);
  // Not promised: that a server begins to draw on its timeline after it was superseded.
  const FenceSource& drawn = server.pages[arrival.database].content;
  const bool begins = !drawn.used || drawn.origin.timeline != server.timeline;
  if (server.superseded_at != 0 && begins) return;
  if (advice.step == FenceStep::kDraw) draw(server, wish, arrival.database);
  if (advice.step == FenceStep::kAwait) await(server, advice, arrival.database);
  if (advice.step == FenceStep::kPause && options_.bug == Bug::kUndefinedIsConfirmed)
    block->assured(server.log.size(), Level::kApplied);
  if (advice.step == FenceStep::kPause || one_in(10))
    if (one_in(3)) server.arrivals.erase(server.arrivals.begin() + static_cast<long>(who));
}

void FenceWorld::draw(Server& server, const FenceWish& wish, int database) {
  FenceBlock& block = *server.memory[database];
  Page& page = server.pages[database];
  FenceSource source = page.content;
  if (options_.bug == Bug::kClockAlone) source = {1, source.origin, source.used};
  const FenceOrigin origin = options_.bug == Bug::kNoTimeline
                                 ? FenceOrigin{1, 1}
                                 : FenceOrigin{server.system, server.timeline};
  const std::int64_t clock =
      options_.bug == Bug::kNoClock ? fence::kDay : now_ + server.clock_error;
  const std::int64_t floor = options_.bug == Bug::kClockAlone ? 0 : block.floor(wish.at_least);
  // Small ones, so that they are used up.
  const std::int64_t count = kSessions + 1 + static_cast<std::int64_t>(random(6));
  const FenceDraw numbers = plan_draw(source, origin, clock, floor, count);
  page.content = {numbers.limit, origin, true};
  if (options_.bug != Bug::kLogsAhead || one_in(4)) log_page(server, database);
  const std::uint64_t position = server.log.size();
  block.drawn(numbers, wish, position);
  server.draws[database].push_back({numbers, position});
  ++seen_.draws;
}

void FenceWorld::await(Server& server, const FenceAdvice& advice, int database) {
  FenceBlock& block = *server.memory[database];
  if (options_.bug != Bug::kGivesBeforeFlush)
    server.flushed = std::max(server.flushed, advice.position);
  Level reached = Level::kLocal;
  for (const Level level : {Level::kWritten, Level::kFlushed, Level::kApplied})
    if (server.reached[static_cast<int>(level)] >= advice.position) reached = level;
  if (options_.bug == Bug::kDrawersSetting && one_in(2)) reached = advice.assurance;
  if (reached >= advice.assurance)
    block.assured(advice.position, advice.assurance);
  else
    ++seen_.strict_waits;
}

void FenceWorld::hand_over(Server& server, std::size_t who) {
  const Arrival arrival = server.arrivals[who];
  server.arrivals.erase(server.arrivals.begin() + static_cast<long>(who));
  FenceBlock& block = *server.memory.at(arrival.database);
  if (one_in(8)) return;  // he has left
  const std::int64_t fence = block.next.fetch_add(1);
  if (fence >= block.limit.load()) problem_ = "no fence was left for who was let in";
  judge(server, arrival, fence);
}

void FenceWorld::judge(Server& server, const Arrival& arrival, std::int64_t fence) {
  ++seen_.grants;
  if (&server != &current()) ++seen_.old_side_grants;
  const Draw* drawn = nullptr;
  for (const Draw& draw : server.draws[arrival.database])
    if (draw.numbers.start <= fence && fence < draw.numbers.limit) drawn = &draw;
  if (drawn == nullptr) {
    problem_ = "a fence that was never drawn: " + text(fence);
    return;
  }
  if (drawn->position > server.flushed) problem_ = "a fence of a draw that is not on disk";
  const bool relies = arrival.was_strict && (server.standbys_defined ||
                                             now_ - server.undefined_at < fence::kUndefinedGrace);
  if (relies && server.reached[static_cast<int>(arrival.wants)] < drawn->position)
    problem_ = "a fence that is not replicated, for who waits for that";
  judge_order(fence, arrival.database, server);
}

// Those promoted later are ahead of those before, whenever they gave what they gave.
void FenceWorld::judge_order(std::int64_t fence, int database, const Server& server) {
  bool before = true;
  for (auto& other : servers_) {
    if (other.get() == &server) {
      before = false;
      if (other->greatest.count(database) && fence <= other->greatest[database])
        problem_ = "a fence that is not larger than an earlier one";
      if (!other->least.count(database)) other->least[database] = fence;
      other->greatest[database] = fence;
    } else if (before && other->greatest.count(database) && fence <= other->greatest[database]) {
      problem_ = "a fence that is not larger than one of the old side: by " +
                 text(other->greatest[database] - fence);
    } else if (!before && other->least.count(database) && fence >= other->least[database]) {
      problem_ = "the old side gives a fence that is not smaller: by " +
                 text(fence - other->least[database]);
    }
  }
}

void FenceWorld::replicate(Server& server) {
  // What the standbys have, the server has flushed. Each level is as far as the next weaker at
  // most.
  std::uint64_t most = server.flushed;
  for (const Level level : {Level::kWritten, Level::kFlushed, Level::kApplied}) {
    std::uint64_t& reached = server.reached[static_cast<int>(level)];
    if (most > reached) reached += random(most - reached + 1);
    most = reached;
  }
}

void FenceWorld::define_standbys(Server& server) {
  server.standbys_defined = !server.standbys_defined;
  // Who waits looks now and then, so he may take two such times for one: nobody is judged by that.
  if (server.standbys_defined)
    for (Arrival& arrival : server.arrivals) arrival.was_strict = false;
  server.undefined_at = now_;
  if (!server.standbys_defined) ++seen_.undefined;
}

void FenceWorld::crash(Server& server) {
  ++seen_.crashes;
  // Some of what was not flushed is on disk all the same.
  server.flushed += random(server.log.size() - server.flushed + 1);
  server.log.resize(server.flushed);
  for (std::uint64_t& reached : server.reached) reached = std::min(reached, server.flushed);
  server.pages.clear();
  for (const Record& record : server.log) server.pages[record.database] = record.page;
  server.memory.clear();
  server.draws.clear();
  server.arrivals.clear();
}

void FenceWorld::promote() {
  if (servers_.size() > 6) return;
  const Server& from = any_server();
  if (from.system != current().system) return;
  ++seen_.promotions;
  auto standby = std::make_unique<Server>();
  standby->system = from.system;
  standby->timeline = current().timeline + 1;
  standby->clock_error = static_cast<std::int64_t>(random(40)) * fence::kSecond;
  // Anything that was flushed may have been received, but the first records.
  const std::uint64_t least = std::min<std::uint64_t>(2, from.flushed);
  const std::uint64_t received = least + random(from.flushed - least + 1);
  standby->log.assign(from.log.begin(), from.log.begin() + static_cast<long>(received));
  standby->flushed = received;
  standby->standbys_defined = one_in(2);
  standby->undefined_at = 0;
  for (const Record& record : standby->log) standby->pages[record.database] = record.page;
  for (auto& server : servers_) {
    if (server->superseded_at == 0) server->superseded_at = now_;
    if (one_in(3)) server->dead = true;
  }
  servers_.push_back(std::move(standby));
}

// To a server that has other sequences: new ones, or from a dump of some time.
void FenceWorld::copy_logically() {
  if (servers_.size() > 6) return;
  ++seen_.copies;
  pass_time(8 * fence::kTimelineStep, 9 * fence::kTimelineStep);
  auto copy = std::make_unique<Server>();
  copy->system = current().system + 1000;
  copy->timeline = 1;
  for (int database = 0; database < databases_; ++database) {
    FenceSource content = {1, {0, 0}, false};
    for (const auto& [number, page] : old_pages_)
      if (number == database && one_in(2)) content = {page.content.limit, {0, 0}, true};
    copy->pages[database] = {++sources_, content};
    copy->log.push_back({database, copy->pages[database]});
  }
  copy->flushed = copy->log.size();
  for (auto& server : servers_)
    if (server->superseded_at == 0) server->superseded_at = now_;
  servers_.push_back(std::move(copy));
}

void FenceWorld::copy_database(Server& server) {
  if (databases_ > 20 || &server != &current()) return;
  ++seen_.templates;
  const int from = static_cast<int>(random(static_cast<std::uint64_t>(databases_)));
  if (server.pages.count(from) == 0) return;
  server.pages[databases_] = server.pages[from];
  old_pages_.emplace_back(from, server.pages[from]);
  log_page(server, databases_);
  ++databases_;
}

void FenceWorld::drop_and_create(Server& server) {
  const int database = static_cast<int>(random(static_cast<std::uint64_t>(databases_)));
  if (server.pages.count(database) == 0 || &server != &current()) return;
  for (const Arrival& arrival : server.arrivals)
    if (arrival.database == database) return;
  // Where no clock can be relied on, the memory of what was drawn is all there is.
  const auto memory = server.memory.find(database);
  if (options_.clocks_step && (memory == server.memory.end() || memory->second->limit.load() == 0))
    return;
  ++seen_.drops;
  server.pages[database] = {++sources_, {1, {0, 0}, false}};
  log_page(server, database);
  server.flushed = server.log.size();
  if (options_.bug == Bug::kForgetsDropped && memory != server.memory.end())
    memory->second.reset(new FenceBlock{});
  if (!options_.clocks_step) return;
  draw(server, wish_of(server, {database, Level::kLocal, false, false, 0}), database);
  server.flushed = server.log.size();
}

}  // namespace numpool_test
