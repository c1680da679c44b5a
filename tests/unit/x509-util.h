/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Certificates made on the spot, for tests of what reads, keeps or is shown them. */

#include <gnutls/x509.h>
#include <time.h>

#include <renew/key.h>

#include "base/macros.h"

typedef struct X509 {
        RenewKey *key;
        gnutls_x509_privkey_t private_key;
        gnutls_x509_crt_t crt;
} X509;

typedef struct X509Options {
        const X509 *issuer; /* NULL: itself */
        const char *dns;    /* a name; NULL: none */
        const char *ip;     /* an IPv4 address; NULL: none */
        bool is_ca;
        const char *cn;  /* NULL: "Test CA" or "leaf" */
        time_t from, to; /* seconds from now; both 0: from an hour ago for a day */
} X509Options;

static inline void x509_set_names(gnutls_x509_crt_t crt, const X509Options *o)
{
        struct in_addr in;

        if (o->dns)
                assert_int_equal(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME,
                                                 o->dns, (unsigned) strlen(o->dns),
                                                 GNUTLS_FSAN_APPEND),
                                0);
        if (o->ip) {
                assert_int_equal(inet_pton(AF_INET, o->ip, &in), 1);
                assert_int_equal(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS,
                                                 &in, sizeof(in), GNUTLS_FSAN_APPEND),
                                0);
        }
}

static inline void x509_new(X509 *x, const X509Options *o)
{
        static unsigned char serial = 0;
        unsigned char number[] = { 0x10, ++serial };
        const char *cn = o->cn ?: o->is_ca ? "Test CA" : "leaf";
        time_t now = time(NULL);
        gnutls_datum_t pem;
        char *text;

        assert_int_equal(renew_key_new(RENEW_KEY_ECDSA_P256, &x->key), 0);
        assert_int_equal(renew_key_to_pem(x->key, &text), 0);
        pem = (gnutls_datum_t){ (unsigned char *) text, (unsigned) strlen(text) };
        assert_int_equal(gnutls_x509_privkey_init(&x->private_key), 0);
        assert_int_equal(gnutls_x509_privkey_import2(
                                         x->private_key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0),
                        0);
        renew_secret_free(text);
        assert_int_equal(gnutls_x509_crt_init(&x->crt), 0);
        assert_int_equal(gnutls_x509_crt_set_version(x->crt, 3), 0);
        assert_int_equal(gnutls_x509_crt_set_serial(x->crt, number, sizeof(number)), 0);
        assert_int_equal(gnutls_x509_crt_set_key(x->crt, x->private_key), 0);
        assert_int_equal(gnutls_x509_crt_set_dn_by_oid(x->crt, GNUTLS_OID_X520_COMMON_NAME, 0, cn,
                                         (unsigned) strlen(cn)),
                        0);
        (void) gnutls_x509_crt_set_activation_time(x->crt, now + (o->to == 0 ? -3600 : o->from));
        (void) gnutls_x509_crt_set_expiration_time(x->crt, now + (o->to == 0 ? 86400 : o->to));
        assert_int_equal(gnutls_x509_crt_set_basic_constraints(x->crt, o->is_ca, -1), 0);
        if (o->is_ca)
                assert_int_equal(
                                gnutls_x509_crt_set_key_usage(x->crt, GNUTLS_KEY_KEY_CERT_SIGN), 0);
        x509_set_names(x->crt, o);
        assert_int_equal(gnutls_x509_crt_sign2(x->crt, o->issuer ? o->issuer->crt : x->crt,
                                         o->issuer ? o->issuer->private_key : x->private_key,
                                         GNUTLS_DIG_SHA256, 0),
                        0);
}

static inline void x509_done(X509 *x)
{
        gnutls_x509_crt_deinit(x->crt);
        gnutls_x509_privkey_deinit(x->private_key);
        renew_key_unref(x->key);
        *x = (X509){ 0 };
}

/* The caller frees it. */
static inline char *x509_pem(const X509 *x)
{
        gnutls_datum_t pem;
        char *text;

        assert_int_equal(gnutls_x509_crt_export2(x->crt, GNUTLS_X509_FMT_PEM, &pem), 0);
        text = strndup((char *) pem.data, pem.size);
        assert_non_null(text);
        gnutls_free(pem.data);
        return text;
}
