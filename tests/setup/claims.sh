# Sourced by scripts that print TAP: `claim`, and `claims_failed`, with which they exit.
# shellcheck shell=bash

claims_failed=0

# Each step of COMMAND, if it is a function, has to succeed; what it says is shown if one does not. It
# runs in a shell of its own, and not in a condition: there bash goes on after a step that fails, and
# only the last one counts.
claim() { # TITLE COMMAND [ARGUMENT]...
  local title=$1 log result
  shift
  log=$(mktemp)
  set +e
  (
    set -e
    "$@"
  ) >"$log" 2>&1
  result=$?
  set -e
  if [ "$result" -eq 0 ]; then
    echo "ok - $title"
  else
    echo "not ok - $title"
    sed 's/^/# /' "$log"
    # shellcheck disable=SC2034
    claims_failed=1
  fi
  rm -f "$log"
}
