/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * http-01: the challenge port.
 *
 * A table of tokens, and any number of HTTP servers that answer from it. A token is looked up by
 * the exact bytes of its path and never by the Host header: proxies rewrite that, and a token names
 * its authorization all by itself (RFC 8555 section 8.3). Everything else gets a constant answer in
 * which nothing of the request is found again; or, where renewd holds port 80 for the machine, the
 * way to https.
 *
 * Owned by the Manager. The servers come and go with the configuration (http-01-listen.c); the
 * table stays.
 */

#include <arpa/inet.h>
#include <uthash.h>

#include "base/limits.h"
#include "base/text.h"
#include "challenge/http-01-internal.h"

#define WELL_KNOWN "/.well-known/acme-challenge/"

struct Http01Token {
        char *token;
        char *key_authorization;
        unsigned n_presented; /* two orders may share a pending authorization, and so its token */
        UT_hash_handle hh;
};

static Http01Token *token_free(Http01Token *t)
{
        if (!t)
                return NULL;
        free(t->token);
        free(t->key_authorization);
        free(t);
        return NULL;
}
DEFINE_CLEANUP(Http01Token, token_free)

static Http01Token *token_find(const Http01 *h, const char *token)
{
        Http01Token *t;

        HASH_FIND_STR(h->tokens, token, t);
        return t;
}

static void reply_not_found(HttpExchange *x)
{
        static const char text[] = "Not found\n";

        /* On failure the server closes the connection: an answer as constant as this one. */
        (void) http_exchange_reply(x, 404, "text/plain", text, sizeof(text) - 1, NULL);
}

static void reply_token(Http01 *h, HttpExchange *x, const Http01Token *t)
{
        int r;

        r = http_exchange_reply(x, 200, "application/octet-stream", t->key_authorization,
                        strlen(t->key_authorization), NULL);
        if (r >= 0 && h->seen)
                h->seen(t->token, h->userdata);
}

static bool is_host_name(const char *s, size_t size)
{
        if (size == 0 || size > LIMIT_DNS_NAME || s[0] == '-' || s[0] == '.')
                return false;
        for (size_t i = 0; i < size; i++)
                if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
                                    (s[i] >= '0' && s[i] <= '9') || s[i] == '-' || s[i] == '.'))
                        return false;
        return true;
}

static bool is_bracketed_ipv6(const char *s, size_t size)
{
        char address[INET6_ADDRSTRLEN];
        struct in6_addr in6;

        if (size < 4 || size - 2 >= sizeof(address) || s[0] != '[' || s[size - 1] != ']')
                return false;
        memcpy(address, s + 1, size - 2);
        address[size - 2] = '\0';
        return inet_pton(AF_INET6, address, &in6) == 1;
}

/* Length of the host in a Host header, without the port; 0 when it is no plain host. */
static size_t host_length(const char *host)
{
        size_t size = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
        uint64_t port;

        if (size > strlen(host))
                return 0;
        if (host[size] != '\0' && (host[size] != ':' || text_parse_u64(host + size + 1, UINT16_MAX,
                                                                        &port) < 0))
                return 0;
        return is_host_name(host, size) || is_bracketed_ipv6(host, size) ? size : 0;
}

/* A path and query that can stand in a header as they came. */
static bool is_plain_target(const char *s)
{
        if (s[0] != '/')
                return false;
        for (; *s; s++)
                if (*s <= ' ' || *s > '~')
                        return false;
        return true;
}

/* The same place on https. Return: false when there is none to name. */
static bool reply_redirect(HttpExchange *x)
{
        const char *host = http_exchange_header(x, "Host"), *target = http_exchange_target(x);
        _cleanup_free_ char *location = NULL;
        size_t size = host ? host_length(host) : 0;

        if (size == 0 || !is_plain_target(target))
                return false;
        location = text_format("https://%.*s%s", (int) size, host, target);
        return location && http_exchange_reply(x, 308, NULL, NULL, 0, location) >= 0;
}

void http01_on_request(HttpExchange *x, void *userdata)
{
        Http01 *h = userdata;
        const char *method = http_exchange_method(x), *target = http_exchange_target(x);
        const Http01Token *t;

        if (!streq(method, "GET") && !streq(method, "HEAD")) {
                reply_not_found(x);
                return;
        }
        /* As it was sent: a CA has nothing to encode, and no query to ask. */
        if (has_prefix(target, WELL_KNOWN)) {
                t = token_find(h, target + strlen(WELL_KNOWN));
                if (t)
                        reply_token(h, x, t);
                else
                        reply_not_found(x);
                return;
        }
        if (h->fallback != CONFIG_FALLBACK_REDIRECT || !reply_redirect(x))
                reply_not_found(x);
}

static Http01 *solver_http01(ChallengeSolver *s)
{
        return (Http01 *) (void *) ((char *) s - offsetof(Http01, solver));
}

static int token_add(Http01 *h, const RenewChallenge *challenge)
{
        _cleanup_(token_freep) Http01Token *t = calloc(1, sizeof(*t));

        if (!t)
                return -ENOMEM;
        t->token = strdup(challenge->token);
        t->key_authorization = strdup(challenge->key_authorization);
        if (!t->token || !t->key_authorization)
                return -ENOMEM;
        t->n_presented = 1;
        HASH_ADD_KEYPTR(hh, h->tokens, t->token, strlen(t->token), t);
        TAKE_PTR(t);
        return 0;
}

static int http01_present(ChallengeSolver *s, const RenewChallenge *challenge, char **ret_reason)
{
        Http01 *h = solver_http01(s);
        Http01Token *t;

        if (!h->listeners) {
                *ret_reason = strdup(h->problem ? h->problem : "nothing listens for http-01");
                return -EADDRNOTAVAIL;
        }
        if (strlen(challenge->token) > LIMIT_TOKEN || !text_is_base64url(challenge->token)) {
                *ret_reason = strdup("the CA's token is not one (RFC 8555 section 8.3)");
                return -EINVAL;
        }
        t = token_find(h, challenge->token);
        if (t && streq(t->key_authorization, challenge->key_authorization)) {
                t->n_presented++;
                return 0;
        }
        if (t) { /* the same token under another account key: the newer one is asked for */
                HASH_DEL(h->tokens, t);
                token_free(t);
        }
        return token_add(h, challenge);
}

static void http01_retract(ChallengeSolver *s, const RenewChallenge *challenge)
{
        Http01 *h = solver_http01(s);
        Http01Token *t = token_find(h, challenge->token);
        const char *key_authorization = challenge->key_authorization;

        if (!t || (key_authorization && !streq(t->key_authorization, key_authorization)))
                return; /* never presented, or replaced */
        if (--t->n_presented > 0)
                return;
        HASH_DEL(h->tokens, t);
        token_free(t);
}

/* The solver is a part of the Http01 and lives as long. */
static ChallengeSolver *http01_solver_free(ChallengeSolver *s)
{
        return NULL;
}

static const ChallengeVtable http01_vtable = {
        .name = "listener",
        .present = http01_present,
        .retract = http01_retract,
        .free = http01_solver_free,
};

int http01_new(sd_event *event, Http01Seen seen, void *userdata, Http01 **ret)
{
        Http01 *h = calloc(1, sizeof(*h));

        if (!h)
                return -ENOMEM;
        h->solver.vtable = &http01_vtable;
        h->event = sd_event_ref(event);
        h->seen = seen;
        h->userdata = userdata;
        *ret = h;
        return 0;
}

ChallengeSolver *http01_solver(Http01 *h)
{
        return &h->solver;
}

Http01 *http01_free(Http01 *h)
{
        Http01Token *t, *next;

        if (!h)
                return NULL;
        http01_close_listeners(h);
        HASH_ITER (hh, h->tokens, t, next) {
                HASH_DEL(h->tokens, t);
                token_free(t);
        }
        free(h->problem);
        sd_event_unref(h->event);
        free(h);
        return NULL;
}
