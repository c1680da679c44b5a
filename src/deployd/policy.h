/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/config.h"

/*
 * The configuration as the source of rights: what is in it renewd-deploy does as root, so it has to be
 * root's alone.
 */

/*
 * Loads the configuration and looks at who may write the files it was read from.
 *
 * @ret_reason  on failure a sentence with FILE:LINE; the caller frees it. NULL when out of memory
 * Return: 0, -EINVAL when it has problems, -EPERM when others may write it, -errno.
 */
int policy_load(const char *path, Config **ret, char **ret_reason);
