#!/bin/sh
# Sees to it that the tests find the servers that they need, if that is possible here.
# It never fails: without a server, the tests that need it are skipped.
#
#   install.sh <folder of programs> [redis] [memcached]

programs=$1
shift
[ $# -gt 0 ] || set -- redis memcached

is_there() {
  for name; do
    PATH=$programs:$PATH command -v "$name" >/dev/null && return
  done
  return 1
}

# Whether a program in the folder can be run; it is removed if not.
can_run() {
  "$programs/$1" "$2" >/dev/null 2>&1 && return
  rm -f "$programs/$1"
  return 1
}

see_to_redis() {
  is_there redis-server valkey-server || redis_from_tools || redis_by_apt ||
    say_none redis-server "apt-get install redis-server, dnf install valkey, brew install redis"
}

# Debian's package of tools has the server's program too, and no service that would be started.
# It is what it is called.
redis_from_tools() {
  tools=$(command -v redis-check-rdb) || return
  ln -sf "$tools" "$programs/redis-server"
  can_run redis-server --version
}

redis_by_apt() {
  has_apt || return
  echo "Installing the package redis-tools, which has a redis-server"
  try apt install redis-tools
  redis_from_tools
}

see_to_memcached() {
  is_there memcached || memcached_by_apt ||
    say_none memcached "apt-get, dnf, apk add or brew install memcached"
}

# Debian's package would start a service, so that only the program is taken out of it.
memcached_by_apt() {
  has_apt || return
  echo "Installing the memcached of the package of that name, without its service"
  package=$programs/memcached.package
  mkdir -p "$package" && try fetch && try unpack
  rm -rf "$package"
  can_run memcached -V
}

fetch() (
  cd "$package" && apt download memcached
)

unpack() {
  dpkg-deb -x "$package"/memcached_*.deb "$package" &&
    apt satisfy --no-install-recommends "$(libraries)" &&
    cp "$package/usr/bin/memcached" "$programs/memcached"
}

# Of what the package depends on, what its program is linked to.
libraries() (
  depends=$(dpkg-deb -f "$package"/memcached_*.deb Depends)
  IFS=,
  for each in $depends; do
    case ${each# } in lib*) printf '%s,' "${each# }" ;; esac
  done
)

say_none() {
  echo "There is no $1, and none could be installed: what needs one is left out. To get one: $2"
}

has_apt() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

# Do it, and once more where the lists of packages were old; they are fetched once at most.
try() {
  "$@" && return
  [ -z "$updated" ] && updated=yes && apt update && "$@"
}

apt() {
  command=$1
  shift
  DEBIAN_FRONTEND=noninteractive apt-get "$command" -y -qq -o Acquire::Retries=0 \
    -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=60 "$@" >/dev/null 2>&1
}

for kind; do
  "see_to_$kind"
done
