#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The functions that the public headers declare are those with the prefix renew_ that librenew.a
# defines, no more and no fewer. Arguments: the archive, the include directory.
set -eu
archive=$1 include=$2
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

cat "$include"/renew/*.h | tr '\n' ' ' | grep -o 'RENEW_PUBLIC [^;]*;' |
        sed -En 's/^RENEW_PUBLIC [^(]*[ *](renew_[a-z0-9_]+)\(.*/\1/p' | sort >"$directory/declared"
nm --defined-only --extern-only "$archive" |
        awk 'NF == 3 && $3 ~ /^renew_/ { print $3 }' | sort >"$directory/defined"
echo "$(wc -l <"$directory/declared") functions"
[ -s "$directory/declared" ]
diff "$directory/declared" "$directory/defined"
