// Pairs a second: more numbers than clients, fewer, and with ever more clients.
#include "measure.h"

namespace bench {

namespace {

using Systems = std::vector<std::unique_ptr<System>>;

// Those with parameters explain the floor, and need not be everywhere.
Systems all_systems(bool with_parameters) {
  Systems systems;
  systems.push_back(floor_system());
  if (with_parameters) systems.push_back(shaped_floor_system());
  systems.push_back(numpool_system());
  if (with_parameters) systems.push_back(numpool_parameter_system());
  systems.push_back(client_system());
  systems.push_back(advisory_system());
  systems.push_back(sweep_system());
  systems.push_back(skip_locked_system());
  systems.push_back(row_bitmap_system());
  systems.push_back(redis_system());
  return systems;
}

void measure_each(const Systems& systems, const std::string& table, const std::string& pool,
                  int clients, const std::string& x, double seconds) {
  for (const auto& system : systems)
    print(table, x, system->name(), pairs_per_second(*system, {pool}, clients, seconds));
}

// Those whose speed with many threads on one connection, or as many connections, is a promise.
Systems crowd_systems() {
  Systems systems;
  systems.push_back(floor_system());
  systems.push_back(numpool_system());
  systems.push_back(client_system());
  systems.push_back(redis_system());
  return systems;
}

void create_each(const Systems& systems, const std::string& pool, int size) {
  for (const auto& system : systems) system->create({pool}, size);
}

}  // namespace

void measure_pairs(const Options& options) {
  // Systems remember the size: one set of them for each pool.
  const Systems plenty = all_systems(true), scarce = all_systems(false);
  Systems batches;
  batches.push_back(numpool_batch_system());
  const Systems crowd = options.quick ? Systems{} : crowd_systems();
  create_each(plenty, "plenty", 64);
  create_each(scarce, "scarce", 4);
  // To open and close 200 connections for each would take a third of a quick run.
  const std::vector<int> crowds =
      options.quick ? std::vector<int>{8, 32} : std::vector<int>{8, 32, 200};
  for (int round = 0; round < options.rounds; ++round) {
    {
      const OneCore bound;
      measure_each(plenty, "uncontended", "plenty", 1, "bound", options.seconds);
      measure_each(batches, "uncontended", "plenty", 1, "bound", options.seconds);
    }
    measure_each(batches, "uncontended", "plenty", 1, "1", options.seconds);
    for (int clients : {1, 8, 32})
      measure_each(plenty, "uncontended", "plenty", clients, std::to_string(clients),
                   options.seconds);
    measure_each(crowd, "uncontended", "plenty", 200, "200", options.seconds);
    for (int clients : crowds)
      measure_each(scarce, "contended", "scarce", clients, std::to_string(clients),
                   options.seconds);
  }
}

void measure_clients(const Options& options) {
  const Systems systems = all_systems(false);
  create_each(systems, "clients", 64);
  allow_open_files(4096);
  const std::vector<int> points = options.quick ? std::vector<int>{1, 32, 128}
                                                : std::vector<int>{1, 4, 16, 32, 64, 128, 250, 500};
  for (int round = 0; round < options.rounds; ++round)
    for (int clients : points)
      measure_each(systems, "clients", "clients", clients, std::to_string(clients),
                   options.seconds);
}

}  // namespace bench
