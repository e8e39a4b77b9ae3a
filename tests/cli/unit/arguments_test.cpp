#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/failure.hpp"

using namespace numpool::cli;
using words = std::vector<std::string>;
using std::chrono::milliseconds;

namespace {

std::string refusal(const words& w) {
  try {
    parse_arguments(w);
    return "accepted";
  } catch (const failure& e) {
    CHECK(e.code() == kUsage);
    return e.what();
  }
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("run takes its command word for word") {
  const words command{"--", "[a,b]", "", "--timeout", "%%", "-x", "list"};
  words all{"run", "gpu", "--create", "4", "--timeout=2m", "--grace", "500ms", "--"};
  all.insert(all.end(), command.begin(), command.end());
  const arguments args = parse_arguments(all);
  CHECK(args.what == verb::run);
  CHECK(args.pool == "gpu");
  CHECK(args.create == 4);
  CHECK(args.timeout == milliseconds(120000));
  CHECK(args.grace == milliseconds(500));
  CHECK(args.command == command);
}

TEST_CASE("run's defaults") {
  const arguments args = parse_arguments({"--url", "host=x", "run", "gpu", "--", "true"});
  CHECK(args.url == "host=x");
  CHECK(!args.create);
  CHECK(!args.timeout);
  CHECK(args.grace == milliseconds(10000));
}

TEST_CASE("run's ephemeral pool") {
  const auto ephemeral = [](const words& options) {
    words all{"run"};
    all.insert(all.end(), options.begin(), options.end());
    all.insert(all.end(), {"--", "true"});
    return parse_arguments(all);
  };
  CHECK(!ephemeral({"gpu", "--create", "2"}).ephemeral);
  // A word behind it is none of its own.
  CHECK(ephemeral({"--create", "2", "--ephemeral", "gpu"}).pool == "gpu");
  CHECK(ephemeral({"--create", "2", "--ephemeral", "gpu"}).ephemeral == milliseconds(3600000));
  CHECK(ephemeral({"gpu", "--ephemeral=1.5s", "--create=2"}).ephemeral == milliseconds(1500));
  CHECK(ephemeral({"gpu", "--ephemeral=720h", "--create=2"}).ephemeral == std::chrono::hours(720));
  CHECK(contains(refusal({"run", "gpu", "--ephemeral", "--", "true"}), "--create"));
  for (const char* time : {"999ms", "721h"})
    CHECK(contains(
        refusal({"run", "gpu", "--create", "2", std::string("--ephemeral=") + time, "--", "true"}),
        "between 1s and 30 days"));
  for (const char* time : {"5x", "false", "-1s"})
    CHECK(contains(
        refusal({"run", "gpu", "--create", "2", std::string("--ephemeral=") + time, "--", "true"}),
        "not a duration"));
}

TEST_CASE("run's lease by token") {
  const arguments args = parse_arguments({"run", "gpu", "--ttl", "30s", "--holder", "jane, desk 7",
                                          "--transaction-pooling", "--", "true"});
  CHECK(args.ttl == milliseconds(30000));
  CHECK(args.holder == "jane, desk 7");
  CHECK(args.transaction_pooling);
  CHECK(contains(refusal({"run", "gpu", "--holder", "me", "--", "true"}), "--ttl"));
  CHECK(contains(refusal({"run", "gpu", "--transaction-pooling", "--", "true"}), "--ttl"));
  CHECK(contains(refusal({"wait", "gpu", "--ttl", "1s"}), "--ttl"));
}

TEST_CASE("a pool may have any name") {
  for (const char* name :
       {"run", "list", "--help", "-x", "--", "[a,b]", "a b", "\"q\"", "'", "%_"}) {
    CAPTURE(name);
    const arguments args = parse_arguments({"create", "--", name, "4"});
    CHECK(args.what == verb::create);
    CHECK(args.pool == name);
    CHECK(args.size == 4);
  }
}

TEST_CASE("wrong words") {
  CHECK(contains(refusal({}), "subcommand"));
  CHECK(contains(refusal({"nonsense"}), "there is no subcommand \"nonsense\""));
  CHECK(contains(refusal({"create"}), "POOL"));
  CHECK(contains(refusal({"create", "gpu"}), "SIZE"));
  CHECK(contains(refusal({"create", "", "4"}), "not empty"));
  for (const char* size : {"0", "65537", "-1", "4.0", "4x", "", "1e3", "99999999999999999999"}) {
    CAPTURE(size);
    CHECK(refusal({"create", "--", "gpu", size}) != "accepted");
    CHECK(refusal({"resize", "--", "gpu", size}) != "accepted");
    CHECK(refusal({"run", "gpu", std::string("--create=") + size, "--", "true"}) != "accepted");
  }
  CHECK(contains(refusal({"create", "gpu", "4", "5"}), "5"));
  CHECK(contains(refusal({"run", "gpu"}), "after --"));
  CHECK(contains(refusal({"run", "gpu", "--"}), "after --"));
  CHECK(contains(refusal({"run", "gpu", "true"}), "true"));
  CHECK(contains(refusal({"run", "--", "true"}), "POOL"));
  CHECK(contains(refusal({"run", "gpu", "--timeout", "5x", "--", "true"}), "not a duration"));
  CHECK(contains(refusal({"run", "gpu", "--grace=-1", "--", "true"}), "not a duration"));
  CHECK(contains(refusal({"top", "--interval", "1ms"}), "50ms"));
  CHECK(contains(refusal({"metadata"}), "subcommand"));
  CHECK(contains(refusal({"metadata", "set", "gpu"}), "--none"));
  CHECK(contains(refusal({"metadata", "set", "gpu", "1", "--none"}), "excludes"));
  CHECK(contains(refusal({"status", "--nonsense"}), "--nonsense"));
}

TEST_CASE("the largest and the smallest size") {
  CHECK(parse_arguments({"create", "gpu", "1"}).size == 1);
  CHECK(parse_arguments({"create", "gpu", "65536"}).size == 65536);
}

TEST_CASE("help everywhere, with examples") {
  const std::vector<words> all{{},           {"setup"}, {"create"},          {"drop"},
                               {"resize"},   {"list"},  {"status"},          {"top"},
                               {"wait"},     {"run"},   {"metadata", "get"}, {"metadata", "set"},
                               {"metadata"}, {"lease"}, {"renew"},           {"release"}};
  for (words w : all) {
    w.emplace_back("--help");
    const arguments args = parse_arguments(w);
    CAPTURE(args.text);
    CHECK(args.what == verb::none);
    CHECK(contains(args.text, "Usage:"));
    CHECK(contains(args.text, "Examples:\n  numpool "));
  }
  // --help behind -- is the command's.
  CHECK(parse_arguments({"run", "gpu", "--", "ls", "--help"}).what == verb::run);
}

TEST_CASE("a lease for a time") {
  const arguments args = parse_arguments({"lease", "gpu", "--ttl", "2h", "--holder", "[a,b]"});
  CHECK(args.what == verb::lease);
  CHECK(args.ttl == std::chrono::hours(2));
  CHECK(args.holder == "[a,b]");
  CHECK(!args.token);
  CHECK(contains(refusal({"lease", "gpu"}), "--ttl"));
  const std::string token = "6F0C2D5E-0b1a-4c3d-9e8f-001122334455";
  CHECK(parse_arguments({"renew", token}).token == token);
  CHECK(parse_arguments({"release", token}).what == verb::release);
  for (const char* wrong :
       {"", "1", "6f0c2d5e-0b1a-4c3d-9e8f-00112233445", "6f0c2d5e00b1a-4c3d-9e8f-001122334455",
        "6f0c2d5e-0b1a-4c3d-9e8f-00112233445g"}) {
    CHECK(contains(refusal({"renew", "--", wrong}), "a token is a uuid"));
  }
}

TEST_CASE("the version") {
  const arguments args = parse_arguments({"--version"});
  CHECK(args.what == verb::none);
  CHECK(contains(args.text, "numpool 1."));
}

TEST_CASE("metadata") {
  const arguments args =
      parse_arguments({"metadata", "set", "gpu", "[1,2]", "--expect", "{\"a\": [3]}"});
  CHECK(args.what == verb::metadata_set);
  CHECK(args.metadata == "[1,2]");
  CHECK(args.expected == "{\"a\": [3]}");
  CHECK(parse_arguments({"metadata", "set", "gpu", "--none", "--expect-none"}).expect_none);
  CHECK(parse_arguments({"metadata", "get", "gpu"}).what == verb::metadata_get);
}

TEST_CASE("grant, revoke and configure take words as they are") {
  const arguments args = parse_arguments({"grant", "[p]", "[a,b]", "c,d", "{x}", "list", "--json"});
  CHECK(args.what == verb::grant);
  CHECK(args.pool == "[p]");
  CHECK(args.words == words{"[a,b]", "c,d", "{x}", "list"});
  CHECK(args.json);
  const arguments changes = parse_arguments({"configure", "gpu", "--", "priority_limit", "-1"});
  CHECK(changes.words == words{"priority_limit", "-1"});
  CHECK(contains(refusal({"configure", "gpu", "cooldown"}), "has no value"));
  CHECK(contains(refusal({"configure", "gpu", "a", "1", "a", "2"}), "twice"));
  CHECK(contains(refusal({"revoke", "gpu"}), "ROLE"));
  CHECK(contains(refusal({"revoke", "gpu", ""}), "not empty"));
  CHECK(contains(refusal({"owner", "gpu", "a", "b"}), "not expected"));
}
