/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The last gate before files are switched: every refusal, word for word, and what is let through.
 */

#include "crypto-util.h"

#include <renew/x509.h>

static const RenewIdentifier wanted[] = { { RENEW_IDENTIFIER_DNS, "www.example.com" },
        { RENEW_IDENTIFIER_DNS, "example.com" } };

/* Keys are made once; each test makes the certificates that it wants wrong. */
typedef struct Pki {
        RenewKey *root_key, *issuer_key, *key, *other_key;
        gnutls_x509_crt_t root, issuer;
} Pki;

static Pki pki;

static int setup(void **state)
{
        pki.root_key = test_key(RENEW_KEY_ECDSA_P384);
        pki.issuer_key = test_key(RENEW_KEY_ECDSA_P256);
        pki.key = test_key(RENEW_KEY_ECDSA_P256);
        pki.other_key = test_key(RENEW_KEY_ECDSA_P256);
        pki.root = test_certificate(pki.root_key,
                        (TestCertificate){
                                        .subject = "Root", .ca = true, .from = -900, .to = 900 });
        pki.issuer = test_certificate(pki.issuer_key, (TestCertificate){ .subject = "Issuer",
                                                                      .ca = true,
                                                                      .from = -300,
                                                                      .to = 300,
                                                                      .issuer = pki.root,
                                                                      .issuer_key = pki.root_key });
        return 0;
}

static int teardown(void **state)
{
        gnutls_x509_crt_deinit(pki.root);
        gnutls_x509_crt_deinit(pki.issuer);
        renew_key_unref(pki.root_key);
        renew_key_unref(pki.issuer_key);
        renew_key_unref(pki.key);
        renew_key_unref(pki.other_key);
        return 0;
}

/* --- helpers ---------------------------------------------------------------------------------- */

/* What is wrong with certificates, at an instant; NULL when nothing is. The caller frees. */
static char *judge(const char *pem, const RenewKey *key, const RenewIdentifier *identifiers,
                size_t n_identifiers, RenewUsec now)
{
        RenewChain *chain = NULL;
        char *reason = NULL;
        int r;

        assert_int_equal(renew_chain_from_pem(pem, strlen(pem), &chain, &reason), 0);
        r = renew_chain_check(chain, key, identifiers, n_identifiers, now, &reason);
        if (r == 0)
                assert_null(reason);
        else {
                assert_int_equal(r, RENEW_E_BAD_CERTIFICATE);
                assert_non_null(reason);
                assert_int_equal(text_printable(reason, strlen(reason)), strlen(reason));
        }
        renew_chain_free(chain);
        return reason;
}

static void check_pem(const char *pem, RenewUsec now, const char *expected)
{
        _cleanup_free_ char *reason = judge(pem, pki.key, wanted, ELEMENTSOF(wanted), now);

        if (expected) {
                assert_non_null(reason);
                assert_string_equal(reason, expected);
        } else
                assert_null(reason);
}

/* A leaf of the intermediate, with what is to be wrong about it. */
static TestCertificate good_leaf(void)
{
        return (TestCertificate){
                .dns = { "example.com", "www.example.com" },
                .issuer = pki.issuer,
                .issuer_key = pki.issuer_key,
        };
}

static void check_leaf_at(TestCertificate leaf, RenewUsec now, const char *expected)
{
        gnutls_x509_crt_t crt = test_certificate(pki.key, leaf);
        _cleanup_free_ char *pem = test_pem(crt, pki.issuer, NULL);

        check_pem(pem, now, expected);
        gnutls_x509_crt_deinit(crt);
}

static void check_leaf(TestCertificate leaf, const char *expected)
{
        check_leaf_at(leaf, TEST_NOW, expected);
}

/* --- good ------------------------------------------------------------------------------------- */

static void test_good(void **state)
{
        gnutls_x509_crt_t leaf = test_certificate(pki.key, good_leaf());
        _cleanup_free_ char *alone = test_pem(leaf, NULL);
        _cleanup_free_ char *usual = test_pem(leaf, pki.issuer, NULL);
        _cleanup_free_ char *whole = test_pem(leaf, pki.issuer, pki.root, NULL);

        check_pem(usual, TEST_NOW, NULL);
        check_pem(whole, TEST_NOW, NULL);
        check_pem(alone, TEST_NOW, NULL); /* a CA that hands out no issuers */
        gnutls_x509_crt_deinit(leaf);
}

/* --- key -------------------------------------------------------------------------------------- */

static void test_other_key(void **state)
{
        gnutls_x509_crt_t leaf = test_certificate(pki.other_key, good_leaf());
        _cleanup_free_ char *pem = test_pem(leaf, pki.issuer, NULL);

        check_pem(pem, TEST_NOW, "it is for another key than ours");
        gnutls_x509_crt_deinit(leaf);
}

/* --- names ------------------------------------------------------------------------------------ */

static void test_names(void **state)
{
        static const struct {
                const char *dns[4];
                const char *expected;
        } table[] = {
                { { "example.com", "www.example.com" }, NULL },
                { { "www.example.com", "example.com" }, NULL },
                { { "WWW.Example.COM", "EXAMPLE.com" }, NULL },
                { { "example.com", "www.example.com", "example.com" }, NULL }, /* a set */
                { { "example.com" }, "it does not name www.example.com" },
                { { NULL }, "it does not name www.example.com" },
                { { "example.com", "www.example.org" }, "it does not name www.example.com" },
                { { "example.com", "*.example.com" }, "it does not name www.example.com" },
                { { "example.com.", "www.example.com" }, "it does not name example.com" },
                { { "example.com", "www.example.com", "evil.example" },
                                "it names evil.example, which was not asked for" },
                { { "example.com", "www.example.com", "*.example.com" },
                                "it names *.example.com, which was not asked for" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                TestCertificate leaf = good_leaf();

                memcpy(leaf.dns, table[i].dns, sizeof(leaf.dns));
                check_leaf(leaf, table[i].expected);
        }
}

/* No client reads the common name any more, and neither do we. */
static void test_common_name(void **state)
{
        TestCertificate leaf = good_leaf();

        leaf.subject = "evil.example";
        check_leaf(leaf, NULL);
        leaf.subject = "www.example.com";
        leaf.dns[1] = NULL;
        check_leaf(leaf, "it does not name www.example.com");
}

static void test_other_kinds_of_name(void **state)
{
        TestCertificate leaf = good_leaf();

        leaf.uri = "https://example.com/";
        check_leaf(leaf, "it names something that is neither a DNS name nor an address");
        leaf.uri = NULL;
        leaf.ip[0] = "192.0.2.1";
        check_leaf(leaf, "it names 192.0.2.1, which was not asked for");
}

static void test_addresses(void **state)
{
        static const RenewIdentifier identifiers[] = { { RENEW_IDENTIFIER_IP, "192.0.2.1" },
                { RENEW_IDENTIFIER_IP, "2001:db8::1" } };
        static const struct {
                const char *dns[4], *ip[4];
                const char *expected;
        } table[] = {
                { { NULL }, { "2001:DB8:0::1", "192.0.2.1" }, NULL },
                { { NULL }, { "192.0.2.1" }, "it does not name 2001:db8::1" },
                { { NULL }, { "192.0.2.2", "2001:db8::1" }, "it does not name 192.0.2.1" },
                { { "192.0.2.1" }, { "2001:db8::1" }, "it does not name 192.0.2.1" },
                { { NULL }, { "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1" },
                                "it names ::ffff:192.0.2.1, which was not asked for" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                TestCertificate c = good_leaf();
                _cleanup_free_ char *pem = NULL, *reason = NULL;
                gnutls_x509_crt_t crt;

                memcpy(c.dns, table[i].dns, sizeof(c.dns));
                memcpy(c.ip, table[i].ip, sizeof(c.ip));
                crt = test_certificate(pki.key, c);
                pem = test_pem(crt, pki.issuer, NULL);
                reason = judge(pem, pki.key, identifiers, ELEMENTSOF(identifiers), TEST_NOW);
                if (table[i].expected)
                        assert_string_equal(reason, table[i].expected);
                else
                        assert_null(reason);
                gnutls_x509_crt_deinit(crt);
        }
}

/* --- time ------------------------------------------------------------------------------------- */

static void test_time(void **state)
{
        TestCertificate leaf = good_leaf();
        RenewUsec from, until;

        leaf.from = 0;
        leaf.to = 10;
        from = TEST_NOW;
        until = TEST_NOW + 10 * USEC_PER_DAY;
        check_leaf_at(leaf, from, NULL);
        check_leaf_at(leaf, until - 1, NULL);
        check_leaf_at(leaf, until,
                        "it ended at 2026-10-01T14:13:20Z (our clock says 2026-10-01T14:13:20Z)");
        check_leaf_at(leaf, until + 10 * USEC_PER_DAY,
                        "it ended at 2026-10-01T14:13:20Z (our clock says 2026-10-11T14:13:20Z)");
        /* An hour of skew, to the microsecond. */
        check_leaf_at(leaf, from - USEC_PER_HOUR, NULL);
        check_leaf_at(leaf, from - USEC_PER_HOUR - 1,
                        "it is valid only from 2026-09-21T14:13:20Z on (our clock says "
                        "2026-09-21T13:13:19Z)");
        check_leaf_at(leaf, 0,
                        "it is valid only from 2026-09-21T14:13:20Z on (our clock says "
                        "1970-01-01T00:00:00Z)");
        /* Not even the end of time is overrun. */
        check_leaf_at(leaf, RENEW_USEC_NEVER,
                        "it ended at 2026-10-01T14:13:20Z (our clock says -)");
}

static void test_issuer_time(void **state)
{
        static const struct {
                long from, to;
                const char *expected;
        } table[] = {
                { -300, -1,
                                "certificate 2 of its chain ended at 2026-09-20T14:13:20Z (our "
                                "clock "
                                "says 2026-09-21T14:13:20Z)" },
                { 1, 300,
                                "certificate 2 of its chain is valid only from "
                                "2026-09-22T14:13:20Z "
                                "on (our clock says 2026-09-21T14:13:20Z)" },
                { -300, 1, NULL }, /* shorter than the leaf's is well */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                TestCertificate c = good_leaf();
                gnutls_x509_crt_t leaf,
                                issuer = test_certificate(pki.issuer_key,
                                                (TestCertificate){ .subject = "Issuer",
                                                                .ca = true,
                                                                .from = table[i].from,
                                                                .to = table[i].to,
                                                                .issuer = pki.root,
                                                                .issuer_key = pki.root_key });
                _cleanup_free_ char *pem = NULL;

                c.issuer = issuer;
                leaf = test_certificate(pki.key, c);
                pem = test_pem(leaf, issuer, NULL);
                check_pem(pem, TEST_NOW, table[i].expected);
                gnutls_x509_crt_deinit(issuer);
                gnutls_x509_crt_deinit(leaf);
        }
}

/* --- purpose ---------------------------------------------------------------------------------- */

static void test_purpose(void **state)
{
        TestCertificate leaf = good_leaf();

        leaf.purpose = GNUTLS_KP_TLS_WWW_CLIENT;
        check_leaf(leaf, "it may not be used by servers (no serverAuth)");
        leaf.purpose = GNUTLS_KP_EMAIL_PROTECTION;
        check_leaf(leaf, "it may not be used by servers (no serverAuth)");
        leaf.purpose = ""; /* RFC 5280 section 4.2.1.12: without the extension all is permitted */
        check_leaf(leaf, NULL);
        leaf.purpose = GNUTLS_KP_ANY;
        check_leaf(leaf, NULL);
}

static void test_two_purposes(void **state)
{
        gnutls_x509_crt_t leaf = test_certificate(pki.key, good_leaf());
        _cleanup_free_ char *pem = NULL;

        assert_int_equal(gnutls_x509_crt_set_key_purpose_oid(leaf, GNUTLS_KP_TLS_WWW_CLIENT, 0), 0);
        assert_int_equal(gnutls_x509_crt_privkey_sign(leaf, pki.issuer, pki.issuer_key->private,
                                         GNUTLS_DIG_SHA256, 0),
                        0);
        pem = test_pem(leaf, pki.issuer, NULL);
        check_pem(pem, TEST_NOW, NULL);
        gnutls_x509_crt_deinit(leaf);
}

static void test_ca_leaf(void **state)
{
        TestCertificate leaf = good_leaf();

        leaf.ca = true;
        leaf.subject = "www.example.com";
        check_leaf(leaf, "it is a CA's own certificate");
}

/* Whether it is a CA cannot be read: then it is none that we use. */
static void test_odd_constraints(void **state)
{
        gnutls_x509_crt_t leaf = test_certificate(pki.key, good_leaf());
        _cleanup_free_ char *pem = NULL;

        assert_int_equal(gnutls_x509_crt_set_extension_by_oid(leaf,
                                         GNUTLS_X509EXT_OID_BASIC_CONSTRAINTS, "\x04\x01x", 3, 1),
                        0);
        assert_int_equal(gnutls_x509_crt_privkey_sign(leaf, pki.issuer, pki.issuer_key->private,
                                         GNUTLS_DIG_SHA256, 0),
                        0);
        pem = test_pem(leaf, pki.issuer, NULL);
        check_pem(pem, TEST_NOW, "whether it is a CA's own certificate cannot be read");
        gnutls_x509_crt_deinit(leaf);
}

/* No CA signs with the key that only we have. */
static void test_self_signed(void **state)
{
        TestCertificate c = good_leaf();
        gnutls_x509_crt_t leaf;
        _cleanup_free_ char *pem = NULL;

        c.issuer = NULL;
        c.issuer_key = NULL;
        c.subject = "www.example.com";
        leaf = test_certificate(pki.key, c);
        pem = test_pem(leaf, NULL);
        check_pem(pem, TEST_NOW, "no CA signed it: it is its own issuer");
        gnutls_x509_crt_deinit(leaf);
}

/* --- links ------------------------------------------------------------------------------------ */

#define NOT_ISSUED(a, b) "its chain is broken: certificate " #a " is not issued by certificate " #b
#define NOT_SIGNED(a, b) \
        "its chain is broken: certificate " #a "'s signature by certificate " #b " is not good"

static void test_order(void **state)
{
        gnutls_x509_crt_t leaf = test_certificate(pki.key, good_leaf());
        _cleanup_free_ char *without = test_pem(leaf, pki.root, NULL);
        _cleanup_free_ char *swapped = test_pem(leaf, pki.root, pki.issuer, NULL);
        _cleanup_free_ char *twice = test_pem(leaf, leaf, pki.issuer, NULL);
        _cleanup_free_ char *doubled = test_pem(leaf, pki.issuer, pki.issuer, NULL);
        _cleanup_free_ char *backwards = test_pem(pki.issuer, leaf, NULL);

        check_pem(without, TEST_NOW, NOT_ISSUED(1, 2));
        check_pem(swapped, TEST_NOW, NOT_ISSUED(1, 2));
        check_pem(twice, TEST_NOW, NOT_ISSUED(1, 2));
        check_pem(doubled, TEST_NOW, NOT_ISSUED(2, 3));
        check_pem(backwards, TEST_NOW, "it is for another key than ours");
        gnutls_x509_crt_deinit(leaf);
}

/* The issuer's name and key id, but another key. */
static void test_broken_signature(void **state)
{
        TestCertificate c = good_leaf();
        unsigned char id[64];
        size_t size = sizeof(id);
        _cleanup_free_ char *hex = NULL, *pem = NULL;
        gnutls_x509_crt_t leaf;

        assert_int_equal(gnutls_pubkey_get_key_id(pki.issuer_key->public, 0, id, &size), 0);
        hex = text_hex(id, size);
        c.authority = hex;
        c.issuer_key = pki.other_key;
        leaf = test_certificate(pki.key, c);
        pem = test_pem(leaf, pki.issuer, NULL);
        check_pem(pem, TEST_NOW, NOT_SIGNED(1, 2));
        gnutls_x509_crt_deinit(leaf);
}

/* Any octet of the leaf that changed on the way: never accepted, whatever it is. */
static void test_changed_octets(void **state)
{
        gnutls_x509_crt_t leaf = test_certificate(pki.key, good_leaf());
        _cleanup_datum_ gnutls_datum_t der = {};
        unsigned parsed = 0;

        assert_int_equal(gnutls_x509_crt_export2(leaf, GNUTLS_X509_FMT_DER, &der), 0);
        for (unsigned i = 0; i < der.size; i++) {
                _cleanup_datum_ gnutls_datum_t pem = {}, issuer = {};
                _cleanup_free_ char *text = NULL, *reason = NULL;
                RenewChain *chain = NULL;

                der.data[i] ^= 1;
                assert_int_equal(gnutls_pem_base64_encode2("CERTIFICATE", &der, &pem), 0);
                der.data[i] ^= 1;
                assert_int_equal(gnutls_x509_crt_export2(pki.issuer, GNUTLS_X509_FMT_PEM, &issuer),
                                0);
                text = text_format("%.*s%s", (int) pem.size, pem.data, issuer.data);
                if (renew_chain_from_pem(text, strlen(text), &chain, &reason) == 0) {
                        parsed++;
                        assert_int_equal(renew_chain_check(chain, pki.key, wanted,
                                                         ELEMENTSOF(wanted), TEST_NOW, &reason),
                                        RENEW_E_BAD_CERTIFICATE);
                }
                assert_non_null(reason);
                renew_chain_free(chain);
        }
        assert_true(parsed > der.size / 4); /* it was the check that found most of them */
        gnutls_x509_crt_deinit(leaf);
}

/* A certificate that is no CA's signed it. */
static void test_issuer_is_no_ca(void **state)
{
        TestCertificate c = good_leaf();
        gnutls_x509_crt_t leaf, issuer = test_certificate(pki.issuer_key,
                                                (TestCertificate){ .subject = "Issuer",
                                                                .issuer = pki.root,
                                                                .issuer_key = pki.root_key });
        _cleanup_free_ char *pem = NULL;

        c.issuer = issuer;
        leaf = test_certificate(pki.key, c);
        pem = test_pem(leaf, issuer, NULL);
        check_pem(pem, TEST_NOW, NOT_SIGNED(1, 2));
        gnutls_x509_crt_deinit(issuer);
        gnutls_x509_crt_deinit(leaf);
}

/* --- strength --------------------------------------------------------------------------------- */

static void check_issuer_key(RenewKey *issuer_key, const char *expected)
{
        TestCertificate c = good_leaf();
        gnutls_x509_crt_t leaf, issuer = test_certificate(issuer_key,
                                                (TestCertificate){ .subject = "Issuer",
                                                                .ca = true,
                                                                .issuer = pki.root,
                                                                .issuer_key = pki.root_key });
        _cleanup_free_ char *pem = NULL;

        c.issuer = issuer;
        c.issuer_key = issuer_key;
        leaf = test_certificate(pki.key, c);
        pem = test_pem(leaf, issuer, NULL);
        check_pem(pem, TEST_NOW, expected);
        gnutls_x509_crt_deinit(issuer);
        gnutls_x509_crt_deinit(leaf);
        renew_key_unref(issuer_key);
}

static void test_issuer_strength(void **state)
{
        check_issuer_key(test_odd_key(GNUTLS_PK_RSA, 1024),
                        "certificate 2 of its chain has a key that is too weak (RSA, 1024 bits)");
        check_issuer_key(test_key(RENEW_KEY_RSA_2048), NULL);
        check_issuer_key(test_odd_key(GNUTLS_PK_ECDSA,
                                         GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1)),
                        NULL);
}

static void test_leaf_strength(void **state)
{
        RenewKey *weak = test_odd_key(GNUTLS_PK_RSA, 1024);
        gnutls_x509_crt_t leaf = test_certificate(weak, good_leaf());
        _cleanup_free_ char *pem = test_pem(leaf, pki.issuer, NULL), *reason = NULL;

        reason = judge(pem, weak, wanted, ELEMENTSOF(wanted), TEST_NOW);
        assert_string_equal(reason, "it has a key that is too weak (RSA, 1024 bits)");
        gnutls_x509_crt_deinit(leaf);
        renew_key_unref(weak);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_other_key),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_common_name),
                cmocka_unit_test(test_other_kinds_of_name),
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_time),
                cmocka_unit_test(test_issuer_time),
                cmocka_unit_test(test_purpose),
                cmocka_unit_test(test_two_purposes),
                cmocka_unit_test(test_ca_leaf),
                cmocka_unit_test(test_odd_constraints),
                cmocka_unit_test(test_self_signed),
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_broken_signature),
                cmocka_unit_test(test_changed_octets),
                cmocka_unit_test(test_issuer_is_no_ca),
                cmocka_unit_test(test_issuer_strength),
                cmocka_unit_test(test_leaf_strength),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
