#include "torture/operate/party.h"

#include <thread>

namespace numpool_test::operate {

void Party::connect() {
  while (!session_) {
    connected_ = now();
    try {
      session_.emplace("connect_timeout=100 user=" + name_of(role_));
      pid_ = session_->pid();
    } catch (const TestError&) {
      std::this_thread::sleep_for(20ms);
    }
  }
}

void Party::disconnect() {
  pid_ = 0;
  session_.reset();
}

Outcome Party::run_statement(const std::string& sql) {
  ++operations_;
  Outcome outcome;
  try {
    outcome = session_->run(sql, 300s);
  } catch (const TestError& error) {
    if (std::string(error.what()).find("in time") != std::string::npos)
      log_.surprise(sql + ": " + error.what());
    outcome = {};
    outcome.sqlstate = "lost";
  }
  if (!outcome.ok) ++log_.refusals[outcome.sqlstate];
  return outcome;
}

// A crash, a termination, a server that starts.
bool Party::lost_by(const Outcome& outcome) const {
  const std::string& state = outcome.sqlstate;
  return state == "lost" || state.compare(0, 2, "57") == 0 || state.compare(0, 2, "08") == 0 ||
         !session_->connected();
}

void Party::surprise(const std::string& sql, const Outcome& outcome) {
  log_.surprise(sql + ": " + outcome.sqlstate + " " + outcome.message);
}

void Party::nap(Time most) {
  if (most > 1000)
    std::this_thread::sleep_for(std::chrono::nanoseconds(below(static_cast<int>(most))));
}

}  // namespace numpool_test::operate
