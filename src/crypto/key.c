/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RenewKey: a private key of an account or a certificate, shared by reference and never changed.
 *
 * It is one of five kinds, the ones that the public CAs take (Let's Encrypt: no P-521, no Ed25519),
 * so that whatever reads a key here needs no further question of whether it can be used.
 */

#include <renew/key.h>

#include "base/limits.h"
#include "base/text.h"
#include "crypto/base64url.h"
#include "crypto/jwk.h"
#include "crypto/key.h"

static const struct {
        const char *name;
        gnutls_pk_algorithm_t algorithm;
        unsigned bits; /* of the modulus, or GNUTLS_CURVE_TO_BITS() */
} key_types[] = {
        [RENEW_KEY_ECDSA_P256] = { "ecdsa-p256", GNUTLS_PK_ECDSA,
                        GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1) },
        [RENEW_KEY_ECDSA_P384] = { "ecdsa-p384", GNUTLS_PK_ECDSA,
                        GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1) },
        [RENEW_KEY_RSA_2048] = { "rsa-2048", GNUTLS_PK_RSA, 2048 },
        [RENEW_KEY_RSA_3072] = { "rsa-3072", GNUTLS_PK_RSA, 3072 },
        [RENEW_KEY_RSA_4096] = { "rsa-4096", GNUTLS_PK_RSA, 4096 },
};

static RenewKey *key_free(RenewKey *key)
{
        if (!key)
                return NULL;
        gnutls_pubkey_cleanup(&key->public);
        gnutls_privkey_cleanup(&key->private);
        gnutls_x509_privkey_cleanup(&key->x509);
        free(key->thumbprint);
        free(key);
        return NULL;
}
DEFINE_CLEANUP(RenewKey, key_free)

static int key_make_thumbprint(RenewKey *key)
{
        _cleanup_free_ char *jwk = NULL;
        unsigned char digest[32];
        int r = jwk_format(key, &jwk);

        if (r < 0)
                return r;
        r = gnutls_error(gnutls_hash_fast(GNUTLS_DIG_SHA256, jwk, strlen(jwk), digest));
        return r < 0 ? r : base64url_encode(digest, sizeof(digest), &key->thumbprint);
}

static int key_init(RenewKey *key)
{
        int r = gnutls_error(gnutls_privkey_init(&key->private));

        if (r == 0)
                r = gnutls_error(gnutls_privkey_import_x509(
                                key->private, key->x509, GNUTLS_PRIVKEY_IMPORT_COPY));
        if (r == 0)
                r = gnutls_error(gnutls_pubkey_init(&key->public));
        if (r == 0)
                r = gnutls_error(gnutls_pubkey_import_privkey(key->public, key->private, 0, 0));
        return r < 0 ? r : key_make_thumbprint(key);
}

static int key_alloc(RenewKey **ret)
{
        _cleanup_(key_freep) RenewKey *key = calloc(1, sizeof(*key));
        int r;

        if (!key)
                return -ENOMEM;
        key->n_ref = 1;
        r = gnutls_error(gnutls_x509_privkey_init(&key->x509));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(key);
        return 0;
}

RENEW_PUBLIC int renew_key_new(RenewKeyType type, RenewKey **ret_key)
{
        _cleanup_(key_freep) RenewKey *key = NULL;
        int r = key_alloc(&key);

        if (r < 0)
                return r;
        key->type = type;
        r = gnutls_error(gnutls_x509_privkey_generate(
                        key->x509, key_types[type].algorithm, key_types[type].bits, 0));
        if (r == 0)
                r = key_init(key);
        if (r < 0)
                return r;
        *ret_key = TAKE_PTR(key);
        return 0;
}

static int key_find_type(RenewKey *key)
{
        gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
        unsigned bits = 0;
        int algorithm = gnutls_x509_privkey_get_pk_algorithm2(key->x509, &bits);

        if (algorithm == GNUTLS_PK_ECDSA) {
                if (gnutls_x509_privkey_export_ecc_raw(key->x509, &curve, NULL, NULL, NULL) < 0)
                        return RENEW_E_WEAK_KEY;
                bits = (unsigned) GNUTLS_CURVE_TO_BITS(curve);
        }
        for (size_t i = 0; i < ELEMENTSOF(key_types); i++)
                if ((int) key_types[i].algorithm == algorithm && key_types[i].bits == bits) {
                        key->type = (RenewKeyType) i;
                        return 0;
                }
        return RENEW_E_WEAK_KEY;
}

RENEW_PUBLIC int renew_key_from_pem(const char *pem, size_t size, RenewKey **ret_key)
{
        _cleanup_(key_freep) RenewKey *key = NULL;
        const gnutls_datum_t data = { .data = (void *) (uintptr_t) pem, .size = (unsigned) size };
        int r;

        /* GnuTLS would also take DER. */
        if (size > LIMIT_STATE_FILE || !memmem(pem, size, "-----BEGIN ", strlen("-----BEGIN ")))
                return RENEW_E_BAD_PEM;
        r = key_alloc(&key);
        if (r < 0)
                return r;
        r = gnutls_x509_privkey_import2(
                        key->x509, &data, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
        if (r < 0)
                return r == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : RENEW_E_BAD_PEM;
        r = key_find_type(key);
        if (r != 0)
                return r;
        /* A flipped bit would otherwise show as a signature that nobody accepts. */
        r = gnutls_x509_privkey_verify_params(key->x509);
        if (r < 0)
                return r == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : RENEW_E_BAD_PEM;
        r = key_init(key);
        if (r < 0)
                return r;
        *ret_key = TAKE_PTR(key);
        return 0;
}

RENEW_PUBLIC int renew_key_to_pem(const RenewKey *key, char **ret_pem)
{
        _cleanup_secret_ gnutls_datum_t pem = {};
        char *copy;
        int r = gnutls_error(gnutls_x509_privkey_export2_pkcs8(
                        key->x509, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem));

        if (r < 0)
                return r;
        copy = strndup((const char *) pem.data, pem.size);
        if (!copy)
                return -ENOMEM;
        *ret_pem = copy;
        return 0;
}

RENEW_PUBLIC void renew_secret_free(char *secret)
{
        (void) text_wipe_free(secret);
}

RENEW_PUBLIC RenewKey *renew_key_ref(RenewKey *key)
{
        assert(key->n_ref > 0);
        key->n_ref++;
        return key;
}

RENEW_PUBLIC RenewKey *renew_key_unref(RenewKey *key)
{
        if (key && --key->n_ref == 0)
                (void) key_free(key);
        return NULL;
}

RENEW_PUBLIC RenewKeyType renew_key_type(const RenewKey *key)
{
        return key->type;
}

RENEW_PUBLIC const char *renew_key_thumbprint(const RenewKey *key)
{
        return key->thumbprint;
}

RENEW_PUBLIC bool renew_key_equal(const RenewKey *a, const RenewKey *b)
{
        return streq(a->thumbprint, b->thumbprint);
}

RENEW_PUBLIC const char *renew_key_type_to_string(RenewKeyType type)
{
        return key_types[type].name;
}

RENEW_PUBLIC int renew_key_type_from_string(const char *s, RenewKeyType *ret_type)
{
        for (size_t i = 0; i < ELEMENTSOF(key_types); i++)
                if (streq(key_types[i].name, s)) {
                        *ret_type = (RenewKeyType) i;
                        return 0;
                }
        return -EINVAL;
}

gnutls_digest_algorithm_t key_digest(const RenewKey *key)
{
        return key->type == RENEW_KEY_ECDSA_P384 ? GNUTLS_DIG_SHA384 : GNUTLS_DIG_SHA256;
}

int key_copy_number(const gnutls_datum_t *number, unsigned char *to, size_t width)
{
        const unsigned char *from = number->data;
        size_t size = number->size;

        while (size > 0 && *from == 0) {
                from++;
                size--;
        }
        if (size > width)
                return -EIO;
        memset(to, 0, width - size);
        memcpy(to + width - size, from, size);
        return 0;
}
