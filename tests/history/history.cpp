#include "history.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>

namespace numpool_test {

namespace {

bool read_count(std::istream& in, History& history) {
  Count row;
  in >> row.pool >> row.size >> row.in_use >> row.free >> row.waiting >> row.taken >> row.asked >>
      row.told;
  if (in) history.counts.push_back(row);
  return static_cast<bool>(in);
}

bool read_queue(std::istream& in, History& history) {
  Queue row;
  in >> row.pool >> row.asked >> row.told;
  if (!in) return false;
  std::pair<int, std::int64_t> waiter;
  char colon = 0;
  while (in >> waiter.first >> colon >> waiter.second) row.waiters.push_back(waiter);
  history.queues.push_back(row);
  return true;
}

bool is_of_a_session(Verb verb) {
  return verb < Verb::kWipe;
}

// Calls `use` for each whole line. A line for which it returns false is a fault.
void each_line(const std::string& file, History& history,
               const std::function<bool(const std::string&)>& use) {
  std::ifstream in(file);
  if (!in) history.faults.push_back("cannot read " + file);
  std::string line;
  while (std::getline(in, line)) {
    if (in.eof()) break;  // no end of line
    if (!use(line)) history.faults.push_back(file + ": no event: " + line);
  }
}

class Collector : public LeaseSink {
 public:
  Collector(History& history, int log) : history_(history), log_(log) {}

  std::size_t began(const Event& grant, int pid) override {
    Lease lease;
    lease.pool = grant.pool;
    lease.index = grant.index;
    lease.fence = grant.fence;
    lease.pid = pid;
    lease.ticket = grant.ticket;
    lease.asked = grant.asked;
    lease.told = grant.told;
    lease.log = log_;
    history_.leases.push_back(lease);
    return history_.leases.size() - 1;
  }

  void ended(std::size_t lease, Time asked, Time told) override {
    Lease& one = history_.leases[lease];
    if (one.end_asked != kNever) return;
    one.end_asked = asked;
    one.end_told = told;
  }

  void broken(const std::string& what) override { history_.broken.push_back(what); }

 private:
  History& history_;
  int log_;
};

// Handles lines that do not depend on a session. False if the line is none of these.
bool read_bystander(const std::string& line, const Event& event, bool is_event, History& history) {
  if (is_event) {
    switch (event.verb) {
      case Verb::kWipe:
        history.wipes.add(event.pool, event.asked, event.told);
        if (event.text == kUnused)
          history.unused_drops.push_back({event.pool, event.asked, event.told});
        break;
      case Verb::kReset:
        history.wipes.add(Wipes::kEveryPool, event.asked, event.told);
        history.resets.push_back({event.asked, event.told});
        break;
      case Verb::kDeath:
        history.deaths.push_back({event.text, event.index, event.asked, event.told});
        break;
      case Verb::kFault:
        history.faults.push_back(event.text);
        break;
      default:
        break;
    }
    return true;
  }
  std::istringstream in(line);
  std::string word;
  in >> word;
  return (word == "count" && read_count(in, history)) ||
         (word == "queue" && read_queue(in, history));
}

}  // namespace

void History::read(const std::vector<std::string>& files) {
  logs = files;
  Event event;
  for (const std::string& file : files)
    each_line(file, *this, [&](const std::string& line) {
      events++;
      return read_bystander(line, event, from_line(line, &event), *this);
    });
  wipes.sort();
  std::sort(resets.begin(), resets.end(),
            [](const Wipes::Span& a, const Wipes::Span& b) { return a.asked < b.asked; });
  for (std::size_t log = 0; log < files.size(); log++) {
    Collector collector(*this, static_cast<int>(log));
    SessionModel model(collector, &wipes);
    each_line(files[log], *this, [&](const std::string& line) {
      if (!from_line(line, &event) || !is_of_a_session(event.verb)) return true;
      model.apply(event);
      // A waiter who was told his ticket is in the queue from then on.
      if (event.verb == Verb::kEnqueue && event.index < 0)
        queues.push_back({event.pool, event.told, event.told, {{model.pid(), event.ticket}}});
      return true;
    });
    model.end_of_log();
  }
}

}  // namespace numpool_test
