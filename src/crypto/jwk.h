/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/key.h>

#include "base/macros.h"

/*
 * The public key as JSON Web Key in the canonical form of RFC 7638: required members only, sorted,
 * no white space. EC coordinates have fixed width (RFC 7518 section 6.2.1.2), RSA numbers no
 * leading zero. The caller frees *ret. Return: 0, -ENOMEM, -EIO.
 */
int jwk_format(const RenewKey *key, char **ret);
