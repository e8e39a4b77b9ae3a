// The figures as metrics.
#pragma once

#include <string>

#include "figures.hpp"

namespace numpool::exporter {

/// How metrics are written.
enum class metrics_format {
  open,  ///< OpenMetrics 1.0
  text,  ///< what Prometheus read before, and tools still do
};

/// What the Accept header of a request asks for.
metrics_format format_for(const std::string& accept);
const char* content_type(metrics_format format);

/// All metrics; `figures` is nullptr where the database does not answer.
std::string metrics_text(const all_figures* figures, metrics_format format);

}  // namespace numpool::exporter
