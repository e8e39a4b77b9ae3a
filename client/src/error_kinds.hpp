#pragma once

#include <exception>
#include <string>
#include <string_view>

#include <numpool/error.hpp>

namespace numpool::detail {

/// The SQLSTATE of an error that the library itself makes.
std::string sqlstate_of(error_kind kind);

/// The kind of what the server says about a statement. NB: what says that the extension is not
/// there can mean something else in a statement that does not need it; see io_loop.
error_kind kind_of(std::string_view sqlstate) noexcept;

/// See error::retryable().
bool is_retryable(error_kind kind, std::string_view sqlstate) noexcept;

/// `why` as what error::raise() throws, for another thread. It shares nothing with `why`: owners of
/// an exception are counted inside the C++ library, where ThreadSanitizer does not see who comes
/// last.
std::exception_ptr pointer_to(const error& why);

}  // namespace numpool::detail
