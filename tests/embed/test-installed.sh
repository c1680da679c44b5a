#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is installed for other programs is complete: embed.c is built with what pkg-config says about
# an installation in a directory of its own, and runs. Arguments: the build directory, embed.c, the
# C compiler, flags for it, meson.
set -eu
build=$1 source=$2 cc=$3 flags=$4 meson=$5
command -v pkg-config >/dev/null || exit 77
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

# shellcheck disable=SC2086 # meson may be several words
DESTDIR=$directory $meson install -C "$build" --no-rebuild --quiet --tags devel
pc=$(find "$directory" -name librenew.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$directory
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR

# Whether what librenew needs can be linked so at all: Debian's libgnutls28-dev does not bring all
# that its own --static asks for.
# shellcheck disable=SC2046,SC2086 # flags are words
can_link() {
        echo 'int main(void) { return 0; }' |
                $cc $flags -o "$directory/nothing" -x c - -x none \
                        $(pkg-config "$@" --libs gnutls jansson)
}

build_and_run() {
        # shellcheck disable=SC2046,SC2086
        $cc $flags -std=c11 -Wall -Wextra -Werror -o "$directory/embed" "$source" \
                $(pkg-config "$@" --cflags --libs librenew)
        "$directory/embed"
}

build_and_run
if can_link --static 2>/dev/null; then
        build_and_run --static
else
        echo "not linked with --static: GnuTLS's own libraries are not all there"
fi
