# Sourced by the scripts beside it: one cache, Debian's packages, Rust compilers that rustup has not.
# Everything that was downloaded or built is kept in $cache; the system's dpkg sees only installed tools.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache=${KEYCTL_CI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/keyctl-ci}
mkdir -p "$cache"/{target,log}
export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 CARGO_TERM_COLOR=never DEBIAN_FRONTEND=noninteractive
# What the running kernel lacks, as Debian's do. Anything else that a test misses is a failure.
export KEYCTL_LACKS=${KEYCTL_LACKS-big_key trusted pkcs8 ecdsa dh watch}
ulimit -c 0

fail() { echo "${0##*/}: $*" >&2; exit 1; }

# Networks hiccup: four tries, one minute in all.
retry() {
    local pause
    for pause in 5 15 40 ''; do
        "$@" && return
        [ -n "$pause" ] && sleep "$pause"
    done
    fail "gave up on: $*"
}

# alone LOCK COMMAND...: scripts run side by side, and share the cache.
alone() { (exec 9>"$cache/$1.lock"; flock 9; shift; "$@"); }

# packages NAME...: installed on this system.
packages() {
    dpkg-query -Wf '${db:Status-Status}\n' "$@" 2>/dev/null | grep -cx installed | grep -qx $# && return
    alone apt retry apt-get update -qq
    alone apt retry apt-get install -qq -y --no-install-recommends "$@" >"$cache/log/apt"
}

# as_user COMMAND...: as one without privileges, whom nothing else is.
user=70000
as_user() { setpriv --reuid $user --regid $user --clear-groups "$@"; }

# foreign apt-get|apt-cache ...: apt with lists of its own for other architectures. The security suite
# is left to the two that are used of it: one bad index there once cost the whole suite.
foreign() {
    local apt=$cache/apt tool=$1 a
    shift
    mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,sources}
    set -- -qq -o Dir::State="$apt/state" -o Dir::State::status=/dev/null -o Dir::Cache="$apt/cache" \
        -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/sources" -o APT::Sandbox::User=root "$@"
    for a in amd64 arm64 armhf i386 ppc64el s390x mips64el mipsel; do
        set -- -o APT::Architectures::="$a" "$@"
    done
    "$tool" "$@"
}

# The lists for `foreign`, from the system's own Debian sources; good for six hours.
foreign_update() { alone foreign _foreign_update; }
_foreign_update() {
    [ -z "$(find "$cache/apt/fresh" -mmin -360 2>/dev/null)" ] || return 0
    mkdir -p "$cache/apt/sources"
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' | sed '/-security /s/deb/& [arch=amd64,arm64]/' |
        sort -u >"$cache/apt/sources/debian.list"
    [ -s "$cache/apt/sources/debian.list" ] || fail "this system has no Debian sources"
    retry foreign apt-get update
    touch "$cache/apt/fresh"
}

# unpack FOLDER PACKAGE...: without installing; PACKAGE as apt takes it, with :architecture and =version.
unpack() {
    local into=$1 debs
    shift
    debs=$(mktemp -d)
    mkdir -p "$into"
    (cd "$debs" && retry foreign apt-get download "$@")
    for deb in "$debs"/*.deb; do dpkg -x "$deb" "$into"; done
    rm -r "$debs"
}

# rust VERSION [PACKAGE...]: prints a folder with `cargo` and `rustc` of that version (the start of it; ''
# is the newest). Debian has two at a time, of which only one could be installed: so neither is.
rust() { alone "rust-$1" _rust "$@"; }
_rust() {
    local at=$cache/rust-${1:-newest} version tool
    if [ ! -e "$at/done" ]; then
        packages libllvm19 libllvm22 libpcre3 libhttp-parser2.9 libcurl4 libssh2-1 libssl3 libsqlite3-0 libgit2-1.5 >&2
        foreign_update >&2
        version=$(foreign apt-cache madison rustc-web | awk -v v="$1" 'index($3, v) == 1 { print $3 }' | sort -Vu | tail -1)
        [ -n "$version" ] || fail "Debian has no rustc-web $1"
        rm -rf "$at"
        shift
        set -- rustc-web cargo-web libstd-rust-web-dev "libstd-rust-web-${version%.*}" "$@"
        unpack "$at" "${@/%/=$version}" >&2
        for tool in rustc rustdoc cargo; do
            cat >"$at/$tool" <<-END
				#!/bin/sh
				export LD_LIBRARY_PATH="$at/usr/lib/x86_64-linux-gnu" RUSTC="$at/rustc" RUSTDOC="$at/rustdoc"
				exec "$at/usr/bin/$tool" "\$@"
			END
            chmod +x "$at/$tool"
        done
        touch "$at/done"
    fi
    "$at/rustc" --version >&2
    echo "$at"
}

# The target that rustc compiles for when none is named.
host() { rustc -vV | sed -n 's/^host: //p'; }

# What the functions of core and alloc are called that do nothing but panic.
panics='panic|_fail|overflow|handle_(alloc_)?error|reserve_and_handle'

# rows KEYWORD: the rows of that kind in the table, without the keyword.
rows() { sed -nE "s/^$1 +//p" .ci/table; }

# The newest Rust, allowed to build core or std from source: of most targets there is no other here.
# Features of the language stay as closed to the crate as in stable Rust.
build_std() {
    cargo=$(rust '' rust-web-src)/cargo
    export RUSTC_BOOTSTRAP=1
}

# What std on musl links to unwind: LLVM's library, from which Debian's is built for glibc's fortify.
musl_libunwind() {
    packages musl-tools libunwind-14-dev gcc
    mkdir -p "$cache/musl"
    cp /usr/lib/llvm-14/lib/libunwind.a "$cache/musl"
    echo '#include <stdarg.h>
        #include <stdio.h>
        int __fprintf_chk(FILE *to, int flag, const char *format, ...) {
            va_list list;
            va_start(list, format);
            return vfprintf(to, format, list);
        }' | musl-gcc -O2 -c -x c - -o "$cache/musl/fortify.o"
    ar r "$cache/musl/libunwind.a" "$cache/musl/fortify.o" 2>"$cache/log/ar"
}
