#include "log.h"

#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>

namespace numpool_test {

Log::Log(const std::string& file)
    : file_(open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (file_ < 0) throw std::runtime_error("cannot write " + file);
}

Log::~Log() {
  close(file_);
}

void Log::write(const std::string& line) {
  const std::string text = line + '\n';
  if (::write(file_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("cannot write the log");
}

void Log::fault(const std::string& what) {
  std::string text = what;
  for (char& c : text)
    if (c == '\n') c = ' ';
  Event event;
  event.verb = Verb::kFault;
  event.text = text;
  write(event);
}

}  // namespace numpool_test
