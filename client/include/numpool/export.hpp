#pragma once

/// Marks what the shared library exports; everything else in it is hidden. Define NUMPOOL_STATIC
/// where the static library is used (its packages do): then nothing is exported, and a shared
/// library that has numpool inside does not show it to others.
#if defined(NUMPOOL_STATIC)
#define NUMPOOL_EXPORT
#else
#define NUMPOOL_EXPORT [[gnu::visibility("default")]]
#endif
