// While another session holds a snapshot: nothing that was alive at its beginning, or dies later,
// may be removed. Each system's time counts by itself.
#include "measure.h"
#include "session.h"

namespace bench {

namespace {

// Eight clients of every system.
void measure_peers(const Options& options) {
  std::vector<std::unique_ptr<System>> systems;
  systems.push_back(floor_system());
  systems.push_back(numpool_system());
  systems.push_back(skip_locked_system());
  systems.push_back(row_bitmap_system());
  systems.push_back(redis_system());
  for (const auto& system : systems) system->create({"snapshot"}, 64);

  const double total = options.quick ? 1.5 : 60;
  const double slice = options.quick ? 0.25 : 2;
  for (double second = 0; second < total; second += slice)
    for (const auto& system : systems) {
      // What leaves no row behind need not run all the time to show it.
      const std::string name = system->name();
      const bool leaves_rows = name == "skip_locked" || name == "row_bitmap";
      // A fifth of a slice warms up, and counts as load.
      const double seconds = (leaves_rows ? slice : slice / 2) / 1.2;
      print("snapshot", std::to_string(second + slice), name,
            pairs_per_second(*system, {"snapshot"}, 8, seconds));
    }
}

// What leaves no row behind, closer: on one core and in short slices, since eight clients on a
// virtual machine vary by more than what is to be seen.
void measure_trend() {
  const auto floor = floor_system(), numpool = numpool_system();
  for (System* system : {floor.get(), numpool.get()}) system->create({"trend"}, 64);
  const OneCore bound;
  const double slice = 0.5;
  for (double second = 0; second < 60; second += slice)
    for (System* system : {floor.get(), numpool.get()})
      print("trend", std::to_string(second + slice), system->name(),
            pairs_per_second(*system, {"trend"}, 1, slice / 1.2));
}

}  // namespace

void measure_snapshot(const Options& options) {
  Session holder;
  holder.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
  holder.run("SELECT count(*) FROM pg_class");
  if (!options.quick) measure_trend();
  measure_peers(options);
}

}  // namespace bench
