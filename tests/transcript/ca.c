/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The CA of a transcript, as it looks at requests. What it insists on is RFC 8555 section 6: each
 * JWS is checked with GnuTLS, each nonce may be used once, each URL is signed as it was sent.
 */

#include "ca.h"

#include <jansson.h>
#include <stdio.h>

#include "base/strv.h"
#include "base/text.h"
#include "crypto/base64url.h"
#include "crypto/gnutls-util.h"
#include "crypto/jwk.h"
#include "crypto/key.h"

void ca_done(Ca *ca)
{
        ca->nonces = strv_free(ca->nonces);
}

const char *ca_give_nonce(Ca *ca)
{
        char *nonce = text_format("nonce-%u", ++ca->n_given);

        if (!nonce || strv_add(&ca->nonces, nonce) < 0)
                abort();
        free(nonce);
        return ca->nonces[strv_length(ca->nonces) - 1];
}

static bool ca_take_nonce(Ca *ca, const char *nonce)
{
        for (char **n = ca->nonces; n && *n; n++)
                if (streq(*n, nonce)) {
                        free(*n);
                        do
                                n[0] = n[1];
                        while (*n++);
                        return true;
                }
        return false;
}

/* --- JWS -------------------------------------------------------------------------------------- */

static const char *find_header(const RenewRequest *request, const char *name)
{
        for (size_t i = 0; i < request->n_headers; i++)
                if (strcasecmp(request->headers[i].name, name) == 0)
                        return request->headers[i].value;
        return NULL;
}

static char *decode(const Item *item, const char *text)
{
        void *data;
        size_t size;

        if (!text || base64url_decode(text, &data, &size) < 0)
                script_fail(item, "a part of the JWS is not base64url");
        return data;
}

static void check_signature(const Ca *ca, const Item *item, const json_t *jws)
{
        const char *protected = json_string_value(json_object_get(jws, "protected"));
        const char *payload = json_string_value(json_object_get(jws, "payload"));
        char *input = text_format("%s.%s", protected, payload);
        char *raw = decode(item, json_string_value(json_object_get(jws, "signature")));
        gnutls_datum_t r = { .data = (void *) raw, .size = 32 },
                       s = { .data = (void *) (raw + 32), .size = 32 };
        gnutls_datum_t data = { .data = (void *) input, .size = (unsigned) strlen(input) }, der;

        if (gnutls_encode_rs_value(&der, &r, &s) < 0 ||
                        gnutls_pubkey_verify_data2(ca->account_key->public,
                                        GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &der) < 0)
                script_fail(item, "the signature is not good");
        gnutls_free(der.data);
        free(input);
        free(raw);
}

static void expect_json(const Item *item, const char *got, const char *expected)
{
        json_t *a = json_loads(got, 0, NULL), *b = json_loads(expected, 0, NULL);

        if (!a || !b || !json_equal(a, b))
                script_fail(item, "it is %s and not %s", got, expected);
        json_decref(a);
        json_decref(b);
}

static void check_protected(Ca *ca, const Item *item, const json_t *header,
                const RenewRequest *request, const char *kid)
{
        const char *nonce = json_string_value(json_object_get(header, "nonce"));
        const char *url = json_string_value(json_object_get(header, "url"));
        const char *got = json_string_value(json_object_get(header, "kid"));

        if (!nonce || !ca_take_nonce(ca, nonce))
                script_fail(item, "the nonce '%s' was never given or was used before",
                                nonce ?: "(none)");
        if (!url || !streq(url, request->url))
                script_fail(item, "the signed url is '%s'", url ?: "(none)");
        if (json_object_size(header) != 4 ||
                        !streq(json_string_value(json_object_get(header, "alg")), "ES256"))
                script_fail(item, "the protected header has other members than alg, nonce, url and "
                                  "kid or jwk");
        if (strstr(request->url, "/new-account")) {
                _cleanup_free_ char *jwk = NULL, *text = NULL;

                text = json_dumps(json_object_get(header, "jwk"), JSON_ENCODE_ANY);
                if (!text || jwk_format(ca->account_key, &jwk) < 0)
                        script_fail(item, "newAccount is not signed with a jwk");
                expect_json(item, text, jwk);
        } else if (!got || !streq(got, kid))
                script_fail(item, "the kid is '%s' and not '%s'", got ?: "(none)", kid);
}

/* The JWS that ties our account to a customer's (section 7.3.4): our key, signed with theirs. */
static void check_binding(const Ca *ca, const Item *item, const json_t *jws)
{
        const char *protected = json_string_value(json_object_get(jws, "protected"));
        const char *payload = json_string_value(json_object_get(jws, "payload"));
        _cleanup_free_ char *input = text_format("%s.%s", protected, payload), *jwk = NULL;
        _cleanup_free_ char *header = decode(item, protected), *key = decode(item, payload);
        _cleanup_free_ char *mac = decode(
                        item, json_string_value(json_object_get(jws, "signature")));
        unsigned char expected[32];

        expect_json(item, header,
                        "{\"alg\":\"HS256\",\"kid\":\"" CA_EAB_KEY_ID "\",\"url\":\"" CA_URL
                        "/new-account\"}");
        if (jwk_format(ca->account_key, &jwk) < 0 ||
                        gnutls_hmac_fast(GNUTLS_MAC_SHA256, CA_EAB_KEY, strlen(CA_EAB_KEY), input,
                                        strlen(input), expected) < 0)
                abort();
        expect_json(item, key, jwk);
        if (memcmp(mac, expected, sizeof(expected)) != 0)
                script_fail(item, "the external account binding is signed with another key");
}

/* The CSR of finalize (section 7.4): our key, the names and nothing else. */
static void check_csr(const Ca *ca, const Item *item, const char *text)
{
        _cleanup_free_ void *der = NULL;
        _cleanup_crq_ gnutls_x509_crq_t csr = NULL;
        _cleanup_strv_ char **names = NULL;
        unsigned char ours[20], theirs[20];
        size_t size = sizeof(ours), n = 0;
        gnutls_datum_t data = {};

        if (base64url_decode(text, &der, &size) < 0 || gnutls_x509_crq_init(&csr) < 0)
                script_fail(item, "the CSR is not base64url");
        data = (gnutls_datum_t){ .data = der, .size = (unsigned) size };
        if (gnutls_x509_crq_import(csr, &data, GNUTLS_X509_FMT_DER) < 0 ||
                        gnutls_x509_crq_verify(csr, 0) < 0)
                script_fail(item, "the CSR cannot be read, or its signature is not good");
        size = sizeof(ours);
        if (gnutls_x509_privkey_get_key_id(ca->certificate_key->x509, 0, ours, &size) < 0 ||
                        gnutls_x509_crq_get_key_id(csr, 0, theirs, &size) < 0 ||
                        memcmp(ours, theirs, size) != 0)
                script_fail(item, "the CSR is for another key");
        for (char name[256];
                        size = sizeof(name), gnutls_x509_crq_get_subject_alt_name(csr, (unsigned) n,
                                                             name, &size, NULL, NULL) >= 0;)
                n++;
        if (strv_split(ca->names, &names) < 0 || n != strv_length(names))
                script_fail(item, "the CSR names %zu names", n);
        size = 0;
        if (gnutls_x509_crq_get_dn_by_oid(csr, GNUTLS_OID_X520_COMMON_NAME, 0, 0, NULL, &size) !=
                        GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                script_fail(item, "the CSR has a common name");
}

static void check_payload(const Ca *ca, const Item *item, const char *payload)
{
        json_t *expected, *got;

        if (!*item->body) {
                if (*payload)
                        script_fail(item, "the payload is '%s' and not empty", payload);
                return;
        }
        expected = json_loads(item->body, 0, NULL);
        got = json_loads(payload, 0, NULL);
        if (!expected)
                script_fail(item, "the expected payload is not JSON");
        /* What differs each time is written "*". */
        for (const char *const *key = (const char *const[]){ "csr", "externalAccountBinding",
                             NULL };
                        *key; key++) {
                const char *any = json_string_value(json_object_get(expected, *key));

                if (any && streq(any, "*") && json_object_get(got, *key))
                        (void) json_object_set(expected, *key, json_object_get(got, *key));
        }
        if (!json_equal(expected, got))
                script_fail(item, "the payload is %s", payload);
        if (json_object_get(got, "csr"))
                check_csr(ca, item, json_string_value(json_object_get(got, "csr")));
        if (json_object_get(got, "externalAccountBinding"))
                check_binding(ca, item, json_object_get(got, "externalAccountBinding"));
        json_decref(expected);
        json_decref(got);
}

static void check_jws(Ca *ca, const Item *item, const RenewRequest *request, const char *kid)
{
        json_t *jws = json_loadb(request->body, request->body_size, 0, NULL);
        char *protected = decode(item, json_string_value(json_object_get(jws, "protected")));
        char *payload = decode(item, json_string_value(json_object_get(jws, "payload")));
        json_t *header = json_loads(protected, 0, NULL);

        if (json_object_size(jws) != 3)
                script_fail(item,
                                "the JWS has other members than protected, payload and signature");
        check_protected(ca, item, header, request, kid);
        check_payload(ca, item, payload);
        if (ca->check_signatures)
                check_signature(ca, item, jws);
        json_decref(header);
        json_decref(jws);
        free(protected);
        free(payload);
}

void ca_check_request(Ca *ca, const Item *item, const RenewRequest *request, const char *kid)
{
        const char *type = find_header(request, "Content-Type");
        char *line = text_format("%s %s", request->method,
                        has_prefix(request->url, CA_URL) ? request->url + strlen(CA_URL)
                                                         : request->url);

        if (!streq(line, item->text))
                script_fail(item, "the request is %s", line);
        if (!find_header(request, "User-Agent") || find_header(request, "Replay-Nonce"))
                script_fail(item, "User-Agent is missing, or Replay-Nonce is there");
        if (streq(request->method, "POST")) {
                if (!type || !streq(type, "application/jose+json"))
                        script_fail(item, "the content type is %s", type ?: "missing");
                check_jws(ca, item, request, kid);
        } else if (request->body || type)
                script_fail(item, "a %s has a body", request->method);
        free(line);
}
