/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/*
 * What renewd may say: {"certificates":["name", …]}, 1 to LIMIT_DEPLOY_BATCH plain names. Anything else
 * is no request; a name that comes twice counts once.
 *
 * @ret_names   the caller frees it with strv_free()
 * @ret_reason  what is wrong with -EINVAL, a constant sentence
 * Return: 0, -EINVAL, -ENOMEM.
 */
int request_parse(const char *body, size_t size, char ***ret_names, const char **ret_reason);

/* The largest body that a request can need: names, quotes and commas, and some white space. */
#define REQUEST_MAX_BODY (LIMIT_DEPLOY_BATCH * (LIMIT_SECTION_NAME + 8) + 1024)
