#include "meddler.h"

#include <thread>

namespace numpool_test {

void Meddler::run() {
  while (!board_.over) meddle_once();
  finish();
}

std::optional<Outcome> Meddler::ask(const std::string& sql) {
  try {
    if (!session_) session_.emplace("connect_timeout=100");
    Outcome outcome = session_->run(sql, 300s);
    if (!session_->connected()) session_.reset();
    if (outcome.ok) return outcome;
    if (!session_ && mix_.habits.loses_connections) return std::nullopt;
    if (!expects(outcome))
      log_.fault("meddler: " + outcome.sqlstate + " " + outcome.message + ": " + sql);
  } catch (const TestError& error) {
    session_.reset();
    // NB: a statement without an answer is a hang, whatever may fail.
    if (std::string(error.what()) == "no answer in time")
      log_.fault("meddler: " + std::string(error.what()) + ": " + sql);
    std::this_thread::sleep_for(10ms);
  }
  return std::nullopt;
}

void Meddler::nap(unsigned most_milliseconds) {
  std::this_thread::sleep_for(std::chrono::microseconds(random(most_milliseconds * 1000)));
}

void Meddler::event(Verb verb, int pool, Time asked, const char* text) {
  log_.write({verb, pool, 0, 0, 0, text, asked, now()});
}

void Meddler::wiped(int pool, Time asked) {
  event(Verb::kWipe, pool, asked);
}

void Meddler::wiped_unused(int pool, Time asked) {
  event(Verb::kWipe, pool, asked, kUnused);
}

void meddle(const Mix& mix, unsigned seed, const std::string& log_file, RunBoard& board,
            int seconds) {
  std::unique_ptr<Meddler> meddler;
  if (mix.meddling == Meddling::kSessions)
    meddler = make_session_meddler(mix, seed, log_file, board);
  if (mix.meddling == Meddling::kDefinitions || mix.meddling == Meddling::kExtension)
    meddler = make_definition_meddler(mix, seed, log_file, board);
  // To fill the NOTIFY queue takes 8 GB and a minute.
  if (mix.meddling == Meddling::kResources)
    meddler = make_resource_meddler(mix, seed, log_file, board, seconds >= 300);
  if (meddler) meddler->run();
}

}  // namespace numpool_test
