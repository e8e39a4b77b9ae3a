// What bash completes, and whom it asks for the names of pools.
#include <doctest/doctest.h>

#include "program.h"

using namespace numpool_test;

namespace {

// Completes the line that the words of readline make; "numpool list" is played, and first in what
// is returned are its arguments.
std::string completed(const std::string& line, const Words& readline_words) {
  const std::string script = R"(
    source client/completion/numpool
    numpool() { printf 'asked:%s;' "$@" >&3; printf 'gpu\nports\na:b\n'; }
    COMP_LINE=$1
    shift
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    exec 3>&1
    _numpool numpool "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    echo "${COMPREPLY[*]}")";
  Words command{"bash", "-c", script, "bash", line};
  command.insert(command.end(), readline_words.begin(), readline_words.end());
  Program bash(command);
  CHECK(bash.wait() == 0);
  CHECK(bash.err() == "");
  return bash.out();
}

// The same, broken into words at blanks only.
std::string completed(const std::string& line) {
  Words words(1);
  for (const char c : line) {
    if (c == ' ')
      words.emplace_back();
    else
      words.back() += c;
  }
  return completed(line, words);
}

const std::string kNamesAsked = "asked:list;asked:--connect-timeout;asked:0;";

}  // namespace

TEST_CASE("completion: names of pools, of the server that the line names") {
  CHECK(completed("numpool sta") == "status\n");
  CHECK(completed("numpool status g") == kNamesAsked + "asked:g;gpu ports a:b\n");
  const std::string asks_there = kNamesAsked + "asked:--url;asked:host=a dbname=b;asked:g;";
  CHECK(completed("numpool --url 'host=a dbname=b' status g",
                  {"numpool", "--url", "'host=a dbname=b'", "status", "g"}) ==
        asks_there + "gpu ports a:b\n");
  CHECK(completed("numpool status --url \"host=a dbname=b\" g",
                  {"numpool", "status", "--url", "\"host=a dbname=b\"", "g"}) ==
        asks_there + "gpu ports a:b\n");
  // As readline breaks it.
  CHECK(completed("numpool --url=postgresql://h/app drop p",
                  {"numpool", "--url", "=", "postgresql", ":", "//h/app", "drop", "p"}) ==
        kNamesAsked + "asked:--url;asked:postgresql://h/app;asked:p;gpu ports a:b\n");
}

TEST_CASE("completion: no names where the server is not known, nor where none belongs") {
  CHECK(completed("numpool --url $URL status g") == "\n");
  CHECK(completed("numpool --url ") == "\n");
  CHECK(completed("numpool run --ttl ") == "\n");
  CHECK(completed("numpool resize gpu ") == "\n");
  CHECK(completed("numpool run gpu -- p") == "\n");
  CHECK(completed("numpool metadata g") == "get\n");
  CHECK(completed("numpool run --ttl 3s p") == kNamesAsked + "asked:p;gpu ports a:b\n");
}
