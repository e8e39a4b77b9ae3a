#include "history.h"

#include <fstream>
#include <map>
#include <sstream>
#include <tuple>

namespace numpool_test {

namespace {

using LeaseKey = std::tuple<int, int, std::int64_t>;  // pool, index, fence

class Reader {
 public:
  explicit Reader(History& history) : history_(history) {}

  // False if the line is no event.
  bool line(const std::string& text) {
    std::istringstream in(text);
    std::string word;
    in >> word;
    if (word == "grant") return grant(in);
    if (word == "end") return end(in);
    if (word == "count") return count(in);
    if (word == "queue") return queue(in);
    if (word != "fault") return false;
    std::string what;
    std::getline(in, what);
    history_.faults.push_back(what);
    return true;
  }

 private:
  bool grant(std::istream& in) {
    Lease lease;
    in >> lease.pool >> lease.index >> lease.fence >> lease.pid >> lease.ticket >> lease.asked >>
        lease.told;
    if (!in) return false;
    open_[{lease.pool, lease.index, lease.fence}] = history_.leases.size();
    history_.leases.push_back(lease);
    return true;
  }

  bool end(std::istream& in) {
    LeaseKey key;
    Time asked = 0, told = 0;
    in >> std::get<0>(key) >> std::get<1>(key) >> std::get<2>(key) >> asked >> told;
    if (!in) return false;
    const auto found = open_.find(key);
    if (found == open_.end()) return false;
    history_.leases[found->second].end_asked = asked;
    history_.leases[found->second].end_told = told;
    open_.erase(found);
    return true;
  }

  bool count(std::istream& in) {
    Count row;
    in >> row.pool >> row.size >> row.in_use >> row.free >> row.waiting >> row.asked >> row.told;
    if (in) history_.counts.push_back(row);
    return static_cast<bool>(in);
  }

  bool queue(std::istream& in) {
    Queue row;
    in >> row.pool >> row.asked >> row.told;
    if (!in) return false;
    std::pair<int, std::int64_t> waiter;
    char colon = 0;
    while (in >> waiter.first >> colon >> waiter.second) row.waiters.push_back(waiter);
    history_.queues.push_back(row);
    return true;
  }

  History& history_;
  std::map<LeaseKey, std::size_t> open_;
};

}  // namespace

void History::read(const std::string& file) {
  std::ifstream in(file);
  if (!in) faults.push_back("cannot read " + file);
  Reader reader(*this);
  std::string text;
  while (std::getline(in, text))
    if (!reader.line(text)) faults.push_back(file + ": no event, or an end of no lease: " + text);
}

}  // namespace numpool_test
