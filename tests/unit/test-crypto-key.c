/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys: what is made, what is read back, what is refused. */

#include "crypto-util.h"

#include "crypto/base64url.h"

static const struct {
        const char *name;
        gnutls_pk_algorithm_t algorithm;
        unsigned bits;
} kinds[] = {
        [RENEW_KEY_ECDSA_P256] = { "ecdsa-p256", GNUTLS_PK_ECDSA, 256 },
        [RENEW_KEY_ECDSA_P384] = { "ecdsa-p384", GNUTLS_PK_ECDSA, 384 },
        [RENEW_KEY_RSA_2048] = { "rsa-2048", GNUTLS_PK_RSA, 2048 },
        [RENEW_KEY_RSA_3072] = { "rsa-3072", GNUTLS_PK_RSA, 3072 },
        [RENEW_KEY_RSA_4096] = { "rsa-4096", GNUTLS_PK_RSA, 4096 },
};

static int read_pem(const char *pem, RenewKey **ret)
{
        return renew_key_from_pem(pem, strlen(pem), ret);
}

static void test_kinds(void **state)
{
        for (unsigned i = 0; i < ELEMENTSOF(kinds); i++) {
                RenewKey *key = test_key((RenewKeyType) i), *again;
                unsigned bits = 0;
                char *pem;

                assert_int_equal(renew_key_type(key), i);
                assert_int_equal(gnutls_privkey_get_pk_algorithm(key->private, &bits),
                                kinds[i].algorithm);
                assert_int_equal(bits, kinds[i].bits);
                assert_int_equal(renew_key_to_pem(key, &pem), 0);
                assert_true(has_prefix(pem, "-----BEGIN PRIVATE KEY-----\n"));
                assert_int_equal(read_pem(pem, &again), 0);
                assert_int_equal(renew_key_type(again), i);
                assert_true(renew_key_equal(key, again));
                assert_string_equal(renew_key_thumbprint(key), renew_key_thumbprint(again));
                assert_int_equal(strlen(renew_key_thumbprint(key)), 43);
                renew_secret_free(pem);
                assert_null(renew_key_unref(again));
                assert_null(renew_key_unref(key));
        }
}

static void test_names(void **state)
{
        RenewKeyType type = RENEW_KEY_RSA_4096;

        for (unsigned i = 0; i < ELEMENTSOF(kinds); i++) {
                assert_string_equal(renew_key_type_to_string((RenewKeyType) i), kinds[i].name);
                assert_int_equal(renew_key_type_from_string(kinds[i].name, &type), 0);
                assert_int_equal(type, i);
        }
        assert_int_equal(renew_key_type_from_string("ecdsa-p521", &type), -EINVAL);
        assert_int_equal(renew_key_type_from_string("ECDSA-P256", &type), -EINVAL);
        assert_int_equal(renew_key_type_from_string("", &type), -EINVAL);
        assert_int_equal(type, RENEW_KEY_RSA_4096); /* untouched */
}

static void test_equal(void **state)
{
        RenewKey *a = test_key(RENEW_KEY_ECDSA_P256), *b = test_key(RENEW_KEY_ECDSA_P256);

        assert_true(renew_key_equal(a, a));
        assert_false(renew_key_equal(a, b));
        assert_ptr_equal(renew_key_ref(a), a);
        assert_null(renew_key_unref(a));
        assert_int_equal(strlen(renew_key_thumbprint(a)), 43); /* one reference is left */
        assert_null(renew_key_unref(a));
        assert_null(renew_key_unref(b));
        assert_null(renew_key_unref(NULL));
        renew_secret_free(NULL);
}

/* --- other forms ------------------------------------------------------------------------------ */

/* RFC 7515 appendix A.3.1 as SEC 1 (RFC 5915), which openssl ecparam -genkey writes with its
 * parameters in front. */
#define EC_BODY                                                              \
        "-----BEGIN EC PRIVATE KEY-----\n"                                   \
        "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n" \
        "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\n" \
        "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"                             \
        "-----END EC PRIVATE KEY-----\n"
#define EC_PARAMETERS                     \
        "-----BEGIN EC PARAMETERS-----\n" \
        "BggqhkjOPQMBBw==\n"              \
        "-----END EC PARAMETERS-----\n"

/* What GnuTLS calls the form of RFC 5915 or PKCS#1. */
static char *old_form(const RenewKey *key)
{
        _cleanup_datum_ gnutls_datum_t pem = {};

        assert_int_equal(gnutls_x509_privkey_export2(key->x509, GNUTLS_X509_FMT_PEM, &pem), 0);
        return strndup((const char *) pem.data, pem.size);
}

static void test_old_forms(void **state)
{
        for (unsigned i = 0; i < ELEMENTSOF(kinds); i++) {
                RenewKey *key, *again;
                _cleanup_free_ char *pem = NULL;

                if (i == RENEW_KEY_RSA_3072 || i == RENEW_KEY_RSA_4096)
                        continue; /* slow, and the same form */
                key = test_key((RenewKeyType) i);
                pem = old_form(key);
                assert_true(has_prefix(pem, key_is_ec(key) ? "-----BEGIN EC PRIVATE KEY-----"
                                                           : "-----BEGIN RSA PRIVATE KEY-----"));
                assert_int_equal(read_pem(pem, &again), 0);
                assert_true(renew_key_equal(key, again));
                renew_key_unref(again);
                renew_key_unref(key);
        }
}

static void test_openssl_form(void **state)
{
        RenewKey *plain, *with_parameters;

        assert_int_equal(read_pem(EC_BODY, &plain), 0);
        assert_int_equal(read_pem(EC_PARAMETERS EC_BODY, &with_parameters), 0);
        assert_true(renew_key_equal(plain, with_parameters));
        /* RFC 7517 and RFC 7638 do not give its thumbprint; openssl and python-cryptography do. */
        assert_string_equal(
                        renew_key_thumbprint(plain), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
        renew_key_unref(plain);
        renew_key_unref(with_parameters);
}

/* --- refused ---------------------------------------------------------------------------------- */

static void check_refused(const char *pem, size_t size, int expected)
{
        RenewKey *key = NULL;

        assert_int_equal(renew_key_from_pem(pem, size, &key), expected);
        assert_null(key);
}

static void check_weak(gnutls_pk_algorithm_t algorithm, unsigned bits)
{
        RenewKey *key = test_odd_key(algorithm, bits);
        _cleanup_datum_ gnutls_datum_t pem = {};

        assert_int_equal(gnutls_x509_privkey_export2_pkcs8(
                                         key->x509, GNUTLS_X509_FMT_PEM, NULL, 0, &pem),
                        0);
        check_refused((const char *) pem.data, pem.size, RENEW_E_WEAK_KEY);
        renew_key_unref(key);
}

static void test_weak(void **state)
{
        check_weak(GNUTLS_PK_RSA, 1024);
        check_weak(GNUTLS_PK_RSA, 2056); /* no CA's size */
        check_weak(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1));
        check_weak(GNUTLS_PK_EDDSA_ED25519, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519));
        check_weak(GNUTLS_PK_RSA_PSS, 2048);
}

static void test_not_pem(void **state)
{
        static const char *const table[] = { "", "x", "-----BEGIN PRIVATE KEY-----\n",
                "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", EC_PARAMETERS,
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" };
        RenewKey *key = test_key(RENEW_KEY_ECDSA_P256);
        _cleanup_datum_ gnutls_datum_t der = {}, locked = {};
        _cleanup_free_ char *large = malloc(2U << 20);

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                check_refused(table[i], strlen(table[i]), RENEW_E_BAD_PEM);
        /* Neither DER, nor what would need a password, nor what no key can be as large as. */
        assert_int_equal(gnutls_x509_privkey_export2_pkcs8(
                                         key->x509, GNUTLS_X509_FMT_DER, NULL, 0, &der),
                        0);
        check_refused((const char *) der.data, der.size, RENEW_E_BAD_PEM);
        assert_int_equal(gnutls_x509_privkey_export2_pkcs8(key->x509, GNUTLS_X509_FMT_PEM, "secret",
                                         GNUTLS_PKCS_PBES2_AES_256, &locked),
                        0);
        check_refused((const char *) locked.data, locked.size, RENEW_E_BAD_PEM);
        assert_non_null(large);
        memset(large, '\n', 2U << 20);
        memcpy(large, EC_BODY, strlen(EC_BODY));
        check_refused(large, 2U << 20, RENEW_E_BAD_PEM);
        renew_key_unref(key);
}

/*
 * A bit that flipped on disk: whatever bit it is, the key is refused or, where the bit says nothing
 * (spelling of base64), is the same key. A third thing would sign what nobody accepts.
 */
static void test_damaged(void **state)
{
        for (unsigned i = 0; i < 2; i++) {
                RenewKey *key = test_key(i ? RENEW_KEY_RSA_2048 : RENEW_KEY_ECDSA_P256);
                _cleanup_free_ char *pem = old_form(key);
                size_t size = strlen(pem), step = i ? 37 : 1;

                for (size_t at = 0; at < size; at += step) {
                        RenewKey *damaged = NULL;
                        int r;

                        pem[at] ^= 4;
                        r = renew_key_from_pem(pem, size, &damaged);
                        pem[at] ^= 4;
                        if (r == 0)
                                assert_true(renew_key_equal(key, damaged));
                        else
                                assert_true(r == RENEW_E_BAD_PEM || r == RENEW_E_WEAK_KEY);
                        renew_key_unref(damaged);
                }
                renew_key_unref(key);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_equal),
                cmocka_unit_test(test_old_forms),
                cmocka_unit_test(test_openssl_form),
                cmocka_unit_test(test_weak),
                cmocka_unit_test(test_not_pem),
                cmocka_unit_test(test_damaged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
