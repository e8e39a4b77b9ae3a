// What Prometheus itself makes of the metrics and of the alerts.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>

#include "exporter.h"
#include "support/pool.h"

using namespace numpool_test;

namespace {

// A Prometheus of the test's own.
class Prometheus {
 public:
  explicit Prometheus(const Exporter& exporter)
      : program_({"prometheus", "--config.file=" + config(exporter),
                  "--storage.tsdb.path=" + file_with("") + ".data",
                  "--web.listen-address=127.0.0.1:" + std::to_string(port_), "--log.level=warn"}) {}

  // The answer to a request of its API; "" while it does not listen.
  std::string ask(const std::string& path) {
    try {
      Client client(port_);
      client.send("GET /api/v1/" + path + " HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
      return client.read_all();
    } catch (const TestError&) {
      return "";
    }
  }
  // Whether the expression, percent-encoded, comes to have a value.
  bool comes_to(const std::string& expression) {
    return eventually([&] {
      nap(100ms);
      return ask("query?query=" + expression).find("\"value\":[") != std::string::npos;
    });
  }

 private:
  static std::string config(const Exporter& exporter) {
    char folder[4096];
    const std::string here = getcwd(folder, sizeof folder) == nullptr ? "" : folder;
    return file_with("global: {scrape_interval: 1s, scrape_timeout: 1s}\nrule_files: [\"" + here +
                     "/client/monitoring/numpool.rules.yml\"]\nscrape_configs:\n" +
                     "- job_name: numpool\n  static_configs:\n  - targets: [\"" + exporter.host() +
                     "\"]\n");
  }

  int port_ = Listener().port();
  Program program_;
};

}  // namespace

TEST_CASE("promtool finds nothing to say of the metrics, nor of the alert rules") {
  Pool pool(2, "quote\" and \\ back");
  Session holder;
  holder.must("SELECT numpool_acquire(" + pool.q() + ")");
  Exporter exporter;
  const Answer answer = exporter.get("/metrics");
  REQUIRE(answer.status == 200);
  Program metrics({"promtool", "check", "metrics"}, {{}, answer.body});
  CHECK(metrics.wait() == 0);
  CHECK(metrics.out() + metrics.err() == "");
  Program rules({"promtool", "check", "rules", "client/monitoring/numpool.rules.yml"});
  CHECK(rules.wait() == 0);
}

TEST_CASE("Prometheus scrapes OpenMetrics, with the histogram, and loads the alert rules") {
  Pool pool(1, "scraped");
  Session holder, waiter;
  holder.must("SELECT numpool_acquire(" + pool.q() + ")");
  waiter.send("SELECT numpool_acquire(" + pool.q() + ")");
  pool.wait_for_waiters(1);
  holder.must("SELECT numpool_release(" + pool.q() + ", 0)");
  waiter.finish();
  Exporter exporter({"--pools", pool.name()});
  Prometheus prometheus(exporter);
  CHECK(prometheus.comes_to("up%7Bjob%3D%22numpool%22%7D%3D%3D1"));
  CHECK(prometheus.comes_to("numpool_pool_grants_total%3D%3D2"));
  CHECK(prometheus.comes_to("numpool_pool_wait_seconds_count%3D%3D1"));
  CHECK(prometheus.ask("rules").find("NumpoolWaitTooLong") != std::string::npos);
}
