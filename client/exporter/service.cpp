#include "service.hpp"

#include <algorithm>

#include "api.hpp"
#include "metrics.hpp"
#include "page.hpp"

namespace numpool::exporter {
namespace {

http_response json_response(std::string body, int status = 200) {
  http_response response;
  response.status = status;
  response.type = "application/json";
  response.body = std::move(body);
  return response;
}

constexpr const char kPoolPath[] = "/api/pools/";

}  // namespace

std::optional<http_response> service::answer(const http_call& call) {
  const http_request& request = call.request;
  if (!guard_.is_for_us(request)) return refusal(421);
  // These tell nothing: the page has no figures in it, and asks for them with the token.
  if (request.path == "/") return page_response();
  if (request.path == "/healthz") return health(call);
  const access_level level = guard_.level_of(request);
  if (level == access_level::refused) return refusal(401);
  if (request.path == "/metrics") return metrics(call);
  if (request.path == "/api/pools") return pools(call);
  if (request.path.rfind(kPoolPath, 0) == 0)
    return pool(call, request.path.substr(sizeof kPoolPath - 1), level == access_level::names);
  return refusal(404);
}

std::optional<http_response> service::health(const http_call& call) {
  const auto look = source_.pools(call.came);
  if (look.failed) return refusal(503);
  if (look.figures == nullptr) return std::nullopt;
  http_response response;
  response.body = "ok\n";
  return response;
}

std::optional<http_response> service::metrics(const http_call& call) {
  const auto look = source_.pools(call.came);
  if (look.figures == nullptr && !look.failed) return std::nullopt;
  const metrics_format format = format_for(call.request.accept);
  http_response response;
  response.type = content_type(format);
  response.body = metrics_text(look.figures, format);
  return response;
}

std::optional<http_response> service::pools(const http_call& call) {
  const auto look = source_.pools(call.came);
  if (look.failed) return json_response(error_json("the database does not answer"), 503);
  if (look.figures == nullptr) return std::nullopt;
  return json_response(pools_json(*look.figures));
}

std::optional<http_response> service::pool(const http_call& call, const std::string& encoded,
                                           bool names) {
  const auto name = percent_decoded(encoded);
  if (!name || name->empty() || !is_utf8(*name)) return refusal(400);
  const auto all = source_.pools(call.came);
  if (all.failed) return json_response(error_json("the database does not answer"), 503);
  if (all.figures == nullptr) return std::nullopt;
  const auto& known = all.figures->pools;
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const pool_figures& each) { return each.name == *name; });
  // The database is asked about pools only that are shown.
  if (found == known.end()) return json_response(error_json("there is no such pool"), 404);
  const auto look = source_.pool(*name, call.came);
  if (look.failed) return json_response(error_json("the database does not answer"), 503);
  if (look.figures == nullptr) return std::nullopt;
  return json_response(pool_json(*found, *look.figures, names));
}

}  // namespace numpool::exporter
