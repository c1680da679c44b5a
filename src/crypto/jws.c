/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON Web Signatures (RFC 7515) in the narrow form of RFC 8555 section 6.2: the flattened JSON
 * serialization, everything in the protected header, no option that a server could refuse.
 */

#include "crypto/jws.h"

#include <jansson.h>

#include "base/text.h"
#include "crypto/base64url.h"
#include "crypto/jwk.h"
#include "crypto/key.h"

static void json_cleanup(json_t **j)
{
        json_decref(*j);
}
#define _cleanup_json_ _cleanup_(json_cleanup)

static const char *key_jws_algorithm(const RenewKey *key)
{
        switch (key->type) {
        case RENEW_KEY_ECDSA_P256:
                return "ES256";
        case RENEW_KEY_ECDSA_P384:
                return "ES384";
        case RENEW_KEY_RSA_2048:
        case RENEW_KEY_RSA_3072:
        case RENEW_KEY_RSA_4096:
                return "RS256";
        }
        assert_not_reached();
}

/* DER to R || S of fixed width (RFC 7518 section 3.4). */
static int ecdsa_signature_encode(const RenewKey *key, const gnutls_datum_t *der, char **ret)
{
        _cleanup_datum_ gnutls_datum_t r_value = {}, s_value = {};
        unsigned char octets[2 * 48];
        size_t width = key_coordinate_width(key);
        int r = gnutls_error(gnutls_decode_rs_value(der, &r_value, &s_value));

        if (r == 0)
                r = key_copy_number(&r_value, octets, width);
        if (r == 0)
                r = key_copy_number(&s_value, octets + width, width);
        return r < 0 ? r : base64url_encode(octets, 2 * width, ret);
}

static int key_sign(const RenewKey *key, const char *input, char **ret)
{
        _cleanup_datum_ gnutls_datum_t signature = {};
        const gnutls_datum_t data = { .data = (void *) (uintptr_t) input,
                .size = (unsigned) strlen(input) };
        gnutls_sign_algorithm_t algorithm = gnutls_pk_to_sign(
                        key_is_ec(key) ? GNUTLS_PK_ECDSA : GNUTLS_PK_RSA, key_digest(key));
        int r = gnutls_error(
                        gnutls_privkey_sign_data2(key->private, algorithm, 0, &data, &signature));

        if (r < 0)
                return r;
        return key_is_ec(key) ? ecdsa_signature_encode(key, &signature, ret)
                              : base64url_encode(signature.data, signature.size, ret);
}

/* protected and payload in base64url, and the two as they are signed. */
typedef struct JwsParts {
        char *protected;
        char *payload;
        char *input;
} JwsParts;

static void jws_parts_done(JwsParts *p)
{
        free(p->protected);
        free(p->payload);
        free(p->input);
}

static int jws_parts_init(JwsParts *p, const json_t *header, const char *payload)
{
        _cleanup_free_ char *text = json_dumps(header, JSON_COMPACT);
        int r;

        if (!text)
                return -ENOMEM;
        r = base64url_encode(text, strlen(text), &p->protected);
        if (r == 0)
                r = base64url_encode(payload, strlen(payload), &p->payload);
        if (r < 0)
                return r;
        p->input = text_format("%s.%s", p->protected, p->payload);
        return p->input ? 0 : -ENOMEM;
}

static int jws_parts_join(const JwsParts *p, const char *signature, char **ret)
{
        char *jws = text_format("{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
                        p->protected, p->payload, signature);

        if (!jws)
                return -ENOMEM;
        *ret = jws;
        return 0;
}

/* Exactly one of "kid" and "jwk" (section 6.2). */
static int jws_header_to_json(const RenewKey *key, const JwsHeader *header, json_t **ret)
{
        _cleanup_free_ char *jwk = NULL;
        json_t *j;

        if (!header->kid) {
                int r = jwk_format(key, &jwk);

                if (r < 0)
                        return r;
        }
        j = json_pack("{s:s, s:s*, s:s, s:s*, s:o*}", "alg", key_jws_algorithm(key), "nonce",
                        header->nonce, "url", header->url, "kid", header->kid, "jwk",
                        jwk ? json_loads(jwk, 0, NULL) : NULL);
        if (!j || (jwk && !json_object_get(j, "jwk"))) {
                json_decref(j);
                return -ENOMEM;
        }
        *ret = j;
        return 0;
}

int jws_sign(const RenewKey *key, const JwsHeader *header, const char *payload, char **ret)
{
        _cleanup_(jws_parts_done) JwsParts parts = {};
        _cleanup_json_ json_t *j = NULL;
        _cleanup_free_ char *signature = NULL;
        int r = jws_header_to_json(key, header, &j);

        if (r == 0)
                r = jws_parts_init(&parts, j, payload);
        if (r == 0)
                r = key_sign(key, parts.input, &signature);
        return r < 0 ? r : jws_parts_join(&parts, signature, ret);
}

int jws_bind(const RenewKey *account_key, const char *eab_key_id, const void *mac_key,
                size_t mac_key_size, const char *url, char **ret)
{
        _cleanup_(jws_parts_done) JwsParts parts = {};
        _cleanup_json_ json_t *j = NULL;
        _cleanup_free_ char *jwk = NULL, *signature = NULL;
        unsigned char mac[32];
        int r = jwk_format(account_key, &jwk);

        if (r < 0)
                return r;
        j = json_pack("{s:s, s:s, s:s}", "alg", "HS256", "kid", eab_key_id, "url", url);
        if (!j)
                return -ENOMEM;
        r = jws_parts_init(&parts, j, jwk);
        if (r == 0)
                r = gnutls_error(gnutls_hmac_fast(GNUTLS_MAC_SHA256, mac_key, mac_key_size,
                                parts.input, strlen(parts.input), mac));
        if (r == 0)
                r = base64url_encode(mac, sizeof(mac), &signature);
        return r < 0 ? r : jws_parts_join(&parts, signature, ret);
}
