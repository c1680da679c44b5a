/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/*
 * The systemd unit ("nginx.service") that a listening TCP socket of this network namespace belongs
 * to; inode is the socket's. The caller frees it; NULL when it is of none, or nobody tells.
 */
char *socket_unit(unsigned long inode);
