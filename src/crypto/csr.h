/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/key.h>
#include <renew/types.h>

#include "base/macros.h"

/*
 * A PKCS#10 request for exactly these identifiers (RFC 8555 section 7.4): subjectAltName and
 * nothing else, empty subject, signed with SHA-256 (P-384: SHA-384). base64url of the DER; the
 * caller frees it. Return: 0, -ENOMEM, -EIO, -EINVAL for an address that is none.
 */
int csr_format(const RenewKey *key, const RenewIdentifier *identifiers, size_t n_identifiers,
                char **ret);
