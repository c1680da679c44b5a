/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * preflight: a look ahead, before an order spends anything at the CA.
 *
 * Disk and clock are looked at on the spot; the names side by side, some at a time, each in
 * preflight-name.c. It ends when all names are over or the time is up, whichever comes first, and
 * what it found until then is told. A random token is presented for as long as it lasts, by the
 * way that validations will take. Owned by an Issuance.
 */

#include <inttypes.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "engine/preflight-internal.h"

/* The order waits for no longer than this. A look-up and a probe after it fit in. */
#define TOTAL_USEC  (10 * USEC_PER_SEC)
#define LOOKUP_USEC (4 * USEC_PER_SEC)
#define PROBE_USEC  (5 * USEC_PER_SEC)

/* Names at a time: each has three questions and some connections. */
#define N_PARALLEL ((size_t) 16)

/* Connections at a time: names may have sixteen addresses each, and descriptors are few. */
#define N_CONNECTIONS 32U

/* Our answer has 70 bytes; what is longer is not ours. */
#define MAX_BODY ((size_t) 1024)

/* --- findings --------------------------------------------------------------------------------- */

void preflight_findings_done(PreflightFindings *f)
{
        for (size_t i = 0; i < f->n; i++) {
                free(f->items[i].name);
                free(f->items[i].detail);
        }
        free(f->items);
        *f = (PreflightFindings){};
}

static int findings_add(
                PreflightFindings *f, const char *name, const char *check, char *detail_take)
{
        _cleanup_free_ char *detail = detail_take, *copy = name ? strdup(name) : NULL;
        PreflightFinding *grown;

        if (!detail || (name && !copy))
                return -ENOMEM;
        grown = reallocarray(f->items, f->n + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        f->items = grown;
        grown[f->n++] = (PreflightFinding){ TAKE_PTR(copy), check, TAKE_PTR(detail) };
        return 0;
}

int preflight_findings_copy(const PreflightFindings *f, PreflightFindings *ret)
{
        PreflightFindings copy = {};

        for (size_t i = 0; i < f->n; i++)
                if (findings_add(&copy, f->items[i].name, f->items[i].check,
                                    strdup(f->items[i].detail)) < 0) {
                        preflight_findings_done(&copy);
                        return -ENOMEM;
                }
        *ret = copy;
        return 0;
}

/* What has no room in memory is not found. */
void preflight_find(Preflight *p, const char *name, const char *check, char *detail_take)
{
        if (!detail_take)
                return;
        if (p->findings.n < LIMIT_PREFLIGHT_FINDINGS)
                (void) findings_add(&p->findings, name, check, detail_take);
        else
                free(detail_take);
}

/* --- the machine ------------------------------------------------------------------------------ */

static void preflight_look_at_disk(Preflight *p)
{
        DiskFacts facts = { .path = p->state_directory };
        struct statvfs fs;

        if (statvfs(p->state_directory, &fs) < 0 || access(p->state_directory, W_OK) < 0) {
                facts.error = errno;
        } else {
                facts.read_only = fs.f_flag & ST_RDONLY;
                facts.free_bytes = (uint64_t) fs.f_bavail * fs.f_frsize;
                facts.free_files = fs.f_favail;
                facts.counts_files = fs.f_files > 0;
        }
        preflight_find(p, NULL, "disk", preflight_judge_disk(&facts));
}

/* --- the token -------------------------------------------------------------------------------- */

static RenewChallenge preflight_challenge(const Preflight *p)
{
        return (RenewChallenge){
                .type = "http-01",
                .identifier = { RENEW_IDENTIFIER_DNS, p->section->names[0] },
                .token = p->token,
                .key_authorization = p->answer,
        };
}

/* Its name says in the log of a web server whose it is. Return: 0 or -ENOMEM. */
static int preflight_make_token(Preflight *p)
{
        p->token = text_format(
                        "renewd-preflight-%016" PRIx64 "%016" PRIx64, random_u64(), random_u64());
        p->answer = p->token ? text_format("%s.%016" PRIx64, p->token, random_u64()) : NULL;
        return p->answer ? 0 : -ENOMEM;
}

static void preflight_present(Preflight *p)
{
        RenewChallenge challenge = preflight_challenge(p);
        char *reason = NULL;
        int r = challenge_present(p->solver, &challenge, &reason);

        p->presented = r >= 0;
        if (r < 0)
                preflight_find(p, NULL, "challenge", reason ? reason : strdup(strerror(-r)));
}

/* --- names ------------------------------------------------------------------------------------ */

static int on_end(sd_event_source *s, void *userdata)
{
        Preflight *p = userdata;

        p->done(&p->findings, p->userdata);
        return 0;
}

/* Tells the owner from the loop, so that nothing is freed under our feet. */
static void preflight_end(Preflight *p)
{
        (void) sd_event_source_set_enabled(p->limit, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(p->end, SD_EVENT_ONESHOT);
}

static void preflight_begin_names(Preflight *p)
{
        while (p->n_begun < p->n_names && p->n_begun - p->n_over < N_PARALLEL)
                preflight_name_begin(&p->names[p->n_begun++], p);
}

void preflight_name_over(Preflight *p)
{
        p->n_over++;
        if (p->n_over == p->n_names)
                preflight_end(p);
        else
                preflight_begin_names(p);
}

static int on_limit(sd_event_source *s, uint64_t usec, void *userdata)
{
        Preflight *p = userdata;
        char took[TIMESTAMP_MAX];

        for (size_t i = 0; i < p->n_names; i++)
                preflight_name_done(&p->names[i]);
        preflight_find(p, NULL, "time",
                        text_format("%zu of %zu names could not be looked at within %s; the order "
                                    "goes on without",
                                        p->n_names - p->n_over, p->n_names,
                                        timespan_format(took, TOTAL_USEC)));
        preflight_end(p);
        return 0;
}

/* --- life ------------------------------------------------------------------------------------- */

static int preflight_add_sources(Preflight *p)
{
        int r = sd_event_add_time(p->event, &p->limit, CLOCK_BOOTTIME,
                        usec_add(clock_boottime_usec(), TOTAL_USEC), USEC_PER_MSEC, on_limit, p);

        if (r < 0)
                return r;
        (void) sd_event_source_set_description(p->limit, "preflight-limit");
        r = sd_event_add_defer(p->event, &p->end, on_end, p);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(p->end, "preflight-end");
        return sd_event_source_set_enabled(p->end, SD_EVENT_OFF);
}

static int preflight_copy(Preflight *p, const PreflightOptions *o)
{
        p->n_names = strv_length(p->section->names);
        p->names = calloc(p->n_names, sizeof(*p->names));
        p->state_directory = strdup(o->state_directory);
        p->account_url = o->account_url ? strdup(o->account_url) : NULL;
        if (!p->names || !p->state_directory || (o->account_url && !p->account_url))
                return -ENOMEM;
        for (size_t i = 0; i < p->n_names; i++)
                p->names[i].name = p->section->names[i];
        for (const char *const *i = o->caa_identities; i && *i; i++)
                if (strv_add(&p->caa_identities, *i) < 0)
                        return -ENOMEM;
        return preflight_make_token(p);
}

/* Without a name server there is that much less to look at. */
static int preflight_open(Preflight *p, HttpClient *http)
{
        int r = resolver_new(p->event, p->config->daemon.dns_server, LOOKUP_USEC, &p->resolver);

        if (r == -ENOMEM)
                return r;
        if (r < 0)
                preflight_find(p, NULL, "address",
                                text_format("no name can be looked up: %s; name a server in "
                                            "DnsServer=",
                                                strerror(-r)));
        r = http_origin_new_plain(http, PROBE_USEC, &p->origin);
        if (r < 0)
                return r;
        http_origin_set_max_body(p->origin, MAX_BODY);
        http_origin_set_parallel(p->origin, N_CONNECTIONS);
        return 0;
}

int preflight_start(const PreflightOptions *options, PreflightDone done, void *userdata,
                Preflight **ret)
{
        _cleanup_(preflight_freep) Preflight *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        *p = (Preflight){
                .event = options->event,
                .config = config_ref(options->config),
                .section = options->section,
                .solver = options->solver,
                .done = done,
                .userdata = userdata,
        };
        r = preflight_add_sources(p);
        if (r >= 0)
                r = preflight_copy(p, options);
        if (r >= 0)
                r = preflight_open(p, options->http);
        if (r < 0)
                return r;
        preflight_look_at_disk(p);
        preflight_find(p, NULL, "clock",
                        preflight_judge_clock(options->now_usec, options->ca_now_usec,
                                        p->section->ca->name));
        preflight_present(p);
        preflight_begin_names(p);
        *ret = TAKE_PTR(p);
        return 0;
}

Preflight *preflight_free(Preflight *p)
{
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n_names && p->names; i++)
                preflight_name_done(&p->names[i]);
        if (p->presented) {
                RenewChallenge challenge = preflight_challenge(p);

                challenge_retract(p->solver, &challenge);
        }
        resolver_free(p->resolver);
        http_origin_free(p->origin);
        sd_event_source_disable_unref(p->limit);
        sd_event_source_disable_unref(p->end);
        preflight_findings_done(&p->findings);
        strv_free(p->caa_identities);
        free(p->state_directory);
        free(p->account_url);
        free(p->token);
        free(p->answer);
        free(p->names);
        config_unref(p->config);
        free(p);
        return NULL;
}
