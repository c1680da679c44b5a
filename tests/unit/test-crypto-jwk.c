/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public key as JSON: RFC 7638's own example, and the keys that others get wrong. */

#include "crypto-util.h"

#include <jansson.h>

#include "crypto/base64url.h"
#include "crypto/jwk.h"

static char *member(const char *jwk, const char *name)
{
        json_t *j = json_loads(jwk, JSON_REJECT_DUPLICATES, NULL);
        const char *value = json_string_value(json_object_get(j, name));
        char *copy = value ? strdup(value) : NULL;

        json_decref(j);
        assert_non_null(copy);
        return copy;
}

static gnutls_datum_t number(const char *jwk, const char *name)
{
        _cleanup_free_ char *text = member(jwk, name);
        void *data;
        size_t size;

        assert_int_equal(base64url_decode(text, &data, &size), 0);
        return (gnutls_datum_t){ .data = data, .size = (unsigned) size };
}

/* --- RFC 7638 --------------------------------------------------------------------------------- */

#define RFC_N                                                                                      \
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"  \
        "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_" \
        "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhA"  \
        "I4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"

/* Section 3.1: the JSON that is hashed, and its SHA-256. */
static void test_rfc7638(void **state)
{
        RenewKey key = { .n_ref = 1, .type = RENEW_KEY_RSA_2048 };
        _cleanup_free_ char *jwk = NULL, *thumbprint = NULL;
        _cleanup_free_ void *n = NULL, *e = NULL;
        unsigned char digest[32];
        size_t n_size, e_size;

        assert_int_equal(base64url_decode(RFC_N, &n, &n_size), 0);
        assert_int_equal(base64url_decode("AQAB", &e, &e_size), 0);
        assert_int_equal(gnutls_pubkey_init(&key.public), 0);
        assert_int_equal(gnutls_pubkey_import_rsa_raw(key.public,
                                         &(gnutls_datum_t){ n, (unsigned) n_size },
                                         &(gnutls_datum_t){ e, (unsigned) e_size }),
                        0);
        assert_int_equal(jwk_format(&key, &jwk), 0);
        assert_string_equal(jwk, "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"" RFC_N "\"}");
        assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, jwk, strlen(jwk), digest), 0);
        assert_int_equal(base64url_encode(digest, sizeof(digest), &thumbprint), 0);
        assert_string_equal(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        gnutls_pubkey_deinit(key.public);
}

/* --- coordinates ------------------------------------------------------------------------------ */

/* Canonical: required members only, sorted, no white space. */
static void check_shape(const char *jwk, const char *crv)
{
        _cleanup_free_ char *x = member(jwk, "x"), *y = member(jwk, "y"), *expected = NULL;

        expected = text_format(
                        "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", crv, x, y);
        assert_string_equal(jwk, expected);
}

/* The point in the text is the key's. */
static void check_point(const RenewKey *key, const gnutls_datum_t *x, const gnutls_datum_t *y)
{
        unsigned char ours[64], theirs[64];
        size_t size = sizeof(ours), n = sizeof(theirs);
        gnutls_pubkey_t again;

        assert_int_equal(gnutls_pubkey_init(&again), 0);
        assert_int_equal(gnutls_pubkey_import_ecc_raw(again,
                                         key->type == RENEW_KEY_ECDSA_P384
                                                         ? GNUTLS_ECC_CURVE_SECP384R1
                                                         : GNUTLS_ECC_CURVE_SECP256R1,
                                         x, y),
                        0);
        assert_int_equal(gnutls_pubkey_get_key_id(key->public, 0, ours, &size), 0);
        assert_int_equal(gnutls_pubkey_get_key_id(again, 0, theirs, &n), 0);
        assert_int_equal(size, n);
        assert_memory_equal(ours, theirs, n);
        gnutls_pubkey_deinit(again);
}

/* Which of the key's coordinates begin with a zero octet: bit 0 for x, bit 1 for y. */
static unsigned check_key(const RenewKey *key)
{
        size_t width = key->type == RENEW_KEY_ECDSA_P384 ? 48 : 32;
        _cleanup_free_ char *jwk = NULL;
        gnutls_datum_t x, y;
        unsigned zeros;

        assert_int_equal(jwk_format(key, &jwk), 0);
        check_shape(jwk, key->type == RENEW_KEY_ECDSA_P384 ? "P-384" : "P-256");
        x = number(jwk, "x");
        y = number(jwk, "y");
        assert_int_equal(x.size, width);
        assert_int_equal(y.size, width);
        zeros = (x.data[0] == 0) | (unsigned) (y.data[0] == 0) << 1;
        check_point(key, &x, &y);
        free(x.data);
        free(y.data);
        return zeros;
}

/* One key in 256 has an x, and one a y, that others write in 31 octets. */
static void test_leading_zeros(void **state)
{
        static const RenewKeyType types[] = { RENEW_KEY_ECDSA_P256, RENEW_KEY_ECDSA_P384 };

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                unsigned seen = 0;

                for (unsigned n = 0; n < 20000 && seen != 3; n++) {
                        RenewKey *key = test_key(types[i]);

                        seen |= check_key(key);
                        renew_key_unref(key);
                }
                assert_int_equal(seen, 3);
        }
}

/* RSA numbers are as short as they can be (RFC 7518 section 6.3.1). */
static void test_rsa(void **state)
{
        RenewKey *key = test_key(RENEW_KEY_RSA_2048);
        _cleanup_free_ char *jwk = NULL, *e = NULL, *n = NULL, *expected = NULL;
        gnutls_datum_t modulus;

        assert_int_equal(jwk_format(key, &jwk), 0);
        e = member(jwk, "e");
        n = member(jwk, "n");
        assert_string_equal(e, "AQAB");
        modulus = number(jwk, "n");
        assert_int_equal(modulus.size, 256);
        assert_true(modulus.data[0] & 0x80);
        free(modulus.data);
        expected = text_format("{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", e, n);
        assert_string_equal(jwk, expected);
        renew_key_unref(key);
}

/* --- the copying of numbers ------------------------------------------------------------------- */

static void test_copy_number(void **state)
{
        static const struct {
                const char *from;
                unsigned size;
                const char *expected; /* four octets; NULL: does not fit */
        } table[] = {
                { "\x01\x02\x03\x04", 4, "\x01\x02\x03\x04" },
                { "\x00\x81\x02\x03\x04", 5, "\x81\x02\x03\x04" },
                { "\x00\x00\x00\x00\x00\x00\x07", 7, "\x00\x00\x00\x07" },
                { "\x02\x03", 2, "\x00\x00\x02\x03" },
                { "", 0, "\x00\x00\x00\x00" },
                { "\x00\x00\x00\x00\x00", 5, "\x00\x00\x00\x00" },
                { "\x01\x02\x03\x04\x05", 5, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                unsigned char to[4] = { 9, 9, 9, 9 };
                const gnutls_datum_t from = { .data = (void *) (uintptr_t) table[i].from,
                        .size = table[i].size };

                if (table[i].expected) {
                        assert_int_equal(key_copy_number(&from, to, sizeof(to)), 0);
                        assert_memory_equal(to, table[i].expected, sizeof(to));
                } else
                        assert_int_equal(key_copy_number(&from, to, sizeof(to)), -EIO);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rfc7638),
                cmocka_unit_test(test_leading_zeros),
                cmocka_unit_test(test_rsa),
                cmocka_unit_test(test_copy_number),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
