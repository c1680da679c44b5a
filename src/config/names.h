/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/*
 * The form in which a CA is asked for a name: A-labels in lower case without a trailing dot (RFC
 * 8555 section 7.1.3, RFC 5890), or an IP address as RFC 8738 section 3 writes it (dotted decimal,
 * RFC 5952). Return: 0; -EINVAL, and *ret_reason says what is wrong with it, as the end of a
 * sentence that starts with the name; -ENOMEM. The caller frees either.
 */
int name_normalize(const char *name, char **ret, char **ret_reason);

/* Whether a name in that form is an IP address. */
bool name_is_address(const char *name);
