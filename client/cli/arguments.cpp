#include "arguments.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include <numpool/version.hpp>

#include "duration.hpp"
#include "failure.hpp"
#include "help_formatter.hpp"
#include "parser.hpp"
#include "text.hpp"
#include "token.hpp"

namespace numpool::cli {
namespace {

constexpr int kMaxSize = 65536;

constexpr char kEnvironment[] =
    "The server: --url, else DATABASE_URL, else PGHOST (default localhost), PGPORT (5432),\n"
    "PGUSER (postgres), PGPASSWORD, PGDATABASE (postgres).\n"
    "Exit status: 0 done, 1 refused by the server, 64 wrong arguments, 69 no server, 70 system\n"
    "error, 74 lease lost, 75 timed out, 126/127 command not executable/not found, 128+n signal "
    "n;\n"
    "run: else that of its command.  More: man numpool";

using size_sink = std::function<void(int)>;

CLI::Option* add_size(CLI::App* app, const char* name, const char* help, const size_sink& store) {
  const auto take = [store](const std::string& text) {
    const int size = small_number(text);
    if (size < 1 || size > kMaxSize) {
      throw CLI::ValidationError("a pool's size is a number from 1 to 65536, not \"" +
                                 printable(text) + "\"");
    }
    store(size);
  };
  return app->add_option_function<std::string>(name, take, help)->type_name("N");
}

}  // namespace

/// Puts `text` between the options and the examples of a subcommand's help.
void explain(CLI::App* app, const char* text) {
  app->footer(std::string(text) + "\n\n" + app->get_footer());
}

int small_number(const std::string& text) {
  const bool digits = !text.empty() && text.size() <= 5 &&
                      text.find_first_not_of("0123456789") == std::string::npos;
  return digits ? std::stoi(text) : -1;
}

void add_duration(CLI::App* app, const char* name, const char* help,
                  const std::function<void(milliseconds)>& store) {
  app->add_option_function<std::string>(
         name,
         [store](const std::string& text) {
           try {
             store(parse_duration(text));
           } catch (const std::invalid_argument& e) {
             throw CLI::ValidationError(e.what());
           }
         },
         help)
      ->type_name("TIME");
}

parser::parser() {
  app_.formatter(std::make_shared<help_formatter>());
  app_.require_subcommand(1);
  app_.set_version_flag("--version", std::string("numpool ") + numpool::version());
  app_.add_option("--url", result_.url, "Connection string or URI of the server")
      ->type_name("CONNINFO");
  app_.footer(std::string("Examples:\n"
                          "  numpool setup\n"
                          "  numpool create gpu 4\n"
                          "  numpool run gpu -- sh -c 'echo this is number $NUMPOOL_INDEX'\n"
                          "  numpool status gpu\n\n") +
              kEnvironment);
  add_definition_verbs();
  add_view_verbs();
  add_metadata_verbs();
  add_run();
  add_token_verbs();
  add_operating_verbs();
  add_owning_verbs();
}

CLI::App* parser::verb_of(CLI::App* parent, const char* name, const char* help, verb what,
                          const char* examples) {
  CLI::App* app = parent->add_subcommand(name, help);
  app->add_option("--url", result_.url, "Connection string or URI of the server")
      ->type_name("CONNINFO");
  add_duration(app, "--connect-timeout",
               "Give up on a server that is not there after this time, and exit 69 (default 60s)",
               [this](milliseconds t) { result_.connect_timeout = t; });
  app->add_flag("-v,--verbose", result_.verbose, "Say what a long wait waits for");
  app->callback([this, what] { result_.what = what; });
  app->footer(std::string("Examples:\n") + examples);
  return app;
}

void parser::add_pool(CLI::App* app, bool required) {
  auto* option = app->add_option("POOL", pool_, "The pool's name")->type_name(" ");
  if (required) option->required();
}

void parser::add_definition_verbs() {
  const size_sink store = [this](int size) { result_.size = size; };
  verb_of(&app_, "setup", "Install the extension in the database", verb::setup,
          "  numpool setup\n"
          "  numpool --url postgresql://admin@db/app setup");

  auto* create =
      verb_of(&app_, "create", "Create a pool", verb::create,
              "  numpool create gpu 4\n"
              "  numpool create ports 100 --metadata '{\"base\": 9000}' --if-not-exists");
  add_pool(create);
  add_size(create, "SIZE", "How many numbers it has, 1 to 65536", store)->required();
  create->add_option("--metadata", result_.metadata, "JSON to keep with the pool")
      ->type_name("JSON");
  create->add_flag("--if-not-exists", result_.if_not_exists,
                   "Accept an existing pool of the same size");

  auto* drop = verb_of(&app_, "drop", "Drop a pool", verb::drop,
                       "  numpool drop gpu\n"
                       "  numpool drop gpu --force --if-exists");
  add_pool(drop);
  drop->add_flag("--force", result_.force, "End its leases, and its waiters with an error");
  drop->add_flag("--if-exists", result_.if_exists, "Accept that there is no such pool");

  auto* resize =
      verb_of(&app_, "resize", "Change a pool's size", verb::resize, "  numpool resize gpu 8");
  add_pool(resize);
  add_size(resize, "SIZE", "The new size, 1 to 65536", store)->required();

  auto* list = verb_of(&app_, "list", "List the pools' names", verb::list,
                       "  numpool list\n"
                       "  numpool list test_ --json");
  list->add_option("PREFIX", result_.prefix, "Only names that begin so, taken literally")
      ->type_name(" ");
  add_json(list);
}

void parser::add_view_verbs() {
  auto* status = verb_of(&app_, "status", "Show numbers, holders and queue", verb::status,
                         "  numpool status\n"
                         "  numpool status gpu\n"
                         "  numpool status gpu --json");
  add_pool(status, false);
  add_json(status);

  auto* top = verb_of(&app_, "top", "The same, live; q quits", verb::top,
                      "  numpool top\n"
                      "  numpool top gpu --interval 500ms");
  add_pool(top, false);
  add_duration(top, "--interval", "Time between two looks, at least 50ms (default 1s)",
               [this](milliseconds t) { result_.interval = t; });

  auto* wait = verb_of(&app_, "wait", "Wait until a number is free", verb::wait,
                       "  numpool wait gpu\n"
                       "  numpool wait gpu --timeout 30s || echo still busy");
  explain(
      wait,
      "Takes a turn in the queue, as anyone who acquires does, and passes the number on at once.");
  add_pool(wait);
  add_duration(wait, "--timeout", "Give up after this time, and exit 75; 0 does not wait",
               [this](milliseconds t) { result_.timeout = t; });
}

void parser::add_metadata_verbs() {
  auto* metadata = app_.add_subcommand("metadata", "Read or change the JSON kept with a pool");
  metadata->require_subcommand(1);
  metadata->footer(
      "Examples:\n"
      "  numpool metadata get gpu\n"
      "  numpool metadata set gpu '{\"rack\": 7}'");

  auto* get = verb_of(metadata, "get", "Print the metadata; null if there are none",
                      verb::metadata_get, "  numpool metadata get gpu");
  add_pool(get);

  auto* set = verb_of(metadata, "set", "Change the metadata", verb::metadata_set,
                      "  numpool metadata set gpu '{\"rack\": 7}'\n"
                      "  numpool metadata set gpu - < gpu.json\n"
                      "  numpool metadata set gpu '{\"rack\": 8}' --expect '{\"rack\": 7}'");
  add_pool(set);
  auto* json = set->add_option("JSON", result_.metadata, "The new metadata; - reads standard input")
                   ->type_name(" ");
  set->add_flag("--none", result_.none, "Remove the metadata")->excludes(json);
  auto* expect = set->add_option("--expect", result_.expected,
                                 "Change them only if they equal this, else exit 1")
                     ->type_name("JSON");
  set->add_flag("--expect-none", result_.expect_none, "Change them only if there are none")
      ->excludes(expect);
}

void parser::add_run() {
  auto* run = verb_of(&app_, "run", "Run a command while holding a number", verb::run,
                      "  numpool run gpu -- ./train --epochs 3\n"
                      "  numpool run licence --create 5 --timeout 2m -- simulator input.dat\n"
                      "  numpool run ports -- sh -c 'server --port $((9000 + NUMPOOL_INDEX))'\n"
                      "  numpool run nightly --ttl 30s --holder \"$(hostname)\" -- ./nightly");
  run->formatter(std::make_shared<run_formatter>());
  explain(
      run,
      "Waits for a number, runs COMMAND with NUMPOOL_POOL, NUMPOOL_INDEX and NUMPOOL_FENCE in\n"
      "its environment, gives the number back when it ends, and exits with its status.  If the\n"
      "lease is lost, the command's process group gets SIGTERM, and SIGKILL after --grace.\n"
      "It is lost with the connection; with --ttl only when it could not be renewed for so long,\n"
      "and NUMPOOL_TOKEN is the token that has it.");
  add_pool(run);
  add_size(run, "--create", "Create the pool with N numbers if it is not there",
           [this](int size) { result_.create = size; });
  // A flag, so that a word behind it is not its value.
  run->add_flag("--ephemeral", ephemeral_,
                "Let a pool that --create makes go when it is unused for =TIME, or an hour");
  add_duration(run, "--timeout", "Give up waiting after this time, and exit 75; 0 does not wait",
               [this](milliseconds t) { result_.timeout = t; });
  add_duration(run, "--grace", "Time between SIGTERM and SIGKILL (default 10s)",
               [this](milliseconds t) { result_.grace = t; });
  add_ttl(run, "Lease the number by token, for so long from each renewal: 100ms to 30 days");
}

void parser::add_ttl(CLI::App* app, const char* help) {
  add_duration(app, "--ttl", help, [this](milliseconds t) { result_.ttl = t; });
  app->add_option("--holder", result_.holder, "Who, where or why, for people; up to 64 bytes")
      ->type_name("TEXT");
  app->add_flag("--transaction-pooling", result_.transaction_pooling,
                "Count on no session of one's own, as behind a pooler in transaction mode");
}

void parser::add_token_verbs() {
  const auto store_token = [this](const std::string& text) {
    if (!detail::is_token(text)) {
      throw CLI::ValidationError("a token is a uuid, not \"" + printable(text) + "\"");
    }
    result_.token = text;
  };
  const auto add_token = [&](CLI::App* app) {
    app->add_option_function<std::string>("TOKEN", store_token, "What lease has printed")
        ->type_name(" ")
        ->required();
  };

  auto* lease = verb_of(&app_, "lease", "Lease a number for a time, and leave", verb::lease,
                        "  numpool lease licence --ttl 2h --holder 'jane, desk 7'\n"
                        "  read -r token index fence < <(numpool lease gpu --ttl 10m)");
  explain(
      lease,
      "Waits for a number and prints TOKEN INDEX FENCE.  Whoever has the token has the number,\n"
      "over any connection, until it is released or --ttl has passed since the last renew.");
  add_pool(lease);
  add_ttl(lease, "How long it lasts from its last renewal, 100ms to 30 days");
  add_duration(lease, "--timeout", "Give up waiting after this time, and exit 75; 0 does not wait",
               [this](milliseconds t) { result_.timeout = t; });
  lease
      ->add_option_function<std::string>(
          "--token", store_token,
          "A random uuid of one's own: to ask again takes the same number, or place in line")
      ->type_name("UUID");
  add_json(lease);

  auto* renew = verb_of(&app_, "renew", "Let a lease last for its whole time again", verb::renew,
                        "  numpool renew \"$token\" || echo lost");
  explain(renew, "Prints the fence of the lease; \"waiting\" if the token only keeps a place.");
  add_token(renew);

  add_token(verb_of(&app_, "release", "Give back what a token has", verb::release,
                    "  numpool release \"$token\""));
}

void parser::take_ephemeral() {
  if (ephemeral_.empty()) return;
  if (!result_.create) throw failure(kUsage, "run: --ephemeral is for a pool to --create");
  try {
    result_.ephemeral = ephemeral_ == "true" ? kUsualEphemeral : parse_duration(ephemeral_);
  } catch (const std::invalid_argument& e) {
    throw failure(kUsage, "--ephemeral: " + std::string(e.what()));
  }
  if (*result_.ephemeral < std::chrono::seconds(1) ||
      *result_.ephemeral > std::chrono::hours(24 * 30)) {
    throw failure(kUsage, "--ephemeral must be between 1s and 30 days");
  }
}

void parser::check() const {
  if (pool_.find('\0') != std::string::npos) throw failure(kUsage, "a pool's name has no NUL");
  if (result_.pool && result_.pool->empty()) throw failure(kUsage, "a pool's name is not empty");
  if (result_.what == verb::top && result_.interval < milliseconds(50)) {
    throw failure(kUsage, "--interval must be at least 50ms");
  }
  if (result_.what == verb::metadata_set && !result_.none && !result_.metadata) {
    throw failure(kUsage, "metadata set: give the new metadata as JSON, or --none");
  }
  if (result_.what == verb::lease && !result_.ttl) {
    throw failure(kUsage, "lease: say how long it lasts, such as --ttl 10m");
  }
  if (result_.what == verb::run && !result_.ttl && result_.holder) {
    throw failure(kUsage, "run: --holder is for a lease by token, so say --ttl");
  }
  if (result_.what == verb::run && !result_.ttl && result_.transaction_pooling) {
    throw failure(kUsage, "run: --transaction-pooling is for a lease by token, so say --ttl");
  }
  if (result_.holder && result_.holder->find('\0') != std::string::npos) {
    throw failure(kUsage, "a holder has no NUL");
  }
  if (result_.reason && result_.reason->find('\0') != std::string::npos) {
    throw failure(kUsage, "a reason has no NUL");
  }
  if (result_.what == verb::drain && result_.timeout && !result_.wait_idle) {
    throw failure(kUsage, "drain: --timeout is for --wait");
  }
  check_owning();
  if (result_.what == verb::run && result_.command.empty()) {
    throw failure(kUsage, "run: write the command after --: numpool run POOL -- COMMAND...");
  }
}

namespace {

/// The first word that is neither an option nor the value of --url; empty if there is none.
std::string subcommand_of(std::vector<std::string>::const_iterator begin,
                          std::vector<std::string>::const_iterator end) {
  for (auto word = begin; word != end; ++word) {
    if (*word == "--url") {
      if (++word == end) return "";
    } else if (word->empty() || word->front() != '-') {
      return *word;
    }
  }
  return "";
}

bool takes_words(const std::string& subcommand) {
  return subcommand == "grant" || subcommand == "revoke" || subcommand == "configure";
}

/// CLI11 would take a word such as "[a,b]" apart where there may be several, so something follows
/// it until it is parsed: what no argument has.
void protect(std::string& word) {
  if (!word.empty() && word.front() == '[' && word.back() == ']') word += '\0';
}

void unprotect(std::string& word) {
  if (!word.empty() && word.back() == '\0') word.pop_back();
}

}  // namespace

arguments parser::parse(const std::vector<std::string>& words) {
  // CLI11 would take vectors such as "[a,b]" in the command apart, so it never sees the command.
  auto end = std::find(words.begin(), words.end(), "--");
  const std::string subcommand = subcommand_of(words.begin(), end);
  if (end != words.end() && subcommand == "run") {
    result_.command.assign(end + 1, words.end());
  } else {
    end = words.end();
  }
  std::vector<std::string> own(words.begin(), end);
  if (takes_words(subcommand)) std::for_each(own.begin(), own.end(), protect);
  std::reverse(own.begin(), own.end());
  try {
    app_.parse(own);
  } catch (const CLI::CallForHelp&) {
    result_.text = app_.help();
    result_.what = verb::none;
    return result_;
  } catch (const CLI::CallForVersion& e) {
    result_.text = std::string(e.what()) + "\n";
    result_.what = verb::none;
    return result_;
  } catch (const CLI::RequiredError& e) {
    if (app_.get_subcommands().empty() && !app_.remaining().empty()) {
      throw failure(kUsage, "there is no subcommand \"" + printable(app_.remaining().front()) +
                                "\" (try --help)");
    }
    throw failure(kUsage, std::string(e.what()) + " (try --help)");
  } catch (const CLI::ParseError& e) {
    throw failure(kUsage, std::string(e.what()) + " (try --help)");
  }
  if (takes_words(subcommand)) {
    unprotect(pool_);
    unprotect(result_.url);
    std::for_each(result_.words.begin(), result_.words.end(), unprotect);
  }
  for (const CLI::App* app = &app_; app;) {
    const auto chosen = app->get_subcommands();
    app = chosen.empty() ? nullptr : chosen.front();
    if (app && app->get_option_no_throw("POOL") && app->count("POOL") > 0) result_.pool = pool_;
  }
  take_ephemeral();
  check();
  return result_;
}

arguments parse_arguments(const std::vector<std::string>& words) {
  return parser().parse(words);
}

}  // namespace numpool::cli
