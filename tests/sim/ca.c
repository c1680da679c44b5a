/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A CA behind net/http-client.h, so that attempts are the real ones: librenew, keys, CSRs, chains.
 * It looks at nonces and URLs and at nothing else of a JWS (tests/transcript does), answers after a
 * while, and counts its certificates from the truth. A certificate "90d-…" lives for 90 days.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <gnutls/x509.h>
#include <jansson.h>
#include <time.h>

#include "ca.h"
#include "crypto/base64url.h"
#include "crypto/key.h"
#include "net/http-client.h"
#include "seen.h"

#define URL "https://acme-v02.api.letsencrypt.org"

/* What becomes of an order, by requests. */
typedef struct Order {
        char *name; /* "90d-00000.example.org" */
        bool authorized;
        char *pem; /* NULL: not finalized */
} Order;

struct HttpTransfer {
        sd_event_source *timer;
        HttpClientHandler handler;
        void *userdata;
        unsigned status; /* 0: lost */
        char *body;
        char *location;
        char *retry_after;
        char *token; /* it was read by then */
        bool gives_nonce;
};

static sd_event *event;
static Order orders[4096];
static unsigned n_orders, n_nonces, n_serials;
static bool nonces[1U << 20]; /* given and not used */
static RenewKey *root_key;
static CaWeather weather;
static CaWindows windows;
static unsigned n_polls;

void ca_set_weather(CaWeather w)
{
        weather = w;
}

void ca_reset(void)
{
        for (unsigned i = 0; i < n_orders; i++) {
                free(orders[i].name);
                free(orders[i].pem);
        }
        memset(orders, 0, sizeof(orders));
        memset(nonces, 0, sizeof(nonces));
        n_orders = n_nonces = n_serials = 0;
        weather = CA_WELL;
        windows = (CaWindows){};
        n_polls = 0;
}

void ca_set_windows(CaWindows w)
{
        windows = w;
}

unsigned ca_n_polls(void)
{
        return n_polls;
}

/* --- certificates ----------------------------------------------------------------------------- */

static uint64_t lifetime_of(const char *name)
{
        _cleanup_free_ char *span = strndup(name, strcspn(name, "-"));
        uint64_t lifetime;

        assert_int_equal(timespan_parse(span, &lifetime), 0);
        return lifetime;
}

static gnutls_x509_crt_t make_root(void)
{
        gnutls_x509_crt_t crt;

        if (!root_key)
                assert_int_equal(renew_key_new(RENEW_KEY_ECDSA_P256, &root_key), 0);
        assert_int_equal(gnutls_x509_crt_init(&crt), 0);
        assert_int_equal(gnutls_x509_crt_set_dn_by_oid(
                                         crt, GNUTLS_OID_X520_COMMON_NAME, 0, "Root", 4),
                        0);
        assert_int_equal(gnutls_x509_crt_set_pubkey(crt, root_key->public), 0);
        return crt;
}

/* The certificate for a CSR; the caller frees the PEM. */
static char *issue(const char *name, const char *csr)
{
        uint64_t from = sim_truth() / USEC_PER_SEC - 3600;
        gnutls_x509_crt_t crt, root = make_root();
        gnutls_datum_t der = {}, pem = {};
        gnutls_x509_crq_t crq;
        gnutls_pubkey_t key;
        unsigned char serial[4];
        void *data;
        size_t size;
        char *text;

        assert_int_equal(base64url_decode(csr, &data, &size), 0);
        der = (gnutls_datum_t){ data, (unsigned) size };
        assert_int_equal(gnutls_x509_crq_init(&crq), 0);
        assert_int_equal(gnutls_x509_crq_import(crq, &der, GNUTLS_X509_FMT_DER), 0);
        assert_int_equal(gnutls_pubkey_init(&key), 0);
        assert_int_equal(gnutls_pubkey_import_x509_crq(key, crq, 0), 0);
        free(data);

        n_serials++;
        for (unsigned i = 0; i < sizeof(serial); i++)
                serial[i] = (unsigned char) ((0x10000000U + n_serials) >> (24 - 8 * i));
        assert_int_equal(gnutls_x509_crt_init(&crt), 0);
        assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
        assert_int_equal(gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)), 0);
        assert_int_equal(gnutls_x509_crt_set_pubkey(crt, key), 0);
        gnutls_x509_crt_set_activation_time(crt, (time_t) from);
        gnutls_x509_crt_set_expiration_time(
                        crt, (time_t) (from + lifetime_of(name) / USEC_PER_SEC));
        gnutls_x509_crt_set_subject_alt_name(
                        crt, GNUTLS_SAN_DNSNAME, name, (unsigned) strlen(name), GNUTLS_FSAN_SET);
        gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
        assert_int_equal(gnutls_x509_crt_privkey_sign(
                                         crt, root, root_key->private, GNUTLS_DIG_SHA256, 0),
                        0);
        assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
        text = text_format("%s", pem.data);
        gnutls_free(pem.data);
        gnutls_pubkey_deinit(key);
        gnutls_x509_crq_deinit(crq);
        gnutls_x509_crt_deinit(crt);
        gnutls_x509_crt_deinit(root);
        return text;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void answer(HttpTransfer *t, unsigned status, char *body_take)
{
        t->status = status;
        t->body = body_take;
}

static void answer_problem(HttpTransfer *t, unsigned status, const char *type)
{
        answer(t, status,
                        text_format("{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":"
                                    "\"no\"}",
                                        type));
}

static void answer_order(HttpTransfer *t, unsigned n, unsigned status)
{
        const Order *o = &orders[n];
        const char *state = o->pem ? "valid" : o->authorized ? "ready" : "pending";
        _cleanup_free_ char *certificate = NULL;

        if (n >= n_orders) {
                answer_problem(t, 404, "malformed");
                return;
        }
        t->location = text_format(URL "/order/%u", n);
        certificate = o->pem ? text_format(",\"certificate\":\"" URL "/certificate/%u\"", n) : NULL;
        answer(t, status,
                        text_format("{\"status\":\"%s\",\"identifiers\":[{\"type\":\"dns\","
                                    "\"value\":\"%s\"}],\"authorizations\":[\"" URL "/authz/%u\"],"
                                    "\"finalize\":\"" URL "/finalize/%u\"%s}",
                                        state, o->name, n, n, certificate ? certificate : ""));
}

static void answer_new_order(HttpTransfer *t, const json_t *payload)
{
        const json_t *identifiers = json_object_get(payload, "identifiers");
        const char *name = json_string_value(
                        json_object_get(json_array_get(identifiers, 0), "value"));
        _cleanup_free_ char *certificate = NULL;

        assert_non_null(name);
        assert_true(n_orders < ELEMENTSOF(orders));
        certificate = strndup(name, strcspn(name, "."));
        seen_order(certificate);
        orders[n_orders].name = strdup(name);
        answer_order(t, n_orders++, 201);
}

/* Validates when its challenge is answered, if the token is there to be read. */
static void answer_authz(HttpTransfer *t, unsigned n, bool challenge)
{
        _cleanup_free_ char *token = text_format("token-of-order-number-%08u", n), *object = NULL;
        const char *status;

        assert_true(n < n_orders);
        if (challenge && sim_is_presented(token)) {
                orders[n].authorized = true;
                t->token = strdup(token);
        }
        status = orders[n].authorized ? "valid" : "pending";
        object = text_format("{\"type\":\"http-01\",\"url\":\"" URL "/challenge/%u\","
                             "\"token\":\"%s\",\"status\":\"%s\"}",
                        n, token, status);
        if (challenge) {
                answer(t, 200, TAKE_PTR(object));
                return;
        }
        answer(t, 200,
                        text_format("{\"status\":\"%s\",\"identifier\":{\"type\":\"dns\",\"value\":"
                                    "\"%s\"},\"challenges\":[%s]}",
                                        status, orders[n].name, object));
}

static void answer_finalize(HttpTransfer *t, unsigned n, const json_t *payload)
{
        assert_true(n < n_orders && orders[n].authorized);
        if (!orders[n].pem)
                orders[n].pem = issue(
                                orders[n].name, json_string_value(json_object_get(payload, "csr")));
        answer_order(t, n, 200);
}

static const char directory[] = "\"newNonce\":\"" URL "/nonce\",\"newAccount\":\"" URL
                                "/account\",\"newOrder\":\"" URL "/new\",\"revokeCert\":\"" URL
                                "/revoke\",\"keyChange\":\"" URL "/change\"";
static const char renewal_info[] = ",\"renewalInfo\":\"" URL "/window\"";

/* --- renewal information ---------------------------------------------------------------------- */

static void format_instant(char text[static TIMESTAMP_MAX], uint64_t usec)
{
        (void) timestamp_format(text, usec - usec % USEC_PER_SEC);
}

/* Let's Encrypt's: a fiftieth of the lifetime around two thirds of it, or around the half where it
 * is shorter than ten days. */
static void answer_window(HttpTransfer *t, const char *id)
{
        unsigned long long from, lifetime;
        char start[TIMESTAMP_MAX], end[TIMESTAMP_MAX];
        uint64_t middle, at;

        n_polls++;
        if (weather == CA_BUSY) {
                answer_problem(t, 503, "serverInternal");
                return;
        }
        assert_int_equal(sscanf(id, "%llu.%llu", &from, &lifetime), 2);
        at = from * USEC_PER_SEC;
        lifetime *= USEC_PER_SEC;
        middle = at + (lifetime < 10 * USEC_PER_DAY ? lifetime / 2 : lifetime * 2 / 3);
        at = middle - lifetime / 100;
        switch (windows.kind) {
        case CA_WINDOWS_AS_USUAL:
        case CA_NO_WINDOWS:
                break;
        case CA_WINDOWS_PAST: /* as boulder's are for what is revoked: with the time of asking */
                at = sim_truth() - USEC_PER_HOUR;
                lifetime = 25 * USEC_PER_HOUR;
                break;
        case CA_WINDOWS_MOVE: /* at each question elsewhere in the same tenth of its life */
                at += sim_chance(lifetime / 10);
                break;
        case CA_WINDOWS_TOO_LATE:
                at += lifetime;
                break;
        case CA_WINDOWS_LATE: /* in the last tenth */
                at = from * USEC_PER_SEC + lifetime / 10 * 9;
                break;
        }
        format_instant(start, at);
        format_instant(end, at + lifetime / 50);
        t->retry_after = text_format("%u", windows.poll_seconds ? windows.poll_seconds : 21600);
        answer(t, 200,
                        text_format("{\"suggestedWindow\":{\"start\":\"%s\",\"end\":\"%s\"}}",
                                        start, end));
}

static void answer_get(HttpTransfer *t, const char *path)
{
        if (has_prefix(path, "/window/"))
                answer_window(t, path + strlen("/window/"));
        else if (streq(path, "/nonce"))
                answer(t, 200, NULL);
        else
                answer(t, 200,
                                text_format("{%s%s}", directory,
                                                windows.kind == CA_NO_WINDOWS ? "" : renewal_info));
}

/* --- requests --------------------------------------------------------------------------------- */

static json_t *decode(const json_t *jws, const char *part)
{
        const char *text = json_string_value(json_object_get(jws, part));
        void *data;
        size_t size;
        json_t *j;

        assert_non_null(text);
        assert_int_equal(base64url_decode(text, &data, &size), 0);
        j = json_loadb(data, size, 0, NULL);
        free(data);
        return j;
}

/* Whether its nonce was given and not used. */
static bool is_fresh(const HttpClientRequest *request, const json_t *header)
{
        const char *nonce = json_string_value(json_object_get(header, "nonce"));
        unsigned n;

        assert_string_equal(json_string_value(json_object_get(header, "url")), request->url);
        assert_int_equal(sscanf(nonce, "nonce-%u", &n), 1);
        if (!nonces[n])
                return false;
        nonces[n] = false;
        return true;
}

static void answer_post(HttpTransfer *t, const HttpClientRequest *request)
{
        json_t *jws = json_loadb(request->body, request->body_size, 0, NULL);
        json_t *header = decode(jws, "protected"), *payload = decode(jws, "payload");
        const char *path = request->url + strlen(URL);
        unsigned n = 0;

        if (!is_fresh(request, header) || (weather == CA_FORGETS_NONCES && sim_chance(2))) {
                answer_problem(t, 400, "badNonce");
        } else if (weather == CA_BUSY && streq(path, "/new")) {
                answer_problem(t, 503, "rateLimited");
                t->retry_after = strdup("7200");
        } else if (streq(path, "/account")) {
                t->location = strdup(URL "/account/1");
                answer(t, 201, strdup("{\"status\":\"valid\"}"));
        } else if (streq(path, "/new")) {
                answer_new_order(t, payload);
        } else if (sscanf(path, "/order/%u", &n) == 1) {
                answer_order(t, n, 200);
        } else if (sscanf(path, "/authz/%u", &n) == 1) {
                answer_authz(t, n, false);
        } else if (sscanf(path, "/challenge/%u", &n) == 1) {
                answer_authz(t, n, true);
        } else if (sscanf(path, "/finalize/%u", &n) == 1) {
                answer_finalize(t, n, payload);
        } else if (sscanf(path, "/certificate/%u", &n) == 1) {
                answer(t, 200, strdup(orders[n].pem));
        } else {
                fail_msg("POST %s", path);
        }
        json_decref(jws);
        json_decref(header);
        json_decref(payload);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        HttpTransfer *t = userdata;
        char nonce[32], date[64];
        time_t truth = (time_t) (sim_truth() / USEC_PER_SEC);
        struct tm tm;
        HttpHeader headers[5] = { { "Date", date } };
        HttpClientResponse response = { .status = t->status, .headers = headers, .n_headers = 1 };

        if (t->gives_nonce) {
                assert_true(++n_nonces < ELEMENTSOF(nonces));
                nonces[n_nonces] = true;
                (void) snprintf(nonce, sizeof(nonce), "nonce-%u", n_nonces);
                headers[response.n_headers++] = (HttpHeader){ "Replay-Nonce", nonce };
        }
        assert_non_null(gmtime_r(&truth, &tm));
        (void) strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        if (t->location)
                headers[response.n_headers++] = (HttpHeader){ "Location", t->location };
        if (t->retry_after)
                headers[response.n_headers++] = (HttpHeader){ "Retry-After", t->retry_after };
        if (t->body && has_prefix(t->body, "-----"))
                headers[response.n_headers++] = (HttpHeader){ "Content-Type",
                        "application/pem-certificate-chain" };
        response.body = t->body ? t->body : "";
        response.body_size = strlen(response.body);
        if (t->token)
                sim_read_token(t->token);
        if (t->status > 0)
                t->handler(&response, NULL, t->userdata);
        else
                t->handler(NULL, "could not connect to the CA", t->userdata);
        (void) http_transfer_cancel(t);
        return 0;
}

/* --- net/http-client.h ------------------------------------------------------------------------ */

int http_client_send(HttpOrigin *o, const HttpClientRequest *request, HttpClientHandler handler,
                void *userdata, HttpTransfer **ret)
{
        HttpTransfer *t = calloc(1, sizeof(*t));

        assert_non_null(t);
        t->gives_nonce = !strstr(request->url, "/window/");
        t->handler = handler;
        t->userdata = userdata;
        assert_int_equal(sd_event_add_time_relative(event, &t->timer, CLOCK_BOOTTIME,
                                         USEC_PER_SEC / 20 + sim_chance(USEC_PER_SEC), 0, on_timer,
                                         t),
                        0);
        *ret = t;
        if (weather == CA_DEAD)
                return 0;
        if (streq(request->method, "POST"))
                answer_post(t, request);
        else
                answer_get(t, strchr(request->url + strlen("https://"), '/'));
        return 0;
}

HttpTransfer *http_transfer_cancel(HttpTransfer *t)
{
        if (!t)
                return NULL;
        sd_event_source_disable_unref(t->timer);
        free(t->body);
        free(t->location);
        free(t->retry_after);
        free(t->token);
        free(t);
        return NULL;
}

int http_client_new(sd_event *e, HttpClient **ret)
{
        event = e;
        *ret = NULL;
        return 0;
}

HttpClient *http_client_free(HttpClient *c)
{
        return NULL;
}

int http_origin_new(HttpClient *c, const char *trust_file, HttpOrigin **ret)
{
        *ret = NULL;
        return 0;
}

/* Of the look ahead, which no simulated certificate has. */
int http_origin_new_plain(HttpClient *c, uint64_t total_usec, HttpOrigin **ret)
{
        return -ENOTSUP;
}

HttpOrigin *http_origin_free(HttpOrigin *o)
{
        return NULL;
}

void http_origin_set_max_body(HttpOrigin *o, size_t max_body)
{
}

void http_origin_set_parallel(HttpOrigin *o, unsigned n)
{
}
