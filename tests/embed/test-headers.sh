#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each public header compiles alone, and twice, as strict C11 and as C++17.
# Arguments: the include directory, the C compiler, the C++ compiler (empty: none).
set -eu
include=$1 cc=$2 cxx=$3
n=0

for header in "$include"/renew/*.h; do
        name=renew/${header##*/}
        text=$(printf '#include <%s>\n#include <%s>\n' "$name" "$name")
        # shellcheck disable=SC2086 # a compiler may be several words
        printf '%s\nint main(void) { return 0; }\n' "$text" |
                $cc -std=c11 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only \
                        -I "$include" -x c -
        if [ -n "$cxx" ]; then
                # shellcheck disable=SC2086
                printf '%s\nint main() { return 0; }\n' "$text" |
                        $cxx -std=c++17 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only \
                                -I "$include" -x c++ -
        fi
        n=$((n + 1))
done
echo "$n headers as C11${cxx:+ and C++17}"
[ "$n" -gt 0 ]
