// What every doctest program's main calls.
#pragma once

namespace numpool_test {

// Runs the tests that the command line names, all if it names none. Each that is over is a line
// with the time it took, written at once, so that whoever watches the output sees the progress.
int run_tests(int argc, char** argv);

}  // namespace numpool_test
