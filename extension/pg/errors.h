// Errors that several rooms report.
#pragma once

namespace numpool {

[[noreturn]] void report_not_installed();
[[noreturn]] void report_no_pool(const char* name);

}  // namespace numpool
