/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/* What libFuzzer or fuzz-main.c calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert() that no build leaves out. */
#define check(expression)          \
        do {                       \
                if (!(expression)) \
                        abort();   \
        } while (0)
