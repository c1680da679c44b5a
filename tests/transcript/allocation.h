/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/*
 * Allocations that fail on purpose: those of librenew (the linker leads malloc and its kin here)
 * and of jansson. GnuTLS's are left alone: the library below it ends the program when memory is
 * out.
 */

/* From now on the n-th allocation while armed fails, and only that one. 0: none. */
void allocation_fail_at(unsigned n);

/* Only while armed do allocations count. */
void allocation_arm(bool on);

/* Whether the one that was to fail was reached. */
bool allocation_has_failed(void);

/* Before anything of jansson is used. */
void allocation_init(void);
