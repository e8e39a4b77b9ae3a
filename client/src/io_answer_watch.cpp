#include "io_answer_watch.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "pg_statement.hpp"

namespace numpool::detail {

namespace {

/// After how long a backend that does something else is looked at again.
constexpr std::chrono::milliseconds kAgain{1000};

/// The part of the text that is as the server shows it, whatever the schema.
std::string beginning_of(const statement* what) {
  if (what == nullptr) return "";
  const std::string text = what->sql;
  return text.substr(0, text.find("{}"));
}

}  // namespace

answer_watch::answer_watch(milliseconds interval, milliseconds limit)
    : interval_(interval), limit_(limit) {}

void answer_watch::heard() {
  heard_at_ = shown_at_ = clock::now();
  next_look_ = heard_at_ + interval_;
  suspected_since_.reset();
  question_.reset();
}

answer_watch::clock::time_point answer_watch::next_event() const {
  return question_ ? question_->until() : next_look_;
}

void answer_watch::look(const connection_parameters& there, int backend, const statement* oldest) {
  const auto now = clock::now();
  if (!may_ask(now)) return;
  const auto least = std::chrono::floor<milliseconds>(now - heard_at_) - limit_ / 2;
  ask(there, kBackendIsAtWork,
      {std::to_string(backend), std::to_string(least.count()), beginning_of(oldest)});
}

void answer_watch::look(const connection_parameters& there, const std::string& signature) {
  if (may_ask(clock::now())) ask(there, kStatementIsAtWork, {signature});
}

void answer_watch::ask(const connection_parameters& there, const char* sql,
                       std::vector<std::string> values) {
  // The second one is for a client that did not run for a while.
  const auto until = std::max(shown_at_ + interval_ + limit_, clock::now() + limit_ / 3);
  question_.emplace(there, sql, std::move(values), until);
}

answer_watch::verdict answer_watch::go_on(bool socket_ready, bool behind_pooler) {
  const auto outcome = question_->go_on(socket_ready);
  using is = side_question::outcome;
  if (outcome == is::pending) return verdict::fine;
  const bool pooler_is_full = behind_pooler && outcome == is::silent && question_->asked();
  const bool is_there = question_->says(0), is_at_work = question_->says(1);
  question_.reset();
  if (outcome == is::silent && !pooler_is_full) return verdict::server_silent;
  const bool answered = outcome == is::answered;
  if (answered && !is_there) return verdict::backend_gone;
  // A server that would not answer has not refuted what was seen before.
  if (answered ? !is_at_work : suspected_since_.has_value()) return suspect();
  shown_at_ = clock::now();
  next_look_ = shown_at_ + interval_;
  suspected_since_.reset();
  return verdict::fine;
}

answer_watch::verdict answer_watch::suspect() {
  const auto now = clock::now();
  if (!suspected_since_) suspected_since_ = now;
  if (now - shown_at_ >= limit_ && now - *suspected_since_ >= limit_ / 2)
    return verdict::answer_lost;
  next_look_ = now + std::min(kAgain, interval_);
  return verdict::fine;
}

const char* reason_of(answer_watch::verdict why) {
  switch (why) {
    case answer_watch::verdict::backend_gone:
      return "the server's end of the connection is gone";
    case answer_watch::verdict::answer_lost:
      return "the server is not at work on what it was asked, and no answer comes";
    default:
      return "the server does not answer";
  }
}

}  // namespace numpool::detail
