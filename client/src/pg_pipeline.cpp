#include "pg_pipeline.hpp"

#include <utility>

namespace numpool::detail {

bool pipeline::send(connection& to, std::shared_ptr<operation> op, const std::string& schema) {
  request message = op->message();
  if (message.what->marked) message.values.at(message.count++) = to.mark().c_str();
  outstanding_.push_back({std::move(op), {}});
  return to.send(message, schema, &outstanding_.back().preparing);
}

std::optional<pipeline::answer> pipeline::next(connection& from) {
  int nothing = 0;  // one null ends the results of a statement, a second one all there are
  while (nothing < 2 && !outstanding_.empty() && PQisBusy(from.handle()) == 0) {
    result part(PQgetResult(from.handle()));
    if (!part) {
      ++nothing;
      continue;
    }
    nothing = 0;
    switch (PQresultStatus(part.get())) {
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK:
        any_success_ = true;
        value_ = std::move(part);
        break;
      case PGRES_PIPELINE_SYNC:
        return finish_oldest(from);
      case PGRES_PIPELINE_ABORTED:
        break;  // what follows a failed PREPARE; its error is the one to report
      default:
        if (from.note_last_words(part.get())) return std::nullopt;  // no answer: the session ended
        if (!failure_) failure_ = error_from(part);
    }
  }
  return std::nullopt;
}

pipeline::answer pipeline::finish_oldest(connection& from) {
  entry oldest = std::move(outstanding_.front());
  outstanding_.pop_front();
  from.prepared(oldest.preparing, any_success_);
  any_success_ = false;
  return {std::move(oldest.op), std::move(value_), std::exchange(failure_, std::nullopt)};
}

const statement* pipeline::oldest() const {
  if (outstanding_.empty() || !outstanding_.front().op) return nullptr;
  return outstanding_.front().op->message().what;
}

std::vector<std::shared_ptr<operation>> pipeline::take_all() {
  std::vector<std::shared_ptr<operation>> out;
  for (entry& waiting : outstanding_) {
    if (!waiting.op) continue;
    const std::size_t before = out.size();
    waiting.op->take_apart(out);
    if (out.size() == before) out.push_back(std::move(waiting.op));
  }
  return out;
}

}  // namespace numpool::detail
