# Sourced by the scripts of tests/: where things are, and who we are.
# shellcheck shell=bash

# The top of the tree. Every script takes paths relative to it.
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PGROOT=$TOP/build/pgroot

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# The PostgreSQL versions that the module is for, oldest first.
supported_versions() {
  sed -n 's/^SUPPORTED_VERSIONS := //p' "$TOP/extension/flags.mk"
}

# The bin folder of the private server: the folder whose name the installation had, inside PGROOT.
pgroot_bin() {
  [ -s "$PGROOT/bindir" ] || die "build/${PGROOT##*/} is not there: run 'make ${PGROOT##*/}'"
  echo "$PGROOT/$(<"$PGROOT/bindir")"
}

# Where PGXS keeps pg_regress, pg_isolation_regress and the Perl test modules.
pgxs_test() {
  local pgxs
  pgxs=$("$(pgroot_bin)/pg_config" --pgxs)
  echo "${pgxs%/makefiles/pgxs.mk}/test"
}

# As whom servers run.
unprivileged_user() {
  if [ "$(id -u)" -ne 0 ]; then
    id -un
  elif id -u postgres >/dev/null 2>&1; then
    echo postgres
  else
    echo nobody
  fi
}

# PostgreSQL refuses to run as root. Run as root, a script that starts one calls this first: it
# runs itself again as an unprivileged user, and where that user may not read the tree (a clone in
# root's home), in a copy of the tree that is removed at the end by remove_copy.
become_unprivileged() {
  [ "$(id -u)" -eq 0 ] || return 0
  local user group top=$TOP script
  script=$(realpath --relative-to="$TOP" "$0")
  user=$(unprivileged_user)
  group=$(id -gn "$user")
  as_user=(setpriv --reuid="$user" --regid="$group" --init-groups --inh-caps=-all)
  if ! "${as_user[@]}" test -x "$TOP/tests/setup/with-server"; then
    NUMPOOL_COPY=$(mktemp -d "${TMPDIR:-/tmp}/numpool-copy.XXXXXX")
    export NUMPOOL_COPY
    top=$NUMPOOL_COPY/tree
    mkdir "$top"
    # While nothing is being built.
    mkdir -p "$TOP/build"
    flock -os "$TOP/build/making" \
      tar -C "$TOP" --exclude=./.git --exclude=./build/roots --exclude=./build/logs --exclude='*.o' \
      --exclude='*.d' -cf - . | tar -C "$top" -xf -
    chown -R "$user:$group" "$NUMPOOL_COPY"
  fi
  cd "$top" || exit
  export HOME=/nonexistent USER=$user LOGNAME=$user
  exec "${as_user[@]}" "$top/$script" "$@"
}

remove_copy() {
  if [ -n "${NUMPOOL_COPY:-}" ]; then
    cd /
    rm -rf "$NUMPOOL_COPY"
  fi
}
