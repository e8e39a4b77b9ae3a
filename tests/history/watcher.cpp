#include "watcher.h"

namespace numpool_test {

Watcher::Watcher(const std::string& log_file, const std::vector<PoolUnderTest>& pools,
                 bool tolerant)
    : log_(log_file), pools_(pools), tolerant_(tolerant) {}

std::optional<Outcome> Watcher::ask(const std::string& sql) {
  try {
    if (!session_) session_.emplace("connect_timeout=100");
    Outcome outcome = session_->run(sql, 300s);
    if (!session_->connected()) session_.reset();
    if (outcome.ok) return outcome;
    if (!tolerant_) log_.fault("the watcher's statement failed: " + outcome.message);
  } catch (const TestError& error) {
    session_.reset();
    // NB: a statement without an answer is a hang, whatever may fail.
    if (!tolerant_ || std::string(error.what()) == "no answer in time") log_.fault(error.what());
  }
  return std::nullopt;
}

void Watcher::look() {
  for (std::size_t pool = 0; pool < pools_.size(); pool++) look_at(pool);
}

void Watcher::look_at(std::size_t pool) {
  const std::string where = " WHERE pool = '" + pools_[pool].name + "'";
  Time asked = now();
  if (const auto count =
          ask("SELECT size, in_use, free, waiting, bit_count(bitmap) FROM numpool_pools" + where)) {
    if (!count->rows.empty()) {
      std::string line = "count " + std::to_string(pool);
      for (const Field& field : count->rows.at(0)) line += ' ' + *field;
      log_.write(line + ' ' + std::to_string(asked) + ' ' + std::to_string(now()));
    }
  }
  asked = now();
  const auto queue = ask("SELECT coalesce(pid, 0), coalesce(ticket, 0) FROM numpool_waiters" +
                         where + " ORDER BY position");
  if (!queue || queue->rows.empty()) return;
  std::string line =
      "queue " + std::to_string(pool) + ' ' + std::to_string(asked) + ' ' + std::to_string(now());
  for (const auto& row : queue->rows) line += ' ' + *row[0] + ':' + *row[1];
  log_.write(line);
}

}  // namespace numpool_test
