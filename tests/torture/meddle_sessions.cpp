// Cancels and terminates workers' sessions, whatever they are doing.
#include "torture/meddler.h"

namespace numpool_test {

namespace {

class SessionMeddler : public Meddler {
 public:
  using Meddler::Meddler;

 private:
  void meddle_once() override {
    nap(6);
    const WorkerSlot& slot = board_.slots[random(static_cast<unsigned>(mix_.workers))];
    const int backend = slot.backend;
    if (backend == 0) return;
    const bool terminate = random(8) == 0;
    const WorkerDoing doing = slot.doing;
    const Time asked = now();
    const auto outcome =
        ask(std::string("SELECT ") + (terminate ? "pg_terminate_backend(" : "pg_cancel_backend(") +
            std::to_string(backend) + ")");
    if (!outcome || outcome->value() != "t") return;
    board_.count(terminate ? Mischief::kTerminate : Mischief::kCancel);
    if (!terminate) return;
    const char* what = doing == WorkerDoing::kHolding     ? "terminate-holding"
                       : doing == WorkerDoing::kSleeping  ? "terminate-sleeping"
                       : doing == WorkerDoing::kListening ? "terminate-listening"
                                                          : "terminate-idle";
    log_.write({Verb::kDeath, 0, backend, 0, 0, what, asked, asked});
  }

  // A pid may have become that of this very session.
  bool expects(const Outcome& outcome) const override {
    return outcome.sqlstate == "57014" || outcome.sqlstate == "57P01" || outcome.sqlstate == "lost";
  }
};

}  // namespace

std::unique_ptr<Meddler> make_session_meddler(const Mix& mix, unsigned seed,
                                              const std::string& log_file, RunBoard& board) {
  return std::make_unique<SessionMeddler>(mix, seed, log_file, board);
}

}  // namespace numpool_test
