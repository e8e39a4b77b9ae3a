#include "points/scene.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <thread>

namespace numpool_test {

namespace {

constexpr const char* kPointNames[] = {
    "Named",         "BlockWanted",  "BlockTaken",     "GrantedAtOnce", "Joined",
    "BeforeSleep",   "Woken",        "TurnSeen",       "TimedOut",      "Leaving",
    "GrantToPassOn", "CheckDue",     "PoolCopied",     "LookedOnce",    "LookedAgain",
    "VictimChosen",  "Watching",     "WakeDue",        "Unregistered",  "Dismissed",
    "RowsVisible",   "Aborting",     "Undoing",        "ChangesDone",   "Applying",
    "ServiceSet",    "Resized",      "ReleasingOne",   "EndingOne",     "EntriesDone",
    "DeliveryDue",   "MessageDue",   "MessageWritten", "RowRead",       "Registered",
    "ReadAgain",     "RowDiffers",   "RowWritten",     "StubDue",       "SizeNoted",
    "UnusedSeen",    "Closing",      "PlaceDue",       "TokenRowDue",   "TokenRowWritten",
    "TokensDue",     "ArenaGrowing", "ArenaMade",      "SessionEnds",   "GivingUpOne"};
static_assert(sizeof(kPointNames) / sizeof(*kPointNames) ==
              static_cast<std::size_t>(DebugPoint::kGivingUpOne) + 1);

const char* name_of(DebugPoint point) {
  return kPointNames[static_cast<std::size_t>(point)];
}

constexpr int kGoOn = 1000;  // added to the number of an actor that goes on

// Holds the gates. Not the observer, whose statements would have to wait for nothing.
Session& keeper() {
  static Session session;
  return session;
}

std::string key(int pid, std::uint32_t low) {
  return std::to_string((static_cast<std::int64_t>(pid) << 32) | low);
}

// Whether the kernel has put the process to sleep. A process that was woken counts as running at
// once, even if it still waits for a processor.
bool is_asleep(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return true;
  char text[512];
  const std::size_t length = std::fread(text, 1, sizeof(text) - 1, file);
  std::fclose(file);
  text[length] = '\0';
  const std::string line = text;
  const std::size_t end = line.rfind(')');
  return end != std::string::npos && end + 2 < line.size() && line[end + 2] == 'S';
}

// Sessions are used again from play to play; a new one replaces one that has gone.
std::map<std::string, std::unique_ptr<Actor>>& cast() {
  static std::map<std::string, std::unique_ptr<Actor>> actors;
  return actors;
}

}  // namespace

std::string came_to(const Actor& actor) {
  if (!actor.outcome.ok) return actor.outcome.sqlstate.empty() ? "none" : actor.outcome.sqlstate;
  if (actor.outcome.rows.empty()) return "ok";
  return actor.outcome.value().value_or("null");
}

Scene::Scene(int size) : pool_(size), size_(size) {}

Scene::~Scene() {
  // A play that failed may have left an actor standing at a point.
  try {
    keeper().must("SELECT pg_advisory_unlock_all()");
    for (Actor* actor : actors_) cast().erase(actor->name());
  } catch (const std::exception&) {
  }
}

Actor& Scene::actor(const std::string& name) {
  std::unique_ptr<Actor>& place = cast()[name];
  if (place == nullptr || place->gone) place = std::make_unique<Actor>(name);
  if (std::find(actors_.begin(), actors_.end(), place.get()) == actors_.end())
    actors_.push_back(place.get());
  return *place;
}

void Scene::gate(Actor& actor, const std::vector<DebugPoint>& stops) {
  std::string gates;
  for (const DebugPoint stop : stops)
    gates += "SELECT pg_advisory_lock(" + key(actor.pid(), gate_of(stop)) + ");";
  if (!gates.empty()) keeper().must(gates);
}

void Scene::asleep(Actor& actor, const std::string& sql, const std::vector<DebugPoint>& stops) {
  actor.session().send(sql);
  actor.sent = actor.begun = true;
  settle();
  if (actor.doing != ActorDoing::kSleeping) throw TestError(actor.name() + " does not sleep");
  gate(actor, stops);
}

void Scene::standing(Actor& actor, const std::string& sql, DebugPoint at,
                     const std::vector<DebugPoint>& stops) {
  gate(actor, {at});
  actor.session().send(sql);
  actor.sent = actor.begun = true;
  settle();
  if (actor.doing != ActorDoing::kStanding) throw TestError(actor.name() + " does not stand");
  gate(actor, stops);
}

void Scene::part(Actor& actor, const std::string& sql, const std::vector<DebugPoint>& stops) {
  part(
      actor,
      [&actor, sql] {
        actor.session().send(sql);
        actor.sent = true;
      },
      stops);
}

void Scene::part(Actor& actor, const std::function<void()>& action,
                 const std::vector<DebugPoint>& stops) {
  gate(actor, stops);
  steps_.push_back({actor.name(), &actor, action, nullptr});
}

void Scene::event(const std::string& name, const std::function<void()>& action,
                  const std::function<bool()>& when) {
  steps_.push_back({name, nullptr, action, when});
}

void Scene::event_cancel(Actor& actor) {
  event(
      "cancel " + actor.name(),
      [&actor] {
        observer().must("SELECT pg_cancel_backend(" + std::to_string(actor.pid()) + ")");
      },
      [&actor] { return actor.begun && actor.doing != ActorDoing::kIdle; });
}

void Scene::event_terminate(Actor& actor) {
  event(
      "terminate " + actor.name(),
      [&actor] {
        actor.gone = true;
        observer().must("SELECT pg_terminate_backend(" + std::to_string(actor.pid()) + ")");
      },
      [&actor] { return actor.begun; });
}

void Scene::event_sever(Actor& actor) {
  event(
      "sever " + actor.name(),
      [&actor] {
        actor.gone = true;
        actor.sent = false;
        actor.session().sever();
      },
      [&actor] { return actor.begun; });
}

// A choice is a step that can begin, or an actor that can go on.
std::vector<int> Scene::choices() {
  if (!settled_) settle();
  std::vector<int> open;
  for (std::size_t i = 0; i < steps_.size(); i++)
    if (!steps_[i].taken && (steps_[i].when == nullptr || steps_[i].when()))
      open.push_back(static_cast<int>(i));
  for (std::size_t i = 0; i < actors_.size(); i++)
    if (actors_[i]->doing == ActorDoing::kStanding) open.push_back(kGoOn + static_cast<int>(i));
  return open;
}

void Scene::begin(Step& step) {
  story_ += "; " + step.name + (step.actor != nullptr ? " begins" : "");
  step.taken = true;
  if (step.actor != nullptr) step.actor->begun = true;
  step.action();
}

void Scene::go_on(Actor& actor) {
  story_ += "; " + actor.name() + " goes on";
  keeper().must("SELECT pg_advisory_unlock(" + key(actor.pid(), gate_of(actor.point)) + ")");
  const std::string standing =
      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = " +
      std::to_string(actor.pid()) + " AND objid = " + std::to_string(standing_at(actor.point));
  if (!eventually([&] { return keeper().number(standing) == 0; }))
    throw TestError(actor.name() + " does not go on");
}

void Scene::take(int choice) {
  Actor* actor = choice >= kGoOn ? actors_[choice - kGoOn] : steps_[choice].actor;
  if (choice >= kGoOn)
    go_on(*actor);
  else
    begin(steps_[choice]);
  settle();
  if (actor == nullptr) return;
  if (actor->doing == ActorDoing::kStanding)
    story_ += std::string(" to ") + name_of(actor->point);
  else
    story_ += actor->doing == ActorDoing::kSleeping ? " to sleep" : " to its end";
}

// Looks once at what every actor does; false if one of them is still on its way to a place of rest.
bool Scene::look() {
  std::string pids = "0";
  std::set<const Actor*> awake;
  for (const Actor* actor : actors_) {
    pids += ", " + std::to_string(actor->pid());
    if (!is_asleep(actor->pid())) awake.insert(actor);
  }
  bool still = awake.empty();
  const Outcome seen = keeper().must(
      "SELECT a.pid, a.wait_event_type, l.objid FROM pg_stat_activity AS a LEFT JOIN pg_locks AS l "
      "ON l.pid = a.pid AND l.locktype = 'advisory' AND l.granted AND l.objid >= " +
      std::to_string(standing_at(DebugPoint{})) + " WHERE a.pid IN (" + pids + ")");
  for (Actor* actor : actors_) {
    ActorDoing doing = ActorDoing::kGone;
    for (const auto& row : seen.rows) {
      if (std::stoi(*row[0]) != actor->pid()) continue;
      doing = ActorDoing::kRunning;
      if (row[2]) {
        doing = ActorDoing::kStanding;
        actor->point = static_cast<DebugPoint>(std::stoul(*row[2]) - standing_at(DebugPoint{}));
      } else if (row[1]) {
        doing = *row[1] == "Client" ? ActorDoing::kIdle : ActorDoing::kSleeping;
      }
    }
    if (doing == ActorDoing::kGone) actor->gone = true;
    if (doing == ActorDoing::kRunning || doing != actor->doing) still = false;
    // NB: of one that is awake this may be what it did before.
    if (awake.count(actor) == 0 && (doing == ActorDoing::kStanding || doing == ActorDoing::kIdle))
      actor->is_to_check = false;
    if (doing == ActorDoing::kSleeping && actor->is_to_check) still = false;
    // The socket is closed, or the signal under way: it will see.
    if (actor->gone && doing == ActorDoing::kIdle) still = false;
    actor->doing = doing;
  }
  return still;
}

void Scene::settle() {
  look();
  if (!eventually([&] { return look(); })) throw TestError("somebody does not come to rest");
  settled_ = true;
}

void Scene::let_all_go() {
  keeper().must("SELECT pg_advisory_unlock_all()");
  settle();
}

void Scene::collect(Actor& actor) {
  if (actor.sent && (!actor.gone || actor.session().connected())) {
    const Outcome outcome = actor.session().finish();
    // A waiter that began before the play has no other part.
    actor.outcome = outcome;
  }
  actor.sent = false;
}

bool Scene::pool_exists() const {
  const Outcome found =
      observer().run("SELECT count(*) FROM numpool_list() AS name WHERE name = " + pool_.q());
  return found.ok && found.number() != 0;
}

void Scene::check_leases() {
  if (!pool_exists()) return;
  std::set<std::string> said;
  std::set<int> indexes;
  for (Actor* actor : actors_) {
    if (actor->gone || actor->doing != ActorDoing::kIdle) continue;
    if (PQtransactionStatus(actor->session().handle()) == PQTRANS_INERROR) actor->must("ROLLBACK");
    const Outcome own = actor->must("SELECT i, f FROM generate_series(0, 20) AS i, numpool_fence(" +
                                    pool_.q() + ", i) AS f WHERE f IS NOT NULL");
    for (const auto& row : own.rows) {
      said.insert(std::to_string(actor->pid()) + " has " + *row[0] + " by " + *row[1]);
      CHECK_MESSAGE(indexes.insert(std::stoi(*row[0])).second, "P1: two hold ", *row[0]);
    }
  }
  std::set<std::string> seen;
  const Outcome view = observer().must(
      "SELECT pid, index, fence, scope FROM numpool_leases WHERE state <> 'granted' AND pool = " +
      pool_.q());
  for (const auto& row : view.rows)
    if (*row[3] == "timed")
      CHECK_MESSAGE(indexes.insert(std::stoi(*row[1])).second, "P1: two hold ", *row[1]);
    else
      seen.insert(*row[0] + " has " + *row[1] + " by " + *row[2]);
  for (const std::string& one : said) CHECK_MESSAGE(seen.count(one) == 1, "not seen: ", one);
  for (const std::string& one : seen) CHECK_MESSAGE(said.count(one) == 1, "not said: ", one);
  CHECK_MESSAGE(!(pool_.free() > 0 && pool_.waiting() > 0), "P2: an idle number");
}

// What tokens have, as far as nobody uses them.
void Scene::release_tokens() {
  for (const char* view : {"numpool_leases", "numpool_waiters"}) {
    const std::string tokens = "SELECT token FROM " + std::string(view) +
                               " WHERE token IS NOT NULL AND pool = " + pool_.q();
    for (const auto& row : observer().must(tokens).rows)
      observer().run("SELECT numpool_release('" + *row[0] + "')");
  }
}

void Scene::release_everything() {
  for (Limit limit(kDeadline);;) {
    bool over = true;
    release_tokens();
    for (Actor* actor : actors_) {
      if (actor->gone) {
        collect(*actor);
        over = over && actor->doing == ActorDoing::kGone;
      } else if (actor->doing == ActorDoing::kIdle) {
        if (actor->sent) over = false;
        collect(*actor);
        actor->session().run("ROLLBACK");
        actor->must("SELECT numpool_release_all()");
        for (const Notification& one : actor->session().notifications()) actor->told.push_back(one);
      } else {
        over = false;
      }
    }
    settle();
    if (over) return;
    if (limit.over()) {
      for (Actor* actor : actors_) {
        if (actor->doing == ActorDoing::kIdle || actor->doing == ActorDoing::kGone) continue;
        actor->session().cancel();
        FAIL_CHECK("P9: ", actor->name(), " never came to its end");
      }
      throw TestError("somebody sleeps for ever");
    }
  }
}

void Scene::check_all_free() {
  if (!pool_exists()) return;
  CHECK_MESSAGE(pool_.idle_within(), "P9: something is left");
  const auto all =
      observer().must("SELECT numpool_try_acquire(" + pool_.q() + ") FROM generate_series(0, 20)");
  std::string got;
  int count = 0;
  for (const auto& row : all.rows)
    if (row[0]) {
      CHECK_MESSAGE(*row[0] == std::to_string(count), "P9: ", *row[0], " comes next");
      count++;
    }
  for (const char* where : {"numpool_pools WHERE pool = ", "numpool_definitions WHERE name = "})
    CHECK(observer().number("SELECT size FROM " + (where + pool_.q())) == count);
  observer().must("SELECT numpool_release_all()");
}

void Scene::end() {
  let_all_go();
  if (waits_for_ && !eventually(waits_for_)) throw TestError("the end does not come");
  settle();
  for (Actor* actor : actors_)
    if (actor->doing == ActorDoing::kIdle || actor->gone) collect(*actor);
  settle();
  check_leases();
  if (finally_) finally_();
  release_everything();
  check_all_free();
  if (at_last_) at_last_();
  for (Actor* actor : actors_) {
    actor->begun = actor->sent = false;
    actor->is_to_check = false;
    actor->outcome = {};
    actor->told.clear();
    actor->doing = ActorDoing::kIdle;
  }
  actors_.clear();
}

void in_all_orders(int size, const std::function<void(Scene&)>& set_up) {
  struct Choice {
    std::vector<int> open;
    std::size_t taken;
  };
  std::vector<Choice> path;
  std::set<std::string> stories;
  int plays = 0;
  const auto start = Clock::now();
  do {
    Scene scene(size);
    std::size_t depth = 0;
    try {
      set_up(scene);
      for (;; depth++) {
        const std::vector<int> open = scene.choices();
        if (open.empty()) break;
        // On a loaded machine an actor may fall behind; the play then goes on as it can.
        if (depth < path.size() && path[depth].open != open) path.resize(depth);
        if (depth == path.size()) path.push_back({open, 0});
        scene.take(open[path[depth].taken]);
      }
      path.resize(depth);
      INFO(scene.story());
      scene.end();
    } catch (const TestError& error) {
      FAIL(std::string(error.what()), " in", scene.story());
    }
    if (std::getenv("NUMPOOL_STORIES") != nullptr) std::printf("%s\n", scene.story().c_str());
    stories.insert(scene.story());
    plays++;
    while (!path.empty() && ++path.back().taken == path.back().open.size()) path.pop_back();
  } while (!path.empty());
  const auto time = std::chrono::duration_cast<Milliseconds>(Clock::now() - start).count();
  MESSAGE(plays, " orders, ", stories.size(), " stories, ", time, " ms");
}

}  // namespace numpool_test
