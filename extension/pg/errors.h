// Errors that several rooms report.
#pragma once

namespace numpool {

[[noreturn]] void report_not_installed();
[[noreturn]] void report_no_pool(const char* name);
// 53200, whichever way shared memory is missing; `detail` is a sentence that says which.
[[noreturn]] void report_no_shared_memory(const char* detail);

}  // namespace numpool
