/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * certificate-attempt: how attempts begin and what their end means: a success is remembered and
 * deployed, a failure is remembered, told once with what follows from it, and planned anew.
 */

#include <stdio.h>

#include <renew/journal.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strv.h"
#include "base/text.h"
#include "engine/certificate-internal.h"
#include "engine/manager.h"

static bool certificate_ends_soon(const Certificate *c, uint64_t now)
{
        uint64_t lifetime = usec_sub(c->issued.not_after, c->issued.not_before);
        uint64_t left = usec_sub(c->issued.not_after, now);

        return left < lifetime / (lifetime < 10 * USEC_PER_DAY ? 4 : 6);
}

/* An error means that the certificate will expire, or stay missing, unless a human acts. */
static int certificate_failure_level(const Certificate *c, RenewRetry retry, uint64_t now)
{
        switch (retry) {
        case RENEW_RETRY_DAILY:
        case RENEW_RETRY_HELD:
                return LOG_ERR;
        case RENEW_RETRY_VALIDATION:
                if (!issued_is_set(&c->issued))
                        return LOG_ERR;
                break;
        case RENEW_RETRY_NOW:
        case RENEW_RETRY_NETWORK:
                if (!issued_is_set(&c->issued))
                        return LOG_WARNING;
                break;
        }
        return certificate_ends_soon(c, now) ? LOG_ERR : LOG_WARNING;
}

/* No plan waits for so long (a week and a quarter is the longest): who fails after this was
 * switched off, or has another clock now, and begins another streak. */
#define STREAK_GAP (10 * USEC_PER_DAY)

static void certificate_remember_failure(Certificate *c, const Trouble *trouble, uint64_t now)
{
        StoreState *st = &c->remembered;
        RenewFailures failures = st->failures;

        certificate_reset_failures(c);
        if (usec_sub(now, MAX(failures.last, failures.not_before)) > STREAK_GAP)
                failures = (RenewFailures){};
        st->failures = failures;
        if (st->failures.count == 0)
                st->failures.first = now;
        if (st->failures.count < UINT32_MAX)
                st->failures.count++;
        st->failures.last = now;
        st->failures.retry = trouble->retry;
        st->failures.not_before = trouble->not_before_usec;
        st->failures_random = random_u64();
        st->failures_config = certificate_signature(c);
        st->problem = (StoreProblem){
                .type = strdup(trouble->type),
                .detail = strdup(trouble->detail),
                .where = strdup(trouble->where),
                .when_usec = now,
        };
        certificate_save(c);
}

/* CAs end their sentences differently; ours go on after it. */
static int without_full_stop(const char *sentence)
{
        size_t n = strlen(sentence);

        while (n > 0 && sentence[n - 1] == '.')
                n--;
        return (int) n;
}

/* "There is no certificate yet", … : what the failure means to clients at this moment. */
static char *certificate_in_force_text(const Certificate *c, uint64_t now)
{
        char left[TIMESTAMP_MAX];

        if (!issued_is_set(&c->issued))
                return strdup("There is no certificate yet");
        if (c->issued.not_after < now)
                return strdup("The certificate in force has expired");
        return text_format("The certificate in force is valid for %s",
                        timespan_format(left, c->issued.not_after - now));
}

static char *certificate_next_text(const Certificate *c, uint64_t now)
{
        char next[TIMESTAMP_MAX];

        if (c->state == CERTIFICATE_HELD)
                return text_format("Held until its configuration changes or `renewctl renew %s`",
                                c->name);
        return text_format("Next attempt in %s",
                        timespan_format(next, usec_sub(c->plan.at_usec, now)));
}

static void certificate_tell_failure(const Certificate *c, const Trouble *trouble, uint64_t now)
{
        bool held = c->state == CERTIFICATE_HELD;
        _cleanup_free_ char *next = certificate_next_text(c, now);
        _cleanup_free_ char *in_force = certificate_in_force_text(c, now);

        certificate_log(c, held ? LOG_ERR : certificate_failure_level(c, trouble->retry, now),
                        held ? RENEW_MESSAGE_CERTIFICATE_HELD : RENEW_MESSAGE_ISSUANCE_FAILED,
                        "%s: %s: %.*s. %s. %s.", ca_name(c->ca), trouble->where,
                        without_full_stop(trouble->detail), trouble->detail, next ? next : "",
                        in_force ? in_force : "");
}

static void certificate_on_failed(Certificate *c, const Trouble *trouble)
{
        uint64_t now = clock_realtime_usec();

        certificate_remember_failure(c, trouble, now);
        certificate_replan(c);
        certificate_tell_failure(c, trouble, now);
}

static int certificate_remember_success(Certificate *c)
{
        StoreState *st = &c->remembered;
        const char *profile = config_certificate_profile(c->section);

        certificate_reset_failures(c);
        free(st->ca);
        free(st->account);
        free(st->key_type);
        free(st->profile);
        st->names = strv_free(st->names);
        store_renewal_info_done(&st->renewal_info);
        st->ca = strdup(c->section->ca->name);
        st->account = strdup(renew_key_thumbprint(ca_account_key(c->ca)));
        st->profile = profile ? strdup(profile) : NULL;
        st->key_type = strdup(renew_key_type_to_string(c->section->key));
        st->random = random_u64();
        return st->ca && st->account && st->key_type && (st->profile || !profile)
                               ? strv_copy(c->section->names, &st->names)
                               : -ENOMEM;
}

static void certificate_on_issued(Certificate *c)
{
        char until[TIMESTAMP_MAX];
        int r;

        certificate_renewal_info_cancel(c);
        r = certificate_load_issued(c);
        if (r >= 0)
                r = certificate_remember_success(c);
        if (r < 0)
                certificate_log(c, LOG_WARNING, NULL, "issued, but not remembered: %s",
                                strerror(-r));
        certificate_save(c);
        c->expiry_told = false;
        certificate_log(c, LOG_NOTICE, RENEW_MESSAGE_CERTIFICATE_ISSUED,
                        "issued by %s, serial %s, valid until %s", ca_name(c->ca), c->issued.serial,
                        timestamp_format(until, c->issued.not_after));
        certificate_deployment_begin(c);
        certificate_replan(c);
}

static void on_issuance_done(const char *generation, const Trouble *trouble, void *userdata)
{
        Certificate *c = userdata;
        const char *url = issuance_order_url(c->issuance);
        _cleanup_free_ char *order = url ? strdup(url) : NULL;
        _cleanup_trouble_ Trouble copy = {};

        if (trouble)
                trouble_copy(&copy, trouble);
        certificate_drop_issuance(c);
        c->ended_order = order;
        if (trouble)
                certificate_on_failed(c, &copy);
        else
                certificate_on_issued(c);
        c->ended_order = NULL;
}

void certificate_issue(Certificate *c)
{
        Manager *m = c->manager;
        IssuanceOptions options = {
                .event = m->event,
                .store = m->store,
                .ca = c->ca,
                .listener = http01_solver(m->http01),
                .config = c->config,
                .section = c->section,
                .replaces = certificate_replaces(c),
                .replaces_account = c->remembered.account,
        };
        _cleanup_trouble_ Trouble trouble = {};
        int r;

        assert(c->state == CERTIFICATE_DUE && !c->issuance);
        certificate_log(c, LOG_INFO, NULL, "ordering from %s, since %s", ca_name(c->ca),
                        schedule_reason_to_string(c->plan.reason));
        c->asked = false;
        certificate_set_state(c, CERTIFICATE_ISSUING);
        r = issuance_start(&options, on_issuance_done, c, &c->issuance);
        if (r >= 0) {
                m->n_issuing++;
                return;
        }
        trouble_set(&trouble, RENEW_RETRY_NETWORK, "internal", "start of the attempt", "%s",
                        strerror(-r));
        certificate_on_failed(c, &trouble);
}

int certificate_renew_now(Certificate *c)
{
        if (!c->section || c->read_only)
                return -ENOTSUP;
        if (c->issuance)
                return -EBUSY;
        c->asked = true;
        certificate_reset_failures(c);
        certificate_save(c);
        certificate_replan(c);
        return 0;
}
