/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JWS as RFC 8555 section 6.2 wants them, checked as a server checks them. */

#include "crypto-util.h"

#include <jansson.h>

#include "crypto/base64url.h"
#include "crypto/jwk.h"
#include "crypto/jws.h"

#define URL   "https://ca.example/acme/new-order?x=1&y=%20"
#define NONCE "dGhpcyBpcyBub3QgYSBub25jZQ"
#define KID   "https://ca.example/acct/1"

/* A JWS taken apart. */
typedef struct Jws {
        char *input; /* what is signed */
        json_t *header;
        char *payload;
        gnutls_datum_t signature;
} Jws;

static void *decode(const char *text, size_t *ret_size)
{
        void *data;

        assert_non_null(text);
        assert_int_equal(base64url_decode(text, &data, ret_size), 0);
        return data;
}

static Jws jws_parse(const char *text)
{
        json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        const char *protected = json_string_value(json_object_get(j, "protected"));
        const char *payload = json_string_value(json_object_get(j, "payload"));
        const char *signature = json_string_value(json_object_get(j, "signature"));
        _cleanup_free_ char *header = NULL;
        Jws jws;
        size_t n;

        assert_int_equal(json_object_size(j), 3); /* flattened, nothing beside */
        header = decode(protected, &n);
        jws.header = json_loads(header, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(jws.header);
        jws.input = text_format("%s.%s", protected, payload);
        jws.payload = decode(payload, &n);
        jws.signature.data = decode(signature, &n);
        jws.signature.size = (unsigned) n;
        json_decref(j);
        return jws;
}

static void jws_done(Jws *jws)
{
        json_decref(jws->header);
        free(jws->input);
        free(jws->payload);
        free(jws->signature.data);
}

static const char *header_member(const Jws *jws, const char *name)
{
        return json_string_value(json_object_get(jws->header, name));
}

/* The whole chain of a server: R || S to DER and the library's verdict. */
static void check_signature(const RenewKey *key, const Jws *jws)
{
        const gnutls_datum_t input = { .data = (void *) jws->input,
                .size = (unsigned) strlen(jws->input) };
        size_t width = key->type == RENEW_KEY_ECDSA_P384 ? 48 : 32;
        _cleanup_datum_ gnutls_datum_t der = {};

        if (!key_is_ec(key)) {
                unsigned bits;

                assert_int_equal(gnutls_pubkey_get_pk_algorithm(key->public, &bits), GNUTLS_PK_RSA);
                assert_int_equal(jws->signature.size, bits / 8);
                assert_true(gnutls_pubkey_verify_data2(key->public, GNUTLS_SIGN_RSA_SHA256, 0,
                                            &input, &jws->signature) >= 0);
                return;
        }
        assert_int_equal(jws->signature.size, 2 * width);
        assert_int_equal(gnutls_encode_rs_value(&der,
                                         &(gnutls_datum_t){ jws->signature.data, (unsigned) width },
                                         &(gnutls_datum_t){ jws->signature.data + width,
                                                         (unsigned) width }),
                        0);
        assert_true(gnutls_pubkey_verify_data2(key->public,
                                    key->type == RENEW_KEY_ECDSA_P384 ? GNUTLS_SIGN_ECDSA_SHA384
                                                                      : GNUTLS_SIGN_ECDSA_SHA256,
                                    0, &input, &der) >= 0);
}

static Jws sign(const RenewKey *key, JwsHeader header, const char *payload)
{
        _cleanup_free_ char *text = NULL;

        assert_int_equal(jws_sign(key, &header, payload, &text), 0);
        return jws_parse(text);
}

/* --- algorithms ------------------------------------------------------------------------------- */

static void test_algorithms(void **state)
{
        static const char *const algorithms[] = {
                [RENEW_KEY_ECDSA_P256] = "ES256",
                [RENEW_KEY_ECDSA_P384] = "ES384",
                [RENEW_KEY_RSA_2048] = "RS256",
                [RENEW_KEY_RSA_3072] = "RS256",
        };

        for (unsigned i = 0; i < ELEMENTSOF(algorithms); i++) {
                RenewKey *key = test_key((RenewKeyType) i);
                Jws jws = sign(key, (JwsHeader){ .url = URL, .nonce = NONCE, .kid = KID }, "{}");

                assert_string_equal(header_member(&jws, "alg"), algorithms[i]);
                check_signature(key, &jws);
                jws_done(&jws);
                renew_key_unref(key);
        }
}

/* R and S are padded, each to the field's width: signatures of ours with a short one are met. */
static void test_fixed_width(void **state)
{
        static const RenewKeyType types[] = { RENEW_KEY_ECDSA_P256, RENEW_KEY_ECDSA_P384 };

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                RenewKey *key = test_key(types[i]);
                size_t width = types[i] == RENEW_KEY_ECDSA_P384 ? 48 : 32;
                unsigned seen = 0;

                for (unsigned n = 0; n < 20000 && seen != 3; n++) {
                        _cleanup_free_ char *payload = text_format("{\"n\":%u}", n);
                        Jws jws = sign(key, (JwsHeader){ .url = URL, .nonce = NONCE, .kid = KID },
                                        payload);

                        check_signature(key, &jws);
                        seen |= (jws.signature.data[0] == 0) |
                                (unsigned) (jws.signature.data[width] == 0) << 1;
                        jws_done(&jws);
                }
                assert_int_equal(seen, 3);
                renew_key_unref(key);
        }
}

/* --- header ----------------------------------------------------------------------------------- */

static void test_kid(void **state)
{
        RenewKey *key = test_key(RENEW_KEY_ECDSA_P256);
        Jws jws = sign(key, (JwsHeader){ .url = URL, .nonce = NONCE, .kid = KID }, "{\"a\":1}");

        assert_int_equal(json_object_size(jws.header), 4);
        assert_string_equal(header_member(&jws, "url"), URL);
        assert_string_equal(header_member(&jws, "nonce"), NONCE);
        assert_string_equal(header_member(&jws, "kid"), KID);
        assert_string_equal(jws.payload, "{\"a\":1}");
        jws_done(&jws);
        renew_key_unref(key);
}

/* newAccount, and the inner JWS of keyChange, which has no nonce (section 7.3.5). */
static void test_jwk(void **state)
{
        RenewKey *key = test_key(RENEW_KEY_ECDSA_P384);
        Jws outer = sign(key, (JwsHeader){ .url = URL, .nonce = NONCE }, "{}");
        Jws inner = sign(key, (JwsHeader){ .url = URL }, "{}");
        _cleanup_free_ char *jwk = NULL;
        json_t *expected;

        assert_int_equal(jwk_format(key, &jwk), 0);
        expected = json_loads(jwk, 0, NULL);
        assert_int_equal(json_object_size(outer.header), 4);
        assert_true(json_equal(json_object_get(outer.header, "jwk"), expected));
        assert_int_equal(json_object_size(inner.header), 3);
        assert_true(json_equal(json_object_get(inner.header, "jwk"), expected));
        check_signature(key, &outer);
        check_signature(key, &inner);
        json_decref(expected);
        jws_done(&outer);
        jws_done(&inner);
        renew_key_unref(key);
}

/* Section 6.3: the empty string, neither "{}" nor its base64url. */
static void test_post_as_get(void **state)
{
        RenewKey *key = test_key(RENEW_KEY_ECDSA_P256);
        const JwsHeader header = { .url = URL, .nonce = NONCE, .kid = KID };
        _cleanup_free_ char *text = NULL;
        Jws jws;

        assert_int_equal(jws_sign(key, &header, "", &text), 0);
        assert_non_null(strstr(text, "\"payload\":\"\""));
        jws = jws_parse(text);
        assert_string_equal(jws.payload, "");
        check_signature(key, &jws);
        jws_done(&jws);
        renew_key_unref(key);
}

/* --- external account binding ----------------------------------------------------------------- */

/* The key of RFC 7515 appendix A.3; the text was made with Python's hmac. */
static void test_binding(void **state)
{
        static const char pem[] =
                        "-----BEGIN EC PRIVATE KEY-----\n"
                        "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49\n"
                        "AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b\n"
                        "focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                        "-----END EC PRIVATE KEY-----\n";
        static const char mac_key[] = "secret mac key";
        _cleanup_free_ char *text = NULL;
        RenewKey *key;

        assert_int_equal(renew_key_from_pem(pem, strlen(pem), &key), 0);
        assert_int_equal(jws_bind(key, "kid-1", mac_key, strlen(mac_key),
                                         "https://example.com/acme/new-account", &text),
                        0);
        assert_string_equal(text,
                        "{\"protected\":\""
                        "eyJhbGciOiJIUzI1NiIsImtpZCI6ImtpZC0xIiwidXJsIjoiaHR0cHM6Ly9leGFtcGxlLm"
                        "NvbS9hY21lL25ldy1hY2NvdW50In0"
                        "\",\"payload\":\""
                        "eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImY4M09KM0QyeEYxQmc4dnViOXRMZT"
                        "FnSE16Vjc2ZThUdXM5dVBIdlJWRVUiLCJ5IjoieF9GRXpSdTltMzZITE5fdHVlNjU5TE5w"
                        "WFc2cEN5U3Rpa1lqS0lXSTVhMCJ9"
                        "\",\"signature\":\"cCf-8YKxOrP_WvtIrQRbV__sqnDp9dZrpRsdAwP7gRA\"}");
        renew_key_unref(key);
}

/* The RFC's shape: alg, kid, url and no nonce; the payload is the account's JWK. */
static void test_binding_shape(void **state)
{
        RenewKey *key = test_key(RENEW_KEY_RSA_2048);
        _cleanup_free_ char *text = NULL, *jwk = NULL;
        unsigned char mac[32];
        Jws jws;

        assert_int_equal(jws_bind(key, "kid \"2\"", "\0\1\2", 3, URL, &text), 0);
        jws = jws_parse(text);
        assert_int_equal(json_object_size(jws.header), 3);
        assert_string_equal(header_member(&jws, "alg"), "HS256");
        assert_string_equal(header_member(&jws, "kid"), "kid \"2\"");
        assert_string_equal(header_member(&jws, "url"), URL);
        assert_int_equal(jwk_format(key, &jwk), 0);
        assert_string_equal(jws.payload, jwk);
        assert_int_equal(gnutls_hmac_fast(GNUTLS_MAC_SHA256, "\0\1\2", 3, jws.input,
                                         strlen(jws.input), mac),
                        0);
        assert_int_equal(jws.signature.size, sizeof(mac));
        assert_memory_equal(jws.signature.data, mac, sizeof(mac));
        jws_done(&jws);
        renew_key_unref(key);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_algorithms),
                cmocka_unit_test(test_fixed_width),
                cmocka_unit_test(test_kid),
                cmocka_unit_test(test_jwk),
                cmocka_unit_test(test_post_as_get),
                cmocka_unit_test(test_binding),
                cmocka_unit_test(test_binding_shape),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
