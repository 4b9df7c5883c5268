#!/bin/sh
# Sees to it that the tests find a redis-server or a valkey-server, if that is possible here.
# It never fails: without a server, the tests that need one are skipped.
#
#   install.sh <folder of programs>

programs=$1

is_there() {
  for name in redis-server valkey-server; do
    PATH=$programs:$PATH command -v $name >/dev/null && return
  done
  return 1
}

# Debian's package of tools has the server's program too, and no service that would be started.
# It is what it is called.
from_tools() {
  tools=$(command -v redis-check-rdb) || return
  ln -sf "$tools" "$programs/redis-server"
  "$programs/redis-server" --version >/dev/null 2>&1 && return
  rm "$programs/redis-server"
  return 1
}

by_apt() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  echo "Installing the package redis-tools, which has a redis-server"
  apt install redis-tools || { apt update && apt install redis-tools; }
  from_tools
}

apt() {
  command=$1
  shift
  DEBIAN_FRONTEND=noninteractive apt-get "$command" -y -qq -o Acquire::Retries=0 \
    -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=60 "$@" >/dev/null 2>&1
}

is_there || from_tools || by_apt || {
  echo "There is no redis-server, and none could be installed: what needs one is left out."
  echo "To get one: apt-get install redis-server, dnf install valkey, brew install redis, ..."
}
