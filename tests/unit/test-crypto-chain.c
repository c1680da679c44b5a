/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a CA hands out, read: what is refused, what is told of the rest. */

#include "crypto-util.h"

#include <renew/x509.h>

#include "base/limits.h"
#include "crypto/chain.h"

/* A chain as a CA has it: leaf, intermediate, root. */
typedef struct Pki {
        RenewKey *root_key, *issuer_key, *key;
        gnutls_x509_crt_t root, issuer, leaf;
        char *leaf_pem, *issuer_pem, *root_pem;
} Pki;

static int setup(void **state)
{
        static Pki pki;
        Pki *p = &pki;

        p->root_key = test_key(RENEW_KEY_ECDSA_P384);
        p->issuer_key = test_key(RENEW_KEY_ECDSA_P256);
        p->key = test_key(RENEW_KEY_ECDSA_P256);
        p->root = test_certificate(p->root_key, (TestCertificate){ .subject = "Root", .ca = true });
        p->issuer = test_certificate(p->issuer_key, (TestCertificate){ .subject = "Issuer",
                                                                    .ca = true,
                                                                    .issuer = p->root,
                                                                    .issuer_key = p->root_key });
        p->leaf = test_certificate(
                        p->key, (TestCertificate){ .dns = { "www.example.com", "EXAMPLE.com" },
                                                .ip = { "192.0.2.1", "2001:db8::1" },
                                                .issuer = p->issuer,
                                                .issuer_key = p->issuer_key });
        p->leaf_pem = test_pem(p->leaf, NULL);
        p->issuer_pem = test_pem(p->issuer, NULL);
        p->root_pem = test_pem(p->root, NULL);
        *state = p;
        return 0;
}

static int teardown(void **state)
{
        Pki *p = *state;

        gnutls_x509_crt_deinit(p->root);
        gnutls_x509_crt_deinit(p->issuer);
        gnutls_x509_crt_deinit(p->leaf);
        renew_key_unref(p->root_key);
        renew_key_unref(p->issuer_key);
        renew_key_unref(p->key);
        free(p->leaf_pem);
        free(p->issuer_pem);
        free(p->root_pem);
        return 0;
}

/* --- helpers ---------------------------------------------------------------------------------- */

static RenewChain *parse(const char *pem)
{
        RenewChain *chain = NULL;
        char *reason = NULL;

        assert_int_equal(renew_chain_from_pem(pem, strlen(pem), &chain, &reason), 0);
        assert_non_null(chain);
        assert_null(reason);
        return chain;
}

static void check_refused_size(const char *pem, size_t size, const char *expected)
{
        RenewChain *chain = NULL;
        _cleanup_free_ char *reason = NULL;

        assert_int_equal(renew_chain_from_pem(pem, size, &chain, &reason), RENEW_E_BAD_PEM);
        assert_null(chain);
        assert_non_null(reason);
        assert_string_equal(reason, expected);
}

static void check_refused(const char *pem, const char *expected)
{
        check_refused_size(pem, strlen(pem), expected);
}

/* --- accepted --------------------------------------------------------------------------------- */

static void test_files(void **state)
{
        const Pki *p = *state;
        _cleanup_free_ char *issuers = text_format("%s%s", p->issuer_pem, p->root_pem);
        _cleanup_free_ char *full = text_format("%s%s", p->leaf_pem, issuers);
        RenewChain *chain = parse(full);

        assert_int_equal(renew_chain_length(chain), 3);
        assert_string_equal(renew_chain_leaf_pem(chain), p->leaf_pem);
        assert_string_equal(renew_chain_issuers_pem(chain), issuers);
        assert_string_equal(renew_chain_full_pem(chain), full);
        assert_null(renew_chain_free(chain));
        assert_null(renew_chain_free(NULL));
}

static void test_leaf_alone(void **state)
{
        const Pki *p = *state;
        RenewChain *chain = parse(p->leaf_pem);

        assert_int_equal(renew_chain_length(chain), 1);
        assert_string_equal(renew_chain_issuers_pem(chain), "");
        assert_string_equal(renew_chain_full_pem(chain), p->leaf_pem);
        assert_string_equal(renew_chain_top_issuer(chain), "Issuer");
        renew_chain_free(chain);
}

/* Line ends of the other kind, none at the end, empty lines: the files are the same. */
static void test_white_space(void **state)
{
        const Pki *p = *state;
        _cleanup_free_ char *plain = text_format("%s%s", p->leaf_pem, p->issuer_pem);
        _cleanup_free_ char *none = strndup(plain, strlen(plain) - 1);
        _cleanup_free_ char *around = text_format(
                        "\r\n\n \t%s\r\n\r\n \n%s\n\n\r\n\t ", p->leaf_pem, p->issuer_pem);
        _cleanup_free_ char *crlf = calloc(1, strlen(plain) * 2 + 1);
        const char *const table[] = { none, around, crlf };

        for (size_t i = 0, n = 0; plain[i]; i++) {
                if (plain[i] == '\n')
                        crlf[n++] = '\r';
                crlf[n++] = plain[i];
        }
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                RenewChain *chain = parse(table[i]);

                assert_string_equal(renew_chain_full_pem(chain), plain);
                renew_chain_free(chain);
        }
}

static void test_ten(void **state)
{
        const Pki *p = *state;
        _cleanup_free_ char *text = strdup(p->leaf_pem);
        RenewChain *chain;

        for (unsigned i = 1; i < 11; i++) {
                char *longer = text_format("%s%s", text, p->issuer_pem);

                free(text);
                text = longer;
                if (i == 9) {
                        chain = parse(text);
                        assert_int_equal(renew_chain_length(chain), 10);
                        renew_chain_free(chain);
                }
        }
        check_refused(text, "it holds more than 10 certificates");
}

/* --- refused ---------------------------------------------------------------------------------- */

/* RFC 8555 section 11.4: a private key in it must not reach a file; nor may anything else. */
static void test_other_blocks(void **state)
{
        const Pki *p = *state;
        static const char *const blocks[] = {
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
                "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
                "-----BEGIN X509 CERTIFICATE-----\nAAAA\n-----END X509 CERTIFICATE-----\n",
                "-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n",
                "-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n",
                "-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n",
                "----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "-----begin certificate-----\nAAAA\n-----end certificate-----\n",
                "-----END CERTIFICATE-----\n",
                "Subject: CN = www.example.com\n",
                "# a comment\n",
                "x",
                "\xef\xbb\xbf", /* a byte order mark */
                "\v",
                "\xc2\xa0",
                "<html></html>",
                "{}",
        };

        for (size_t i = 0; i < ELEMENTSOF(blocks); i++) {
                _cleanup_free_ char *before = text_format("%s%s", blocks[i], p->leaf_pem);
                _cleanup_free_ char *between = text_format(
                                "%s%s%s", p->leaf_pem, blocks[i], p->issuer_pem);
                _cleanup_free_ char *after = text_format("%s%s", p->leaf_pem, blocks[i]);
                const char *const table[] = { before, between, after, blocks[i] };

                for (size_t k = 0; k < ELEMENTSOF(table); k++)
                        check_refused(table[k], "it holds something that is not a certificate");
        }
}

static void test_nothing(void **state)
{
        check_refused("", "it holds no certificate");
        check_refused(" \r\n\t\n", "it holds no certificate");
}

static void test_cut(void **state)
{
        const Pki *p = *state;
        size_t size = strlen(p->leaf_pem) - 1; /* without the last newline it is whole */

        for (size_t n = 1; n < size; n++)
                check_refused_size(p->leaf_pem, n,
                                n < strlen("-----BEGIN CERTIFICATE-----")
                                                ? "it holds something that is not a certificate"
                                                : "its last certificate is cut off");
}

static void test_not_base64(void **state)
{
        const Pki *p = *state;
        static const char bad[] = "\0\v\f-_:\"\x80\xe9#,";

        for (size_t i = 0; i < sizeof(bad) - 1; i++) {
                _cleanup_free_ char *text = strdup(p->leaf_pem);

                text[100] = bad[i];
                check_refused_size(text, strlen(p->leaf_pem), "a certificate in it is not base64");
        }
        check_refused("-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n"
                      "-----END CERTIFICATE-----\n",
                        "a certificate in it is not base64");
        /* A block within a block. */
        check_refused("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nAAAA\n"
                      "-----END CERTIFICATE-----\n",
                        "a certificate in it is not base64");
}

static void test_not_decoded(void **state)
{
        static const char *const bodies[] = { "", "\n", "\nAAAA\n", "\nMIIB\n", "\n====\n",
                "\nMAA=\n" };

        for (size_t i = 0; i < ELEMENTSOF(bodies); i++) {
                _cleanup_free_ char *text = text_format(
                                "-----BEGIN CERTIFICATE-----%s-----END CERTIFICATE-----\n",
                                bodies[i]);

                check_refused(text, "a certificate in it cannot be decoded");
        }
}

static void test_large(void **state)
{
        const Pki *p = *state;
        size_t size = strlen(p->leaf_pem), largest = 256U * 1024;
        _cleanup_free_ char *text = malloc(largest + 1);
        RenewChain *chain = NULL;
        char *reason = NULL;

        memset(text, '\n', largest + 1);
        memcpy(text, p->leaf_pem, size);
        assert_int_equal(renew_chain_from_pem(text, largest, &chain, &reason), 0);
        renew_chain_free(chain);
        check_refused_size(text, largest + 1, "it is larger than 256 kB");
}

/* A name that cannot be read is no name to be passed over. */
static void test_bad_names(void **state)
{
        const Pki *p = *state;
        static const char *const bad[] = { "\x30\x03\x82\x05"
                                           "a",
                "\x04\x03"
                "abc" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                gnutls_x509_crt_t crt = test_certificate(
                                p->key, (TestCertificate){ .subject = "x" });
                _cleanup_free_ char *text = NULL;

                test_set_extension(crt, p->key, GNUTLS_X509EXT_OID_SAN, bad[i], 5);
                text = test_pem(crt, NULL);
                check_refused(text, "a certificate in it cannot be decoded");
                gnutls_x509_crt_deinit(crt);
        }
}

/* --- what is told of it ----------------------------------------------------------------------- */

static void test_accessors(void **state)
{
        const Pki *p = *state;
        _cleanup_free_ char *full = text_format("%s%s", p->leaf_pem, p->issuer_pem), *hex = NULL;
        RenewChain *chain = parse(full);
        unsigned char digest[32];
        size_t size = sizeof(digest), n;
        const RenewIdentifier *names = renew_chain_identifiers(chain, &n);

        assert_int_equal(renew_chain_not_before(chain),
                        (RenewUsec) (TEST_NOW_SECONDS - TEST_DAY) * USEC_PER_SEC);
        assert_int_equal(renew_chain_not_after(chain),
                        (RenewUsec) (TEST_NOW_SECONDS + 89 * TEST_DAY) * USEC_PER_SEC);
        assert_string_equal(renew_chain_serial(chain), "01");
        assert_string_equal(renew_chain_top_issuer(chain), "Root");
        assert_int_equal(gnutls_x509_crt_get_fingerprint(p->leaf, GNUTLS_DIG_SHA256, digest, &size),
                        0);
        hex = text_hex(digest, size);
        assert_string_equal(renew_chain_fingerprint(chain), hex);
        assert_int_equal(n, 4);
        assert_int_equal(names[0].type, RENEW_IDENTIFIER_DNS);
        assert_string_equal(names[0].value, "www.example.com");
        assert_string_equal(names[1].value, "example.com"); /* in lower case */
        assert_int_equal(names[2].type, RENEW_IDENTIFIER_IP);
        assert_string_equal(names[2].value, "192.0.2.1");
        assert_string_equal(names[3].value, "2001:db8::1");
        assert_true(renew_chain_matches_key(chain, p->key));
        assert_false(renew_chain_matches_key(chain, p->issuer_key));
        renew_chain_free(chain);
}

static void check_ari(const char *serial, const char *authority, const char *expected)
{
        RenewKey *key = test_key(RENEW_KEY_ECDSA_P256);
        gnutls_x509_crt_t crt = test_certificate(key,
                        (TestCertificate){
                                        .subject = "x", .serial = serial, .authority = authority });
        _cleanup_free_ char *text = test_pem(crt, NULL);
        RenewChain *chain = parse(text);

        if (expected)
                assert_string_equal(renew_chain_ari_id(chain), expected);
        else
                assert_null(renew_chain_ari_id(chain));
        renew_chain_free(chain);
        gnutls_x509_crt_deinit(crt);
        renew_key_unref(key);
}

/* RFC 9773 section 4.1 with its own example, whose serial needs a zero in front. */
static void test_ari_id(void **state)
{
        static const char authority[] = "69885B6B87464041E1B37B847BA0AE2CDE01C8D4";

        check_ari("0087654321", authority, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
        check_ari("07", authority, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.Bw");
        check_ari("7fffffffffffffffffffffffffffffffffffffff", "00ff",
                        "AP8.f_________________________8");
        check_ari("01", "", NULL);
}

/* Extensions that are there and name no key: as good as none. */
static void test_no_ari_id(void **state)
{
        const Pki *p = *state;
        static const struct {
                const char *data;
                size_t size;
        } table[] = {
                { "\x30\x02\x80\x00", 4 },     /* an empty one */
                { "\x30\x00", 2 },             /* nothing in it */
                { "\x30\x03\x82\x01\x01", 5 }, /* a serial number alone */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                gnutls_x509_crt_t crt = test_certificate(
                                p->key, (TestCertificate){ .subject = "x", .authority = "" });
                _cleanup_free_ char *text = NULL;
                RenewChain *chain;

                test_set_extension(crt, p->key, GNUTLS_X509EXT_OID_AUTHORITY_KEY_ID, table[i].data,
                                table[i].size);
                text = test_pem(crt, NULL);
                chain = parse(text);
                assert_null(renew_chain_ari_id(chain));
                renew_chain_free(chain);
                gnutls_x509_crt_deinit(crt);
        }
}

static void test_serial(void **state)
{
        RenewKey *key = test_key(RENEW_KEY_ECDSA_P256);
        gnutls_x509_crt_t crt = test_certificate(
                        key, (TestCertificate){ .subject = "x", .serial = "0087654321" });
        _cleanup_free_ char *text = test_pem(crt, NULL);
        RenewChain *chain = parse(text);

        assert_string_equal(renew_chain_serial(chain), "0087654321");
        renew_chain_free(chain);
        gnutls_x509_crt_deinit(crt);
        renew_key_unref(key);
}

/* Without a common name the whole name serves; without any name there is still a text. */
static void test_top_issuer(void **state)
{
        const Pki *p = *state;
        static const char *const table[][2] = { { "O=Some Org,C=DE", "O=Some Org,C=DE" },
                { NULL, "" } };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                gnutls_x509_crt_t issuer, crt;
                _cleanup_free_ char *text = NULL;
                RenewChain *chain;

                issuer = test_certificate(p->root_key, (TestCertificate){ .ca = true });
                if (table[i][0])
                        assert_int_equal(gnutls_x509_crt_set_dn(issuer, table[i][0], NULL), 0);
                crt = test_certificate(p->key, (TestCertificate){ .subject = "x",
                                                               .issuer = issuer,
                                                               .issuer_key = p->root_key });
                text = test_pem(crt, NULL);
                chain = parse(text);
                assert_string_equal(renew_chain_top_issuer(chain), table[i][1]);
                renew_chain_free(chain);
                gnutls_x509_crt_deinit(crt);
                gnutls_x509_crt_deinit(issuer);
        }
}

/* RFC 5280 wants at most 20 octets; a little more is let pass, a number that fills a page is not. */
static void test_long_serial(void **state)
{
        const Pki *p = *state;
        gnutls_x509_crt_t crt = test_certificate(p->key, (TestCertificate){ .subject = "x" });
        unsigned char serial[200];
        _cleanup_free_ char *text = NULL;

        memset(serial, 1, sizeof(serial));
        assert_int_equal(gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)), 0);
        assert_int_equal(gnutls_x509_crt_privkey_sign(
                                         crt, crt, p->key->private, GNUTLS_DIG_SHA256, 0),
                        0);
        text = test_pem(crt, NULL);
        check_refused(text, "the serial number or the names of its certificate cannot be read");
        gnutls_x509_crt_deinit(crt);
}

/* The text of a stranger: it can be shown, and it is not mistaken for a name that it is not. */
static void test_hostile_names(void **state)
{
        const Pki *p = *state;
        static const char san[] = "\x30\x3c"
                                  "\x82\x0f"
                                  "a\x1b[2J.example\n\r"
                                  "\x82\x0a"
                                  "\xc3\xb6.example"
                                  "\x82\x1d"
                                  "www.example.com\0.evil.example";
        gnutls_x509_crt_t crt = test_certificate(
                        p->key, (TestCertificate){ .subject = "\x1b[31mred\n\xc2\x9b" });
        _cleanup_free_ char *text = NULL;
        const RenewIdentifier *names;
        RenewChain *chain;
        size_t n;

        test_set_extension(crt, p->key, GNUTLS_X509EXT_OID_SAN, san, sizeof(san) - 1);
        text = test_pem(crt, NULL);
        chain = parse(text);
        names = renew_chain_identifiers(chain, &n);
        assert_int_equal(n, 3);
        assert_string_equal(names[0].value, "a\\x1b[2j.example\\x0a\\x0d");
        assert_string_equal(names[1].value, "\xc3\xb6.example");
        assert_string_equal(names[2].value, "www.example.com\\x00.evil.example");
        assert_string_equal(renew_chain_top_issuer(chain), "\\x1b[31mred\\x0a\\xc2\\x9b");
        renew_chain_free(chain);
        gnutls_x509_crt_deinit(crt);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_files),
                cmocka_unit_test(test_leaf_alone),
                cmocka_unit_test(test_white_space),
                cmocka_unit_test(test_ten),
                cmocka_unit_test(test_other_blocks),
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_cut),
                cmocka_unit_test(test_not_base64),
                cmocka_unit_test(test_not_decoded),
                cmocka_unit_test(test_large),
                cmocka_unit_test(test_bad_names),
                cmocka_unit_test(test_accessors),
                cmocka_unit_test(test_ari_id),
                cmocka_unit_test(test_no_ari_id),
                cmocka_unit_test(test_serial),
                cmocka_unit_test(test_top_issuer),
                cmocka_unit_test(test_long_serial),
                cmocka_unit_test(test_hostile_names),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
