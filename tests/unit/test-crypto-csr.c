/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The CSR holds the names and nothing else that a CA could stumble over. */

#include "crypto-util.h"

#include "crypto/base64url.h"
#include "crypto/csr.h"

static gnutls_x509_crq_t make(
                const RenewKey *key, const RenewIdentifier *identifiers, size_t n_identifiers)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_free_ void *der = NULL;
        gnutls_x509_crq_t crq;
        size_t size;

        assert_int_equal(csr_format(key, identifiers, n_identifiers, &text), 0);
        assert_int_equal(base64url_decode(text, &der, &size), 0);
        assert_int_equal(gnutls_x509_crq_init(&crq), 0);
        assert_int_equal(gnutls_x509_crq_import(crq, &(gnutls_datum_t){ der, (unsigned) size },
                                         GNUTLS_X509_FMT_DER),
                        0);
        return crq;
}

/* "dns:a.example" or "ip:192.0.2.1", the i-th name; NULL beyond the last. */
static char *name(gnutls_x509_crq_t crq, unsigned i)
{
        char value[300], text[INET6_ADDRSTRLEN];
        size_t size = sizeof(value);
        int r = gnutls_x509_crq_get_subject_alt_name(crq, i, value, &size, NULL, NULL);

        if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                return NULL;
        if (r == GNUTLS_SAN_DNSNAME)
                return text_format("dns:%.*s", (int) size, value);
        assert_int_equal(r, GNUTLS_SAN_IPADDRESS);
        assert_true(size == 4 || size == 16);
        return text_format("ip:%s",
                        inet_ntop(size == 4 ? AF_INET : AF_INET6, value, text, sizeof(text)));
}

static void check_nothing_else(gnutls_x509_crq_t crq)
{
        char buffer[300];
        size_t size = sizeof(buffer);
        unsigned critical;

        /* An empty subject. */
        assert_int_equal(gnutls_x509_crq_get_dn_by_oid(
                                         crq, GNUTLS_OID_X520_COMMON_NAME, 0, 0, buffer, &size),
                        GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
        size = sizeof(buffer);
        assert_int_equal(gnutls_x509_crq_get_dn_oid(crq, 0, buffer, &size),
                        GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
        /* One extension, and one attribute, which holds it. */
        size = sizeof(buffer);
        assert_int_equal(gnutls_x509_crq_get_extension_info(crq, 0, buffer, &size, &critical), 0);
        assert_string_equal(buffer, GNUTLS_X509EXT_OID_SAN);
        size = sizeof(buffer);
        assert_int_equal(gnutls_x509_crq_get_extension_info(crq, 1, buffer, &size, &critical),
                        GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
        size = sizeof(buffer);
        assert_int_equal(gnutls_x509_crq_get_attribute_info(crq, 0, buffer, &size), 0);
        assert_string_equal(buffer, "1.2.840.113549.1.9.14"); /* extensionRequest */
        size = sizeof(buffer);
        assert_int_equal(gnutls_x509_crq_get_attribute_info(crq, 1, buffer, &size),
                        GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
}

static void check_key(gnutls_x509_crq_t crq, const RenewKey *key)
{
        unsigned char ours[64], theirs[64];
        size_t size = sizeof(ours), n = sizeof(theirs);

        assert_true(gnutls_x509_crq_verify(crq, 0) >= 0);
        assert_int_equal(gnutls_x509_crq_get_version(crq), 1);
        assert_int_equal(gnutls_x509_crq_get_key_id(crq, 0, theirs, &n), 0);
        assert_int_equal(gnutls_pubkey_get_key_id(key->public, 0, ours, &size), 0);
        assert_int_equal(size, n);
        assert_memory_equal(ours, theirs, n);
}

static void check_names(gnutls_x509_crq_t crq, const char *const *expected, unsigned n)
{
        _cleanup_free_ char *beyond = name(crq, n);

        assert_null(beyond);
        for (unsigned i = 0; i < n; i++) {
                _cleanup_free_ char *found = name(crq, i);

                assert_non_null(found);
                assert_string_equal(found, expected[i]);
        }
}

static void test_kinds(void **state)
{
        static const struct {
                RenewKeyType type;
                gnutls_sign_algorithm_t algorithm;
        } table[] = {
                { RENEW_KEY_ECDSA_P256, GNUTLS_SIGN_ECDSA_SHA256 },
                { RENEW_KEY_ECDSA_P384, GNUTLS_SIGN_ECDSA_SHA384 },
                { RENEW_KEY_RSA_2048, GNUTLS_SIGN_RSA_SHA256 },
                { RENEW_KEY_RSA_3072, GNUTLS_SIGN_RSA_SHA256 },
        };
        static const RenewIdentifier identifiers[] = { { RENEW_IDENTIFIER_DNS, "www.example.com" },
                { RENEW_IDENTIFIER_IP, "192.0.2.1" }, { RENEW_IDENTIFIER_DNS, "example.com" },
                { RENEW_IDENTIFIER_IP, "2001:db8::1" },
                { RENEW_IDENTIFIER_DNS, "xn--bcher-kva.example" } };
        static const char *const expected[] = { "dns:www.example.com", "ip:192.0.2.1",
                "dns:example.com", "ip:2001:db8::1", "dns:xn--bcher-kva.example" };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                RenewKey *key = test_key(table[i].type);
                gnutls_x509_crq_t crq = make(key, identifiers, ELEMENTSOF(identifiers));

                check_names(crq, expected, ELEMENTSOF(expected));
                check_nothing_else(crq);
                check_key(crq, key);
                assert_int_equal(gnutls_x509_crq_get_signature_algorithm(crq), table[i].algorithm);
                gnutls_x509_crq_deinit(crq);
                renew_key_unref(key);
        }
}

static void test_many_names(void **state)
{
        enum {
                N = 100
        };
        RenewKey *key = test_key(RENEW_KEY_ECDSA_P256);
        RenewIdentifier identifiers[N];
        char *names[N];
        gnutls_x509_crq_t crq;

        for (unsigned i = 0; i < N; i++) {
                /* 253 characters: the longest that there are. */
                names[i] = text_format("%063u.%063u.%063u.%061u", i, i, i, i);
                identifiers[i] = (RenewIdentifier){ RENEW_IDENTIFIER_DNS, names[i] };
        }
        crq = make(key, identifiers, N);
        for (unsigned i = 0; i < N; i++) {
                _cleanup_free_ char *found = name(crq, i);

                assert_string_equal(found + strlen("dns:"), names[i]);
                free(names[i]);
        }
        assert_null(name(crq, N));
        gnutls_x509_crq_deinit(crq);
        renew_key_unref(key);
}

static void test_no_address(void **state)
{
        static const char *const table[] = { "", "192.0.2", "192.0.2.256", "example.com",
                "[2001:db8::1]", "fe80::1%eth0", "2001:db8::g" };
        RenewKey *key = test_key(RENEW_KEY_ECDSA_P256);

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const RenewIdentifier identifier = { RENEW_IDENTIFIER_IP, table[i] };
                char *text = NULL;

                assert_int_equal(csr_format(key, &identifier, 1, &text), -EINVAL);
                assert_null(text);
        }
        renew_key_unref(key);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_many_names),
                cmocka_unit_test(test_no_address),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
