/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The certificates that a transcript's CA hands out, the good ones and the others.
 */

#include <arpa/inet.h>
#include <stdio.h>

#include "base/text.h"
#include "base/timestamp.h"
#include "ca.h"
#include "crypto/key.h"

static char *word(const char *words, const char *name, const char *otherwise)
{
        const char *s = strstr(words, name);

        if (!s)
                return strdup(otherwise);
        s += strlen(name);
        return strndup(s, strcspn(s, " \n"));
}

static gnutls_x509_crt_t make_certificate(gnutls_x509_crt_t issuer, gnutls_privkey_t issuer_key,
                gnutls_pubkey_t key, const char *name, unsigned char serial, time_t from, time_t to)
{
        gnutls_x509_crt_t crt;

        if (gnutls_x509_crt_init(&crt) < 0 || gnutls_x509_crt_set_version(crt, 3) < 0 ||
                        gnutls_x509_crt_set_serial(crt, &serial, 1) < 0 ||
                        gnutls_x509_crt_set_pubkey(crt, key) < 0)
                abort();
        gnutls_x509_crt_set_activation_time(crt, from);
        gnutls_x509_crt_set_expiration_time(crt, to);
        if (name && gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                    (unsigned) strlen(name)) < 0)
                abort();
        if (!issuer) {
                gnutls_x509_crt_set_basic_constraints(crt, 1, -1);
                gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN);
                gnutls_x509_crt_privkey_sign(crt, crt, issuer_key, GNUTLS_DIG_SHA256, 0);
        }
        return crt;
}

static void add_name(gnutls_x509_crt_t leaf, const char *name)
{
        unsigned char address[sizeof(struct in6_addr)];
        int r;

        if (inet_pton(AF_INET, name, address) == 1)
                r = gnutls_x509_crt_set_subject_alt_name(leaf, GNUTLS_SAN_IPADDRESS, address,
                                sizeof(struct in_addr), GNUTLS_FSAN_APPEND);
        else if (inet_pton(AF_INET6, name, address) == 1)
                r = gnutls_x509_crt_set_subject_alt_name(leaf, GNUTLS_SAN_IPADDRESS, address,
                                sizeof(struct in6_addr), GNUTLS_FSAN_APPEND);
        else
                r = gnutls_x509_crt_set_subject_alt_name(leaf, GNUTLS_SAN_DNSNAME, name,
                                (unsigned) strlen(name), GNUTLS_FSAN_APPEND);
        if (r < 0)
                abort();
}

/* A leaf for the names, and an intermediate "Issuer" below a root, whose name matters for
 * alternates. */
static char *make_chain(const Ca *ca, const char *words, RenewUsec now)
{
        static RenewKey *issuer_key, *other_key;
        char *root_name = word(words, "root=", "Root"), *san = word(words, "names=", ca->names),
             *save = NULL;
        char *days = word(words, "days=", "90"), *start = word(words, "start=", "0");
        time_t from = (time_t) (now / USEC_PER_SEC) + strtol(start, NULL, 10) * 86400 - 60;
        time_t to = from + strtol(days, NULL, 10) * 86400;
        const RenewKey *key = ca->certificate_key;
        gnutls_x509_crt_t root, issuer, leaf;
        gnutls_datum_t leaf_pem, issuer_pem;
        char *text;

        if ((!issuer_key && renew_key_new(RENEW_KEY_ECDSA_P256, &issuer_key) < 0) ||
                        (!other_key && renew_key_new(RENEW_KEY_ECDSA_P256, &other_key) < 0))
                abort();
        if (strstr(words, "key=other"))
                key = other_key;
        root = make_certificate(NULL, issuer_key->private, issuer_key->public, root_name, 1, from,
                        from + 31536000);
        issuer = make_certificate(
                        root, NULL, issuer_key->public, "Issuer", 2, from, from + 31536000);
        gnutls_x509_crt_set_basic_constraints(issuer, 1, 0);
        gnutls_x509_crt_set_key_usage(issuer, GNUTLS_KEY_KEY_CERT_SIGN);
        gnutls_x509_crt_privkey_sign(issuer, root, issuer_key->private, GNUTLS_DIG_SHA256, 0);
        leaf = make_certificate(issuer, NULL, key->public, NULL, 3, from, to);
        if (strstr(words, "ca-leaf"))
                gnutls_x509_crt_set_basic_constraints(leaf, 1, 0);
        gnutls_x509_crt_set_key_purpose_oid(leaf,
                        strstr(words, "no-server") ? GNUTLS_KP_TLS_WWW_CLIENT
                                                   : GNUTLS_KP_TLS_WWW_SERVER,
                        0);
        for (char *n = strtok_r(san, ", ", &save); n; n = strtok_r(NULL, ", ", &save))
                add_name(leaf, n);
        if (gnutls_x509_crt_privkey_sign(leaf, issuer, issuer_key->private, GNUTLS_DIG_SHA256, 0) <
                                        0 ||
                        gnutls_x509_crt_export2(leaf, GNUTLS_X509_FMT_PEM, &leaf_pem) < 0 ||
                        gnutls_x509_crt_export2(issuer, GNUTLS_X509_FMT_PEM, &issuer_pem) < 0)
                abort();
        text = text_format("%s%s%s%s", strstr(words, "text") ? "Here it is:\n" : "", leaf_pem.data,
                        issuer_pem.data,
                        strstr(words, "with-key") ? "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END "
                                                    "PRIVATE KEY-----\n"
                                                  : "");
        gnutls_free(leaf_pem.data);
        gnutls_free(issuer_pem.data);
        gnutls_x509_crt_deinit(leaf);
        gnutls_x509_crt_deinit(issuer);
        gnutls_x509_crt_deinit(root);
        free(root_name);
        free(san);
        free(days);
        free(start);
        return text;
}

char *ca_expand(const Ca *ca, const Item *item, const char *body, RenewUsec now)
{
        const char *words = has_prefix(body, "@certificate") ? body : NULL;
        uint64_t size;

        if (words)
                return make_chain(ca, words, now);
        /* "@bytes N": that many of them. */
        if (has_prefix(body, "@bytes ")) {
                char *number = strndup(body + strlen("@bytes "),
                                     strcspn(body + strlen("@bytes "), "\n")),
                     *text;

                if (text_parse_u64(number, 1U << 30, &size) < 0)
                        script_fail(item, "@bytes wants a number");
                text = malloc(size + 1);
                memset(text, 'x', size);
                text[size] = '\0';
                free(number);
                return text;
        }
        return strdup(body);
}
