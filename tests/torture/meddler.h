// The process that disturbs the others through SQL, on connections of its own.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "torture/mix.h"

namespace numpool_test {

// Runs until the board says that it is over. `seconds` is how long that will be.
void meddle(const Mix& mix, unsigned seed, const std::string& log_file, RunBoard& board,
            int seconds);

// What all kinds of meddling have in common.
class Meddler {
 public:
  Meddler(const Mix& mix, unsigned seed, const std::string& log_file, RunBoard& board)
      : mix_(mix), engine_(seed), log_(log_file), board_(board) {}
  virtual ~Meddler() = default;
  void run();

 protected:
  virtual void meddle_once() = 0;
  virtual void finish() {}
  // SQLSTATEs that a statement may end with; the others are faults.
  virtual bool expects(const Outcome& outcome) const = 0;

  // nullopt if it failed, or if there is no connection.
  std::optional<Outcome> ask(const std::string& sql);
  bool did(const std::string& sql) { return ask(sql).has_value(); }
  void rollback() { ask("ROLLBACK"); }
  void nap(unsigned most_milliseconds);
  unsigned random(unsigned below) { return static_cast<unsigned>(engine_() % below); }
  // From `asked` till now every lease of the pool may have ended.
  void wiped(int pool, Time asked);
  // The same, of a drop that was accepted because nobody held anything.
  void wiped_unused(int pool, Time asked);
  void event(Verb verb, int pool, Time asked, const char* text = "");

  const Mix& mix_;
  std::mt19937 engine_;
  Log log_;
  RunBoard& board_;
  std::optional<Session> session_;
};

std::unique_ptr<Meddler> make_session_meddler(const Mix& mix, unsigned seed,
                                              const std::string& log_file, RunBoard& board);
std::unique_ptr<Meddler> make_definition_meddler(const Mix& mix, unsigned seed,
                                                 const std::string& log_file, RunBoard& board);
std::unique_ptr<Meddler> make_resource_meddler(const Mix& mix, unsigned seed,
                                               const std::string& log_file, RunBoard& board,
                                               bool fill_queue);

}  // namespace numpool_test
