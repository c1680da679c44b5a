/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The public half of a key as JSON Web Key, in the one form that serves both as the "jwk" of a JWS
 * and as the input of the thumbprint (RFC 7638 section 3).
 *
 * RFC 8555 section 8.1 says that leading zero octets are stripped; that is meant for RSA's n and e.
 * A coordinate keeps them: a P-256 key has one that begins with a zero in 1 of 128 cases, and the
 * thumbprint would differ from the CA's.
 */

#include "crypto/jwk.h"

#include "base/text.h"
#include "crypto/base64url.h"
#include "crypto/key.h"

static int coordinate_encode(const gnutls_datum_t *number, size_t width, char **ret)
{
        unsigned char octets[48];
        int r = key_copy_number(number, octets, width);

        return r < 0 ? r : base64url_encode(octets, width, ret);
}

static int jwk_format_ec(const RenewKey *key, char **ret)
{
        _cleanup_datum_ gnutls_datum_t x = {}, y = {};
        _cleanup_free_ char *x64 = NULL, *y64 = NULL;
        size_t width = key_coordinate_width(key);
        gnutls_ecc_curve_t curve;
        int r = gnutls_error(gnutls_pubkey_export_ecc_raw2(
                        key->public, &curve, &x, &y, GNUTLS_EXPORT_FLAG_NO_LZ));

        if (r == 0)
                r = coordinate_encode(&x, width, &x64);
        if (r == 0)
                r = coordinate_encode(&y, width, &y64);
        if (r < 0)
                return r;
        *ret = text_format("{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
                        key->type == RENEW_KEY_ECDSA_P384 ? "P-384" : "P-256", x64, y64);
        return *ret ? 0 : -ENOMEM;
}

static int jwk_format_rsa(const RenewKey *key, char **ret)
{
        _cleanup_datum_ gnutls_datum_t n = {}, e = {};
        _cleanup_free_ char *n64 = NULL, *e64 = NULL;
        int r = gnutls_error(gnutls_pubkey_export_rsa_raw2(
                        key->public, &n, &e, GNUTLS_EXPORT_FLAG_NO_LZ));

        if (r == 0)
                r = base64url_encode(n.data, n.size, &n64);
        if (r == 0)
                r = base64url_encode(e.data, e.size, &e64);
        if (r < 0)
                return r;
        *ret = text_format("{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", e64, n64);
        return *ret ? 0 : -ENOMEM;
}

int jwk_format(const RenewKey *key, char **ret)
{
        char *jwk = NULL;
        int r = key_is_ec(key) ? jwk_format_ec(key, &jwk) : jwk_format_rsa(key, &jwk);

        if (r == 0)
                *ret = jwk;
        return r;
}
