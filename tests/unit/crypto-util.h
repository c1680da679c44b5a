/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Keys and certificates for tests, made by GnuTLS in whatever shape a test wants, also in shapes
 * that no CA would hand out. All instants count from TEST_NOW: no test here reads a clock.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <time.h>

#include "base/text.h"
#include "base/timestamp.h"
#include "crypto/gnutls-util.h"
#include "crypto/key.h"

#define _unused_ __attribute__((unused))

#define TEST_NOW_SECONDS ((time_t) 1790000000) /* 2026-09-21 */
#define TEST_NOW         ((RenewUsec) TEST_NOW_SECONDS * USEC_PER_SEC)
#define TEST_DAY         ((time_t) 24 * 3600)

/* A key of the kinds that librenew takes. */
_unused_ static RenewKey *test_key(RenewKeyType type)
{
        RenewKey *key;

        assert_int_equal(renew_key_new(type, &key), 0);
        return key;
}

/* A key of any kind, to sign with; librenew itself would refuse it. */
_unused_ static RenewKey *test_odd_key(gnutls_pk_algorithm_t algorithm, unsigned bits)
{
        RenewKey *key = calloc(1, sizeof(*key));

        assert_non_null(key);
        key->n_ref = 1;
        assert_int_equal(gnutls_x509_privkey_init(&key->x509), 0);
        assert_true(gnutls_x509_privkey_generate(key->x509, algorithm, bits, 0) >= 0);
        assert_int_equal(gnutls_privkey_init(&key->private), 0);
        assert_true(gnutls_privkey_import_x509(
                                    key->private, key->x509, GNUTLS_PRIVKEY_IMPORT_COPY) >= 0);
        assert_int_equal(gnutls_pubkey_init(&key->public), 0);
        assert_true(gnutls_pubkey_import_privkey(key->public, key->private, 0, 0) >= 0);
        return key;
}

/* What a certificate is to hold. What is left out is as a public CA has it. */
typedef struct TestCertificate {
        const char *subject; /* common name; NULL: an empty subject */
        const char *dns[4];
        const char *ip[4];
        const char *uri;
        long from, to;         /* days from TEST_NOW; both 0: -1 and 89 */
        const char *purpose;   /* NULL: serverAuth; "": no such extension */
        const char *serial;    /* hexadecimal; NULL: "01" */
        const char *authority; /* its issuer's key id, hexadecimal; NULL: the real one; "": none */
        bool ca;
        gnutls_x509_crt_t issuer; /* NULL: itself */
        const RenewKey *issuer_key;
} TestCertificate;

_unused_ static size_t test_unhex(const char *hex, unsigned char *to)
{
        size_t n = strlen(hex) / 2;

        for (size_t i = 0; i < n; i++)
                assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &to[i]), 1);
        return n;
}

_unused_ static void test_set_names(gnutls_x509_crt_t crt, const TestCertificate *c)
{
        unsigned char address[16];

        for (size_t i = 0; i < ELEMENTSOF(c->dns) && c->dns[i]; i++)
                assert_true(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, c->dns[i],
                                            (unsigned) strlen(c->dns[i]), GNUTLS_FSAN_APPEND) >= 0);
        for (size_t i = 0; i < ELEMENTSOF(c->ip) && c->ip[i]; i++) {
                int family = strchr(c->ip[i], ':') ? AF_INET6 : AF_INET;

                assert_int_equal(inet_pton(family, c->ip[i], address), 1);
                assert_true(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address,
                                            family == AF_INET6 ? 16 : 4, GNUTLS_FSAN_APPEND) >= 0);
        }
        if (c->uri)
                assert_true(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_URI, c->uri,
                                            (unsigned) strlen(c->uri), GNUTLS_FSAN_APPEND) >= 0);
}

_unused_ static void test_set_key_ids(
                gnutls_x509_crt_t crt, const TestCertificate *c, const RenewKey *key)
{
        const RenewKey *issuer_key = c->issuer_key ?: key;
        unsigned char id[64];
        size_t size = sizeof(id);

        assert_int_equal(gnutls_pubkey_get_key_id(key->public, 0, id, &size), 0);
        assert_int_equal(gnutls_x509_crt_set_subject_key_id(crt, id, size), 0);
        size = sizeof(id);
        if (c->authority)
                size = test_unhex(c->authority, id);
        else
                assert_int_equal(gnutls_pubkey_get_key_id(issuer_key->public, 0, id, &size), 0);
        if (size > 0)
                assert_int_equal(gnutls_x509_crt_set_authority_key_id(crt, id, size), 0);
}

_unused_ static gnutls_x509_crt_t test_certificate(const RenewKey *key, TestCertificate c)
{
        unsigned char serial[32];
        size_t serial_size = test_unhex(c.serial ?: "01", serial);
        gnutls_x509_crt_t crt;

        if (c.from == 0 && c.to == 0) {
                c.from = -1;
                c.to = 89;
        }
        assert_int_equal(gnutls_x509_crt_init(&crt), 0);
        assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
        assert_int_equal(gnutls_x509_crt_set_serial(crt, serial, serial_size), 0);
        assert_int_equal(gnutls_x509_crt_set_activation_time(
                                         crt, TEST_NOW_SECONDS + c.from * TEST_DAY),
                        0);
        assert_int_equal(gnutls_x509_crt_set_expiration_time(
                                         crt, TEST_NOW_SECONDS + c.to * TEST_DAY),
                        0);
        assert_int_equal(gnutls_x509_crt_set_pubkey(crt, key->public), 0);
        if (c.subject)
                assert_int_equal(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
                                                 c.subject, (unsigned) strlen(c.subject)),
                                0);
        test_set_names(crt, &c);
        test_set_key_ids(crt, &c, key);
        assert_true(gnutls_x509_crt_set_basic_constraints(crt, c.ca, -1) >= 0);
        if (c.ca)
                assert_true(gnutls_x509_crt_set_key_usage(crt,
                                            GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN) >= 0);
        else if (!c.purpose || *c.purpose)
                assert_true(gnutls_x509_crt_set_key_purpose_oid(
                                            crt, c.purpose ?: GNUTLS_KP_TLS_WWW_SERVER, 0) >= 0);
        assert_true(gnutls_x509_crt_privkey_sign(crt, c.issuer ?: crt,
                                    (c.issuer_key ?: key)->private, GNUTLS_DIG_SHA256, 0) >= 0);
        return crt;
}

/* Puts octets in as an extension and signs anew, with its own key: what GnuTLS would not write. */
_unused_ static void test_set_extension(gnutls_x509_crt_t crt, const RenewKey *key, const char *oid,
                const char *data, size_t size)
{
        assert_int_equal(gnutls_x509_crt_set_extension_by_oid(crt, oid, data, size, 0), 0);
        assert_int_equal(gnutls_x509_crt_privkey_sign(crt, crt, key->private, GNUTLS_DIG_SHA256, 0),
                        0);
}

/* The PEM of certificates, up to the first NULL. The caller frees. */
_unused_ static char *test_pem(gnutls_x509_crt_t first, ...)
{
        char *text = strdup("");
        va_list ap;

        va_start(ap, first);
        for (gnutls_x509_crt_t crt = first; crt; crt = va_arg(ap, gnutls_x509_crt_t)) {
                _cleanup_datum_ gnutls_datum_t pem = {};
                char *longer;

                assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
                longer = text_format("%s%.*s", text, (int) pem.size, pem.data);
                assert_non_null(longer);
                free(text);
                text = longer;
        }
        va_end(ap);
        return text;
}
