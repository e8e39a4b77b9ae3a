#include "event.h"

#include <iterator>
#include <sstream>

namespace numpool_test {

namespace {

// In the order of Verb.
const char* const kNames[] = {"session",
                              "acquire",
                              "enqueue",
                              "granted",
                              "cancel",
                              "release",
                              "release_all",
                              "fence",
                              "begin",
                              "savepoint",
                              "release_savepoint",
                              "rollback_to",
                              "commit",
                              "rollback",
                              "discard",
                              "alive",
                              "error",
                              "lost",
                              "close",
                              "wipe",
                              "reset",
                              "death",
                              "fault"};
static_assert(std::size(kNames) == static_cast<std::size_t>(Verb::kFault) + 1);

}  // namespace

std::string to_line(const Event& event) {
  std::string line = kNames[static_cast<std::size_t>(event.verb)];
  if (event.verb == Verb::kFault) return line + ' ' + event.text;
  for (const std::int64_t number :
       {std::int64_t{event.pool}, std::int64_t{event.index}, event.fence, event.ticket})
    line += ' ' + std::to_string(number);
  line += ' ' + (event.text.empty() ? "-" : event.text);
  return line + ' ' + std::to_string(event.asked) + ' ' + std::to_string(event.told);
}

bool from_line(const std::string& line, Event* event) {
  std::istringstream in(line);
  std::string word;
  in >> word;
  *event = Event();
  std::size_t verb = 0;
  while (verb < std::size(kNames) && word != kNames[verb]) verb++;
  if (verb == std::size(kNames)) return false;
  event->verb = static_cast<Verb>(verb);
  if (event->verb == Verb::kFault) {
    std::getline(in >> std::ws, event->text);
    return true;
  }
  in >> event->pool >> event->index >> event->fence >> event->ticket >> event->text >>
      event->asked >> event->told;
  if (event->text == "-") event->text.clear();
  return static_cast<bool>(in) && event->asked <= event->told;
}

}  // namespace numpool_test
