#include "worker.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace numpool_test {

namespace {

class NoSink : public LeaseSink {
 public:
  std::size_t began(const Event&, int) override { return ++last_; }
  void ended(std::size_t, Time, Time) override {}
  void broken(const std::string&) override {}  // the checker will see it

 private:
  std::size_t last_ = 0;
};

void nap(unsigned microseconds) {
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
}

}  // namespace

Habits calm_habits() {
  Habits habits;
  habits.weights = {{Step::kAcquire, 24},        {Step::kTryAcquire, 14},
                    {Step::kTicket, 8},          {Step::kRelease, 22},
                    {Step::kReleaseAll, 2},      {Step::kFence, 5},
                    {Step::kBegin, 8},           {Step::kSavepoint, 5},
                    {Step::kRollbackTo, 4},      {Step::kReleaseSavepoint, 1},
                    {Step::kEndTransaction, 10}, {Step::kFailStatement, 2},
                    {Step::kDisconnect, 1}};
  habits.expected = {"57014", "40P01", "22012"};
  return habits;
}

Worker::Worker(unsigned seed, const std::string& log_file, const std::vector<PoolUnderTest>& pools,
               const Habits& habits, RunBoard& board, int slot)
    : engine_(seed),
      log_(log_file),
      pools_(pools),
      habits_(habits),
      board_(board),
      slot_(board.slots[slot]),
      sink_(std::make_unique<NoSink>()),
      model_(*sink_, nullptr) {
  for (const auto& [step, weight] : habits.weights) total_weight_ += weight;
}

void Worker::run(const std::function<bool()>& goes_on) {
  try {
    while (goes_on()) {
      try {
        if (!session_) connect();
        step();
      } catch (const Lost&) {
        lost();
      }
      slot_.operations++;
    }
  } catch (const std::exception& error) {
    fault(std::string("stopped: ") + error.what());
  }
}

void Worker::connect() {
  const auto end = Clock::now() + kPatience;
  for (;;) {
    asked_ = now();
    try {
      session_.emplace("connect_timeout=100");
      break;
    } catch (const TestError&) {
      if (!habits_.loses_connections || Clock::now() > end) throw;
      nap(1000 + random(5000));
    }
  }
  slot_.channel[0] = '\0';
  slot_.backend = session_->pid();
  told_ = now();
  last_ticket_ = 0;
  note(Verb::kSession, session_->pid());
}

void Worker::lost() {
  slot_.backend = 0;
  session_.reset();
  asked_ = told_ = now();
  note(Verb::kLost);
  show(WorkerDoing::kNothing);
  if (!habits_.loses_connections) fault("lost its connection");
}

void Worker::disconnect() {
  if (!session_) return;
  board_.count(Mischief::kDisconnect);
  asked_ = now();
  slot_.backend = 0;
  if (random(2) == 0) session_->sever();
  session_.reset();
  told_ = now();
  note(Verb::kClose);
}

void Worker::finish() {
  if (session_) {
    asked_ = now();
    session_.reset();
    told_ = now();
    note(Verb::kClose);
  }
  slot_.backend = 0;
  show(WorkerDoing::kNothing);
}

void Worker::step() {
  if (board_.leave) {
    disconnect();
    while (board_.leave && !board_.over) nap(2000);
    return;
  }
  if (model_.failed()) return recover();
  static constexpr std::pair<Step, void (Worker::*)()> kActions[] = {
      {Step::kAcquire, &Worker::acquire},
      {Step::kTryAcquire, &Worker::try_acquire},
      {Step::kTicket, &Worker::use_ticket},
      {Step::kRelease, &Worker::release},
      {Step::kReleaseAll, &Worker::release_all},
      {Step::kFence, &Worker::check_fence},
      {Step::kBegin, &Worker::begin},
      {Step::kSavepoint, &Worker::savepoint},
      {Step::kReleaseSavepoint, &Worker::release_savepoint},
      {Step::kRollbackTo, &Worker::rollback_to},
      {Step::kEndTransaction, &Worker::end_transaction},
      {Step::kFailStatement, &Worker::fail_statement},
      {Step::kExceptionBlock, &Worker::exception_block},
      {Step::kDiscard, &Worker::discard},
      {Step::kSetTimeouts, &Worker::set_timeouts},
      {Step::kPause, &Worker::pause},
      {Step::kDisconnect, &Worker::disconnect}};
  unsigned pick = random(total_weight_);
  for (const auto& [step, action] : kActions) {
    const auto weight = habits_.weights.find(step);
    if (weight == habits_.weights.end()) continue;
    if (pick < weight->second) return (this->*action)();
    pick -= weight->second;
  }
}

void Worker::note(Event event) {
  event.asked = asked_;
  event.told = told_;
  log_.write(event);
  model_.apply(event);
  show(WorkerDoing::kNothing);
}

void Worker::show(WorkerDoing doing) {
  if (doing == WorkerDoing::kNothing && !model_.held().empty()) doing = WorkerDoing::kHolding;
  slot_.doing = doing;
}

void Worker::fault(const std::string& what) {
  log_.fault("pid " + std::to_string(model_.pid()) + " at " + std::to_string(now()) + ": " + what);
}

void Worker::send(const std::string& sql) {
  asked_ = now();
  try {
    session_->send(sql);
  } catch (const TestError&) {
    if (session_->connected()) throw;
    throw Lost();
  }
}

std::optional<Outcome> Worker::ask(const std::string& sql) {
  send(sql);
  return collect();
}

bool Worker::expects(const Outcome& outcome) const {
  const auto& expected = habits_.expected;
  if (std::find(expected.begin(), expected.end(), outcome.sqlstate) != expected.end()) return true;
  // PostgreSQL reports this when a function is dropped after the statement has been analysed.
  return habits_.pools_change && outcome.sqlstate == "XX000" &&
         outcome.message.rfind("cache lookup failed for function ", 0) == 0;
}

void Worker::failed(const Outcome& outcome) {
  if (!expects(outcome)) fault("failed with " + outcome.sqlstate + " " + outcome.message);
  Event event;
  event.verb = Verb::kError;
  const PGTransactionStatusType status = PQtransactionStatus(session_->handle());
  event.text = outcome.sqlstate +
               (status == PQTRANS_IDLE ? ":I" : (status == PQTRANS_INERROR ? ":E" : ":T"));
  note(event);
}

// A failed transaction can only be rolled back.
void Worker::recover() {
  const int depth = static_cast<int>(random(static_cast<unsigned>(model_.depth()) + 2));
  if (depth == 0) {
    if (ask("ROLLBACK")) note(Verb::kRollback);
  } else if (depth > model_.depth()) {
    if (ask("COMMIT")) note(Verb::kCommit);
  } else {
    if (ask("ROLLBACK TO s" + std::to_string(depth))) note(Verb::kRollbackTo, depth);
  }
}

void Worker::pause_and_cancel() {
  nap(random(2500));
  board_.count(Mischief::kSelfCancel);
  session_->cancel();
}

void Worker::note_acquire(int pool, bool transaction_scope, const Outcome& outcome) {
  Event event;
  event.verb = Verb::kAcquire;
  event.pool = pool;
  event.index = static_cast<int>(outcome.number().value_or(-1));
  if (event.index >= 0) event.fence = std::stoll(outcome.rows.at(0).at(1).value_or("0"));
  event.text = transaction_scope ? "transaction" : "session";
  note(event);
}

void Worker::acquire() {
  const int pool = random_pool();
  const bool transaction_scope = random(3) == 0;
  // A worker that holds something never waits for ever: no deadlock detector would see a circle
  // over two pools.
  const unsigned kind = random(10);
  std::string timeout = ", '" + std::to_string(random(6)) + " ms'";
  if (kind >= 7 && model_.held().empty()) timeout = "";
  const bool cancels = habits_.cancels_itself_one_in > 0 &&
                       random(static_cast<unsigned>(habits_.cancels_itself_one_in)) == 0;
  show(WorkerDoing::kSleeping);
  send("SELECT i, numpool_fence(" + quoted(pool) + ", i) FROM numpool_acquire" +
       (transaction_scope ? "_xact(" : "(") + quoted(pool) + timeout + ") AS i");
  if (cancels) pause_and_cancel();
  const auto outcome = collect();
  if (!outcome) return;
  note_acquire(pool, transaction_scope, *outcome);
  if (outcome->number()) check_delay(pool, *outcome->number());
}

void Worker::try_acquire() {
  const int pool = random_pool();
  const bool transaction_scope = random(3) == 0;
  const auto outcome =
      ask("SELECT i, numpool_fence(" + quoted(pool) + ", i) FROM numpool_try_acquire" +
          (transaction_scope ? "_xact(" : "(") + quoted(pool) + ") AS i");
  if (outcome) note_acquire(pool, transaction_scope, *outcome);
}

std::pair<int, int> Worker::random_holding() {
  auto chosen = model_.held().begin();
  std::advance(chosen, random(static_cast<unsigned>(model_.held().size())));
  return chosen->first;
}

void Worker::release() {
  if (model_.held().empty()) return try_acquire();
  const auto [pool, index] = random_holding();
  const auto outcome =
      ask("SELECT numpool_release(" + quoted(pool) + ", " + std::to_string(index) + ")");
  if (outcome) note({Verb::kRelease, pool, index, 0, 0, outcome->value().value_or("null"), 0, 0});
}

void Worker::release_all() {
  const auto outcome = ask("SELECT numpool_release_all()");
  if (outcome) note(Verb::kReleaseAll, static_cast<int>(outcome->number().value_or(-1)));
}

void Worker::check_fence() {
  const bool own = !model_.held().empty() && random(2) == 0;
  std::pair<int, int> key;
  if (own) {
    key = random_holding();
  } else {
    key.first = random_pool();
    key.second = static_cast<int>(
        random(static_cast<unsigned>(pools_[static_cast<std::size_t>(key.first)].size)));
  }
  const auto outcome =
      ask("SELECT numpool_fence(" + quoted(key.first) + ", " + std::to_string(key.second) + ")");
  if (outcome)
    note({Verb::kFence, key.first, key.second, outcome->number().value_or(0), 0, "", 0, 0});
}

void Worker::begin() {
  if (model_.in_transaction()) return try_acquire();
  if (ask("BEGIN")) note(Verb::kBegin);
}

void Worker::savepoint() {
  if (!model_.in_transaction() || model_.depth() > 5) return check_fence();
  const int depth = model_.depth() + 1;
  if (ask("SAVEPOINT s" + std::to_string(depth))) note(Verb::kSavepoint, depth);
}

void Worker::release_savepoint() {
  if (model_.depth() < 1) return check_fence();
  const int depth = 1 + static_cast<int>(random(static_cast<unsigned>(model_.depth())));
  board_.count(Mischief::kReleaseSavepoint);
  if (ask("RELEASE SAVEPOINT s" + std::to_string(depth))) note(Verb::kReleaseSavepoint, depth);
}

void Worker::rollback_to() {
  if (model_.depth() < 1) return check_fence();
  const int depth = 1 + static_cast<int>(random(static_cast<unsigned>(model_.depth())));
  board_.count(Mischief::kRollbackTo);
  if (ask("ROLLBACK TO s" + std::to_string(depth))) note(Verb::kRollbackTo, depth);
}

void Worker::end_transaction() {
  if (!model_.in_transaction()) return begin();
  if (random(3) == 0) {
    board_.count(Mischief::kRollback);
    if (ask("ROLLBACK")) note(Verb::kRollback);
  } else {
    if (ask("COMMIT")) note(Verb::kCommit);
  }
}

// What a statement did before it failed counts as not done. NB: PostgreSQL evaluates an expression
// of constants early, so it would fail before anything was called.
void Worker::fail_statement() {
  board_.count(Mischief::kFailingStatement);
  std::string call = "numpool_try_acquire(" + quoted(random_pool()) + ")";
  if (!model_.held().empty() && random(2) == 0) {
    const auto [pool, index] = random_holding();
    call = "numpool_release(" + quoted(pool) + ", " + std::to_string(index) + ")::int";
  }
  if (ask("SELECT 1 / (0 * coalesce(" + call + ", 0))")) fault("a division by zero worked");
}

void Worker::exception_block() {
  board_.count(Mischief::kExceptionBlock);
  if (random(2) == 0) return catch_inside();
  const int pool = random_pool();
  const auto outcome = ask("SELECT i, numpool_fence(" + quoted(pool) +
                           ", i) FROM torture_second_try(" + quoted(pool) + ") AS i");
  if (outcome) note_acquire(pool, false, *outcome);
}

// Nothing of what the block did remains.
void Worker::catch_inside() {
  std::string call = "numpool_try_acquire(" + quoted(random_pool()) + ")";
  const unsigned kind = random(3);
  if (kind == 0) call = "numpool_acquire(" + quoted(random_pool()) + ", '3 ms')";
  if (kind == 1 && !model_.held().empty()) {
    const auto [pool, index] = random_holding();
    call = "numpool_release(" + quoted(pool) + ", " + std::to_string(index) + ")";
  }
  const auto outcome = ask("DO $$ BEGIN PERFORM " + call +
                           "; PERFORM 1/0; EXCEPTION WHEN division_by_zero THEN NULL; END $$");
  if (outcome) note(Verb::kAlive);
}

void Worker::discard() {
  if (model_.in_transaction()) return end_transaction();
  board_.count(Mischief::kDiscard);
  if (ask("DISCARD ALL")) note(Verb::kDiscard);
}

void Worker::set_timeouts() {
  const unsigned statement = random(2) == 0 ? 0 : 2 + random(6);
  const unsigned lock = random(2) == 0 ? 0 : 1 + random(5);
  board_.count(Mischief::kTimeout);
  const auto outcome =
      ask("SELECT set_config('statement_timeout', '" + std::to_string(statement) +
          "', false), set_config('lock_timeout', '" + std::to_string(lock) + "', false)");
  if (outcome) note(Verb::kAlive);
}

void Worker::pause() {
  nap(random(3000));
}

}  // namespace numpool_test
