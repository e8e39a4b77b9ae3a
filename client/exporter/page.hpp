// The page at /.
#pragma once

#include "http_response.hpp"

namespace numpool::exporter {

/// The page, for whose own script and style alone the browser has a nonce.
http_response page_response();

}  // namespace numpool::exporter
