/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/* base64url without padding (RFC 4648 section 5, RFC 8555 section 6.1). The caller frees. */

/* Return: 0 or -ENOMEM. */
int base64url_encode(const void *data, size_t size, char **ret);

/* Strict: no padding, no white space, no stray bits. Return: 0, -ENOMEM, -EINVAL. */
int base64url_decode(const char *s, void **ret, size_t *ret_size);

/* For keys that people paste: base64 or base64url, padded or not. Return: 0, -ENOMEM, -EINVAL. */
int base64_decode_lenient(const char *s, void **ret, size_t *ret_size);
