// Plays a scene of a few sessions in every order: each session runs one action and stops at the
// debug points that the scene names, and each time all are still, any of those that can go on may
// be the next. The orders are found by playing: one is taken, and afterwards the last choice that
// had an alternative is made differently.
//
// Needs a server of build/pgroot-points, on this machine.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "pg/debug_point_list.h"
#include "server/calls.h"

namespace numpool_test {

using numpool::DebugPoint;

// What a session does at the moment.
enum class ActorDoing {
  kRunning,   // none of the below, yet
  kStanding,  // at a debug point
  kSleeping,  // in a queue, or for a lock
  kIdle,      // waits for its client
  kGone,      // there is no such backend
};

class Actor {
 public:
  explicit Actor(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  Session& session() { return session_; }
  int pid() const { return session_.pid(); }
  // Before the play, without stops.
  Outcome must(const std::string& sql) { return session_.must(sql); }
  ActorDoing doing = ActorDoing::kIdle;
  DebugPoint point{};  // while kStanding
  bool sent = false;   // a statement that has not been collected
  bool begun = false;  // its part has been
  bool gone = false;   // its session is to end, or has ended
  // It will look for deadlocks soon, so while it sleeps it has not come to rest.
  bool is_to_check = false;
  Outcome outcome;                 // of its part
  std::vector<Notification> told;  // all that its client was told

 private:
  std::string name_;
  Session session_;
};

// One play in one order.
class Scene {
 public:
  explicit Scene(int size);
  ~Scene();
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  const Pool& pool() const { return pool_; }
  // An actor that is there from the start; the same name gives the same one.
  Actor& actor(const std::string& name);

  // Closes the actor's gates at these points before the play; each is passed once.
  void gate(Actor& actor, const std::vector<DebugPoint>& stops);
  // The actor begins before the play, and sleeps, in the queue or for a lock.
  void asleep(Actor& actor, const std::string& sql, const std::vector<DebugPoint>& stops = {});
  // The actor begins before the play, and stands at a point; `stops` are closed from then on.
  void standing(Actor& actor, const std::string& sql, DebugPoint at,
                const std::vector<DebugPoint>& stops = {});
  // A part: the statement or statements, or whatever the action does with the session.
  void part(Actor& actor, const std::string& sql, const std::vector<DebugPoint>& stops = {});
  void part(Actor& actor, const std::function<void()>& action,
            const std::vector<DebugPoint>& stops);
  // Something that happens at once, any time after `when` holds.
  void event(const std::string& name, const std::function<void()>& action,
             const std::function<bool()>& when = nullptr);
  // The usual ones, any time after the actor's part has begun.
  void event_cancel(Actor& actor);
  void event_terminate(Actor& actor);
  void event_sever(Actor& actor);
  // The end comes when this holds, which happens by itself.
  void wait_for(const std::function<bool()>& holds) { waits_for_ = holds; }
  // Checked at the end, when every part is over and before anything is released.
  void finally(const std::function<void()>& check) { finally_ = check; }
  // Checked when each has released what it had.
  void at_last(const std::function<void()>& check) { at_last_ = check; }

  // For in_all_orders.
  std::vector<int> choices();
  void take(int choice);
  void end();
  std::string story() const { return story_; }

 private:
  struct Step {
    std::string name;
    Actor* actor;  // nullptr: an event
    std::function<void()> action;
    std::function<bool()> when;
    bool taken = false;
  };

  void begin(Step& step);
  void go_on(Actor& actor);
  void settle();
  bool look();
  void let_all_go();
  void collect(Actor& actor);
  void release_tokens();
  void release_everything();
  // P1 and P2, by what the sessions say and what the views say.
  void check_leases();
  // P9: everything is free again, and can be had.
  void check_all_free();
  bool pool_exists() const;

  Pool pool_;
  int size_;
  std::vector<Actor*> actors_;
  std::vector<Step> steps_;
  std::function<bool()> waits_for_;
  std::function<void()> finally_;
  std::function<void()> at_last_;
  std::string story_;
  bool settled_ = false;  // since the last step
};

// How the actor's part went, as short as can be compared: a number, "null", "ok", or the SQLSTATE.
std::string came_to(const Actor& actor);

// Calls `set_up` to make each play, on a new pool of `size` numbers.
void in_all_orders(int size, const std::function<void(Scene&)>& set_up);

}  // namespace numpool_test
