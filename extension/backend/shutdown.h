// How the process of a session ends.
#pragma once

namespace numpool {

// Whether the process is about to exit, and not because its client has said goodbye: it was killed
// or terminated, met a fatal error, or its client went without a word. Cannot fail.
bool process_ends_badly();

// To be called at the end of a session before anything of it is handed on. In a fast shutdown every
// session is about to be terminated, one by one: a number that is handed on too soon reaches a
// client who loses it a moment later. So who is terminated while the server shuts down waits until
// all have been signalled; what is handed on then, nobody tells a client any more. (A smart
// shutdown looks the same from here; then the number is handed on that much later.) Cannot fail.
void let_shutdown_reach_all();

}  // namespace numpool
