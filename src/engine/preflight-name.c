/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * preflight-name: one name of a certificate.
 *
 *     A, AAAA -> each address: GET our own file     (an IP address: that at once)
 *     CAA     -> up the tree until there are some   (beside it)
 *
 * A look from inside at where names point is a request that DNS directs. It is one that gives
 * nothing to whoever writes there: a GET of a path that is fixed but for a random token, at the
 * port where a CA would ask, without a header of anybody else's, of which nobody ever sees more
 * than whether the body was ours, a status and a Location in our own log. Nothing is followed, and
 * it is made for names that the operator configured, once for an order. What is no unicast address
 * is not asked, and for a public CA no private one is: it could not be reached from there anyway.
 *
 * Owned by its Preflight, in one array.
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/text.h"
#include "config.h"
#include "config/names.h"
#include "engine/preflight-internal.h"

#define WELL_KNOWN "/.well-known/acme-challenge/"

static void name_release(PreflightName *n)
{
        if (--n->n_pending > 0)
                return;
        /* Where no name server answers at all, one finding says it. */
        if (n->climb.verdict == CAA_UNKNOWN && !n->unresolved)
                preflight_find(n->preflight, n->name, "caa", TAKE_PTR(n->climb.reason));
        preflight_name_over(n->preflight);
}

/* --- our answer on one address ---------------------------------------------------------------- */

/* Whether this machine has a way to the address at all: one without IPv6 cannot judge an AAAA
 * record. Connecting a datagram socket sends nothing. */
static bool has_route(const char *address)
{
        struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
        _cleanup_close_ int fd = -EBADF;

        if (inet_pton(AF_INET6, address, &six.sin6_addr) != 1)
                return true;
        fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return false;
        return connect(fd, (const struct sockaddr *) &six, sizeof(six)) == 0 ||
               (errno != ENETUNREACH && errno != EHOSTUNREACH && errno != EADDRNOTAVAIL);
}

static void probe_judge(
                PreflightProbe *probe, const HttpClientResponse *response, const char *failure)
{
        Preflight *p = probe->name->preflight;
        ProbeFacts facts = {
                .address = probe->address,
                .port = p->section->ca->validation_port,
                .expected = p->answer,
                .webroot = p->section->webroot,
                .response = response,
                .failure = failure,
        };

        preflight_find(p, probe->name->name, "port", preflight_judge_probe(&facts));
}

static void on_probe(const HttpClientResponse *response, const char *failure, void *userdata)
{
        PreflightProbe *probe = userdata;

        probe->transfer = NULL;
        probe_judge(probe, response, failure);
        name_release(probe->name);
}

/* As the CA does it: connects to the address, asks for the name. Return: 0, -ENOMEM, -EINVAL. */
static int probe_send(PreflightProbe *probe)
{
        Preflight *p = probe->name->preflight;
        const char *name = probe->name->name, *user_agent = p->config->daemon.user_agent;
        unsigned port = p->section->ca->validation_port;
        bool six = strchr(probe->address, ':'), bare = strchr(name, ':');
        _cleanup_free_ char *url = NULL, *host = NULL, *suffix = NULL;
        HttpHeader headers[2];
        HttpClientRequest request = {
                .method = "GET", .headers = headers, .n_headers = ELEMENTSOF(headers)
        };

        suffix = port == 80 ? strdup("") : text_format(":%u", port);
        host = text_format(bare ? "[%s]%s" : "%s%s", name, suffix ? suffix : "");
        url = text_format(six ? "http://[%s]:%u" WELL_KNOWN "%s" : "http://%s:%u" WELL_KNOWN "%s",
                        probe->address, port, p->token);
        if (!suffix || !host || !url)
                return -ENOMEM;
        headers[0] = (HttpHeader){ "Host", host };
        headers[1] = (HttpHeader){ "User-Agent",
                user_agent ? user_agent : "renewd/" RENEWD_VERSION };
        request.url = url;
        return http_client_send(p->origin, &request, on_probe, probe, &probe->transfer);
}

/* Return: a finding that makes asking needless, or NULL; the caller frees it. */
static char *name_judge_address(const PreflightName *n, const char *address)
{
        switch (preflight_address_kind(address)) {
        case ADDRESS_NONE:
                return text_format("its address %s is none that anybody could connect to; correct "
                                   "the record",
                                address);
        case ADDRESS_PRIVATE:
                if (!n->preflight->section->ca->preset)
                        return NULL;
                return text_format("its address %s is a private one, which a public CA cannot "
                                   "reach; give the name the public address of this machine",
                                address);
        case ADDRESS_PUBLIC:
                return NULL;
        }
        assert_not_reached();
}

static void name_probe(PreflightName *n, const char *address)
{
        PreflightProbe *probe = &n->probes[n->n_probes];
        char *detail = name_judge_address(n, address);

        if (detail) {
                preflight_find(n->preflight, n->name, "address", detail);
                return;
        }
        if (n->n_probes == N_PROBES || !n->preflight->presented || !has_route(address))
                return;
        *probe = (PreflightProbe){ .name = n };
        (void) snprintf(probe->address, sizeof(probe->address), "%s", address);
        if (probe_send(probe) < 0)
                return; /* no memory: nothing is found */
        n->n_probes++;
        n->n_pending++;
}

/* --- addresses -------------------------------------------------------------------------------- */

/* Both look-ups are over. */
static void name_judge_addresses(PreflightName *n)
{
        preflight_find(n->preflight, n->name, "address",
                        preflight_judge_addresses(n->a_outcome, n->aaaa_outcome, &n->unresolved));
}

static void name_on_addresses(PreflightName *n, const LookupAnswer *answer)
{
        for (size_t i = 0; i < answer->n_addresses; i++)
                name_probe(n, answer->addresses[i]);
        if (!n->a && !n->aaaa)
                name_judge_addresses(n);
        name_release(n);
}

static void on_a(const LookupAnswer *answer, void *userdata)
{
        PreflightName *n = userdata;

        n->a = NULL;
        n->a_outcome = answer->outcome;
        name_on_addresses(n, answer);
}

static void on_aaaa(const LookupAnswer *answer, void *userdata)
{
        PreflightName *n = userdata;

        n->aaaa = NULL;
        n->aaaa_outcome = answer->outcome;
        name_on_addresses(n, answer);
}

/* --- CAA -------------------------------------------------------------------------------------- */

static void name_climb(PreflightName *n);

static void on_caa(const LookupAnswer *answer, void *userdata)
{
        PreflightName *n = userdata;

        n->caa = NULL;
        caa_climb_feed(&n->climb, answer);
        name_climb(n);
        name_release(n);
}

static void name_climb(PreflightName *n)
{
        Preflight *p = n->preflight;

        if (n->climb.at) {
                if (lookup_start(p->resolver, n->climb.at, LOOKUP_CAA, on_caa, n, &n->caa) >= 0)
                        n->n_pending++;
                return;
        }
        if (n->climb.verdict == CAA_REFUSED)
                preflight_find(p, n->name, "caa", TAKE_PTR(n->climb.reason));
}

/* --- its life --------------------------------------------------------------------------------- */

static void name_look_up(PreflightName *n)
{
        Preflight *p = n->preflight;
        CaaQuestion question = {
                .name = n->name,
                .identities = (const char *const *) p->caa_identities,
                .account_url = p->account_url,
                .method = "http-01",
        };

        if (lookup_start(p->resolver, n->name, LOOKUP_A, on_a, n, &n->a) >= 0)
                n->n_pending++;
        if (lookup_start(p->resolver, n->name, LOOKUP_AAAA, on_aaaa, n, &n->aaaa) >= 0)
                n->n_pending++;
        caa_climb_init(&n->climb, &question);
        name_climb(n);
}

void preflight_name_begin(PreflightName *n, Preflight *p)
{
        n->preflight = p;
        n->n_pending = 1; /* not over before all has begun */
        if (name_is_address(n->name))
                name_probe(n, n->name);
        else if (p->resolver)
                name_look_up(n);
        name_release(n);
}

void preflight_name_done(PreflightName *n)
{
        n->a = lookup_cancel(n->a);
        n->aaaa = lookup_cancel(n->aaaa);
        n->caa = lookup_cancel(n->caa);
        for (size_t i = 0; i < n->n_probes; i++)
                n->probes[i].transfer = http_transfer_cancel(n->probes[i].transfer);
        caa_climb_done(&n->climb);
}
