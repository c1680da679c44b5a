/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RENEW_KEY_H
#define RENEW_KEY_H

/**
 * @file key.h
 * Private keys of accounts and certificates. A key never changes after it was made.
 */

#include <stdbool.h>

#include <renew/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The kinds that public CAs take for certificates and accounts alike. */
typedef enum RenewKeyType {
        RENEW_KEY_ECDSA_P256, /**< signs ES256 */
        RENEW_KEY_ECDSA_P384, /**< signs ES384 */
        RENEW_KEY_RSA_2048,   /**< signs RS256, as do the other two */
        RENEW_KEY_RSA_3072,
        RENEW_KEY_RSA_4096,
} RenewKeyType;

typedef struct RenewKey RenewKey;

/**
 * Generates a key. RSA takes up to seconds; the function may run in another thread.
 * Return: 0, -ENOMEM, -EIO when the crypto library fails.
 */
RENEW_PUBLIC int renew_key_new(RenewKeyType type, RenewKey **ret_key);

/**
 * Reads a PEM private key (PKCS#8, or the older forms of RFC 5915 and PKCS#1), unencrypted.
 * Return: 0, -ENOMEM, RENEW_E_BAD_PEM, RENEW_E_WEAK_KEY for a kind or size not in RenewKeyType.
 */
RENEW_PUBLIC int renew_key_from_pem(const char *pem, size_t size, RenewKey **ret_key);

/**
 * The key as PKCS#8 PEM, terminated by a NUL. The caller frees it with renew_secret_free().
 * Return: 0, -ENOMEM, -EIO.
 */
RENEW_PUBLIC int renew_key_to_pem(const RenewKey *key, char **ret_pem);

/** Overwrites a string and frees it; accepts NULL. */
RENEW_PUBLIC void renew_secret_free(char *secret);

RENEW_PUBLIC RenewKey *renew_key_ref(RenewKey *key);

/** Drops a reference; accepts NULL. Return: NULL. */
RENEW_PUBLIC RenewKey *renew_key_unref(RenewKey *key);

RENEW_PUBLIC RenewKeyType renew_key_type(const RenewKey *key);

/** The JWK thumbprint, base64url of SHA-256 (RFC 7638): 43 characters. */
RENEW_PUBLIC const char *renew_key_thumbprint(const RenewKey *key);

/** Whether two keys are the same key. */
RENEW_PUBLIC bool renew_key_equal(const RenewKey *a, const RenewKey *b);

/** "ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096". */
RENEW_PUBLIC const char *renew_key_type_to_string(RenewKeyType type);

/** Return: 0 or -EINVAL. */
RENEW_PUBLIC int renew_key_type_from_string(const char *s, RenewKeyType *ret_type);

#ifdef __cplusplus
}
#endif

#endif
