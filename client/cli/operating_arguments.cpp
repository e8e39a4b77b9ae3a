// The subcommands of who operates a pool.
#include <string>
#include <vector>

#include "failure.hpp"
#include "parser.hpp"
#include "text.hpp"

namespace numpool::cli {

void parser::add_index(CLI::App* app) {
  const auto take = [this](const std::string& text) {
    result_.index = small_number(text);
    if (result_.index < 0) {
      throw CLI::ValidationError("a number of a pool is 0 or more, not \"" + printable(text) +
                                 "\"");
    }
  };
  app->add_option_function<std::string>("INDEX", take, "The number")->type_name(" ")->required();
}

void parser::add_operating_verbs() {
  auto* end_lease =
      verb_of(&app_, "end-lease", "Take a number from whoever holds it", verb::end_lease,
              "  numpool end-lease gpu 3\n"
              "  numpool end-lease gpu 3 --fence 849299310762154");
  explain(end_lease,
          "The number goes to the next in line, and the holder is told; numpool run ends its "
          "command.");
  add_pool(end_lease);
  add_index(end_lease);
  end_lease->add_option("--fence", result_.fence, "Only the lease that has this fence")
      ->type_name("N");
  add_json(end_lease);

  auto* service =
      verb_of(&app_, "service", "Take a number out of service, or in again", verb::service,
              "  numpool service gpu 3 --out --reason 'fan broken'\n"
              "  numpool service gpu 3 --in");
  explain(service, "A number out of service is not given to anybody; who holds it keeps it.");
  add_pool(service);
  add_index(service);
  auto* which = service->add_option_group("which");
  which->add_flag("--in", result_.in_service, "It may be given again");
  which->add_flag("--out", "It is not given any more");
  which->require_option(1);
  service->add_option("--reason", result_.reason, "Why, for people")->type_name("TEXT");
  add_json(service);

  auto* slots = verb_of(&app_, "slots", "Show each number, and who had it last", verb::slots,
                        "  numpool slots gpu\n"
                        "  numpool slots gpu --json");
  add_pool(slots);
  add_json(slots);

  auto* drain = verb_of(&app_, "drain", "Give none of a pool's numbers, until --end", verb::drain,
                        "  numpool drain gpu --reason 'new driver' --wait --timeout 1h\n"
                        "  numpool drain gpu --end");
  explain(drain, "Who holds a number keeps it, and who waits goes on waiting.");
  add_pool(drain);
  auto* end = drain->add_flag("--end", result_.end, "Give them again");
  drain->add_option("--reason", result_.reason, "Why, for people")->type_name("TEXT");
  drain->add_flag("--wait", result_.wait_idle, "Wait until nobody holds a number")->excludes(end);
  add_duration(drain, "--timeout", "Give up waiting after this time, and exit 75",
               [this](milliseconds t) { result_.timeout = t; });
  add_json(drain);
}

void parser::add_owning_verbs() {
  const auto add_words = [this](CLI::App* app, const char* name, const char* help) {
    return app->add_option(name, result_.words, help)->type_name(" ");
  };
  auto* configure = verb_of(&app_, "configure", "Show or change a pool's settings", verb::configure,
                            "  numpool configure gpu\n"
                            "  numpool configure gpu cooldown 5s policy longest_free\n"
                            "  numpool configure gpu cooldown default");
  explain(configure, "A value \"default\" puts a setting back.  Without any, all are shown.");
  add_pool(configure);
  add_words(configure, "SETTING", "Its name, and then its value; any number of both");
  add_json(configure);

  auto* grant = verb_of(&app_, "grant", "Let roles use a pool", verb::grant,
                        "  numpool grant gpu research\n"
                        "  numpool grant gpu public");
  explain(grant, "They may lease its numbers.  The role public is everybody.");
  add_pool(grant);
  add_words(grant, "ROLE", "Whom")->required();
  add_json(grant);

  auto* revoke = verb_of(&app_, "revoke", "Let roles use a pool no more", verb::revoke,
                         "  numpool grant gpu research && numpool revoke gpu public");
  explain(revoke, "What they have leased, and what they wait for, stays.");
  add_pool(revoke);
  add_words(revoke, "ROLE", "Whom")->required();
  add_json(revoke);

  auto* owner =
      verb_of(&app_, "owner", "Show who owns a pool, or give it to another role", verb::owner,
              "  numpool owner gpu\n"
              "  numpool owner gpu ops");
  add_pool(owner);
  owner->add_option("ROLE", result_.role, "The new owner")->type_name(" ");
  add_json(owner);
}

void parser::check_owning() const {
  const std::vector<std::string>& words = result_.words;
  if (result_.what == verb::configure) {
    if (words.size() % 2 != 0) {
      throw failure(kUsage, "configure: \"" + printable(words.back()) + "\" has no value");
    }
    for (std::size_t i = 0; i < words.size(); i += 2) {
      for (std::size_t k = 0; k < i; k += 2) {
        if (words[i] == words[k]) {
          throw failure(kUsage, "configure: \"" + printable(words[i]) + "\" is there twice");
        }
      }
    }
    return;
  }
  // The server would cut a longer name off, and find another role.
  constexpr std::size_t kLongestRole = 63;
  const auto check_role = [](const std::string& role) {
    if (role.empty()) throw failure(kUsage, "a role's name is not empty");
    if (role.size() > kLongestRole) {
      throw failure(kUsage, "a role's name has at most 63 bytes: \"" + printable(role) + "\"");
    }
  };
  for (const std::string& role : words) check_role(role);
  if (result_.role) check_role(*result_.role);
}

}  // namespace numpool::cli
