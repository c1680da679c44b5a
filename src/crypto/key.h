/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/key.h>

#include "crypto/gnutls-util.h"

/* What the other files of this room see of a RenewKey. */
struct RenewKey {
        unsigned n_ref;
        RenewKeyType type;
        gnutls_x509_privkey_t x509; /* owns the numbers */
        gnutls_privkey_t private;   /* the same key, to sign with */
        gnutls_pubkey_t public;
        char *thumbprint;
};

/* SHA-384 for P-384, SHA-256 for all others. */
gnutls_digest_algorithm_t key_digest(const RenewKey *key);

static inline bool key_is_ec(const RenewKey *key)
{
        return key->type == RENEW_KEY_ECDSA_P256 || key->type == RENEW_KEY_ECDSA_P384;
}

/* Octets of a coordinate of an EC key, and of the halves of its signatures (RFC 7518). */
static inline size_t key_coordinate_width(const RenewKey *key)
{
        return key->type == RENEW_KEY_ECDSA_P384 ? 48 : 32;
}

/*
 * Copies a number to exactly width octets. GnuTLS gives r and s of a signature, and the coordinates
 * of a key, with a zero in front or with fewer octets than the field has. Return: 0, -EIO when it
 * does not fit.
 */
int key_copy_number(const gnutls_datum_t *number, unsigned char *to, size_t width);
