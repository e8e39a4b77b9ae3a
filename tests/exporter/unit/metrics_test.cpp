// The text of metrics, and whether the alert rules and the dashboard name what there is.
#include "metrics.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

using namespace numpool::exporter;

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

all_figures with_busy_pool() {
  all_figures figures;
  pool_figures& pool = figures.pools.emplace_back();
  pool.name = "gpu";
  pool.size = 2;
  pool.in_use = 2;
  pool.handoffs = 3;
  pool.oldest_wait = 1500000;
  pool.wait_counts = {1, 0, 0, 2, 0, 0, 0, 0, 0};
  pool.wait_sum = 120050;
  return figures;
}

std::string file(const char* name) {
  std::ifstream in(name);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::set<std::string> names_in(const std::string& text) {
  static const std::regex name("numpool_[a-z_]+");
  return {std::sregex_token_iterator(text.begin(), text.end(), name), {}};
}

std::string expressions_of_rules() {
  const std::string rules = file("client/monitoring/numpool.rules.yml");
  static const std::regex expression("expr: ([^\n]*)");
  std::string all;
  for (std::sregex_iterator at(rules.begin(), rules.end(), expression), end; at != end; ++at)
    all += (*at)[1].str() + "\n";
  return all;
}

std::string expressions_of_dashboard() {
  const auto dashboard = nlohmann::json::parse(file("client/monitoring/numpool.dashboard.json"));
  std::string all;
  for (const auto& panel : dashboard["panels"])
    for (const auto& target : panel["targets"]) all += target["expr"].get<std::string>() + "\n";
  for (const auto& variable : dashboard["templating"]["list"])
    if (variable["type"] == "query") all += variable["definition"].get<std::string>() + "\n";
  return all;
}

}  // namespace

TEST_CASE("metrics: buckets add up, seconds are exact, what is not known is left out") {
  const all_figures figures = with_busy_pool();
  const std::string text = metrics_text(&figures, metrics_format::open);
  CHECK(has_line(text, "numpool_pool_oldest_wait_seconds{pool=\"gpu\"} 1.500000"));
  const std::string wait = "numpool_pool_wait_seconds";
  CHECK(has_line(text, wait + "_bucket{pool=\"gpu\",le=\"0.0001\"} 1"));
  CHECK(has_line(text, wait + "_bucket{pool=\"gpu\",le=\"0.1\"} 3"));
  CHECK(has_line(text, wait + "_bucket{pool=\"gpu\",le=\"+Inf\"} 3"));
  CHECK(has_line(text, wait + "_sum{pool=\"gpu\"} 0.120050"));
  CHECK(has_line(text, wait + "_count{pool=\"gpu\"} 3"));
  CHECK(text.find("numpool_pool_grants_total{") == std::string::npos);
  CHECK(text.find("\nnumpool_memory_size_bytes ") == std::string::npos);
}

TEST_CASE("metrics: a pool without a histogram has one only where it is known to be empty") {
  all_figures figures = with_busy_pool();
  figures.pools[0].wait_counts.clear();
  CHECK(metrics_text(&figures, metrics_format::open).find("_bucket") == std::string::npos);
  figures.pools[0].handoffs = 0;
  CHECK(has_line(metrics_text(&figures, metrics_format::open),
                 "numpool_pool_wait_seconds_count{pool=\"gpu\"} 0"));
}

TEST_CASE("metrics: a name can neither end its label nor its line") {
  all_figures figures = with_busy_pool();
  figures.pools[0].name = "a\"} 1\nevil 2\\";
  CHECK(has_line(metrics_text(&figures, metrics_format::text),
                 R"(numpool_pool_size{pool="a\"} 1\nevil 2\\"} 2)"));
  figures.pools[0].name = "\xff";
  CHECK(has_line(metrics_text(&figures, metrics_format::text), "numpool_pool_size{pool=\"?\"} 2"));
}

TEST_CASE("metrics: the alert rules and the dashboard name what there is") {
  const all_figures figures = with_busy_pool();
  const std::set<std::string> there = names_in(metrics_text(&figures, metrics_format::text));
  const std::set<std::string> rules = names_in(expressions_of_rules());
  const std::set<std::string> dashboard = names_in(expressions_of_dashboard());
  CHECK(rules.size() > 8);
  CHECK(dashboard.size() > 15);
  for (const std::set<std::string>& names : {rules, dashboard})
    for (const std::string& name : names) CHECK_MESSAGE(there.count(name) == 1, name);
}
