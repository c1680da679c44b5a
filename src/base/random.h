/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/* A random number for jitter: never zero entropy, never a reason to fail. Keys come from GnuTLS. */
uint64_t random_u64(void);
