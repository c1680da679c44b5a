/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status: reads the engine's objects and changes nothing. Instants are RFC 3339, null where there
 * is none. */

#include <stdio.h>

#include "base/strv.h"
#include "base/timestamp.h"
#include "config.h"
#include "control/status.h"

#define STATUS_VERSION 1

static json_t *status_instant(uint64_t usec)
{
        char text[TIMESTAMP_MAX];

        return usec == 0 || usec == USEC_INFINITY ? json_null()
                                                  : json_string(timestamp_format(text, usec));
}

static json_t *status_text(const char *s)
{
        return s ? json_string(s) : json_null();
}

static json_t *status_strings(char *const *l)
{
        json_t *array = json_array();

        STRV_FOREACH (s, l)
                if (json_array_append_new(array, json_string(*s)) < 0) {
                        json_decref(array);
                        return NULL;
                }
        return array;
}

static json_t *status_issued(const Certificate *c)
{
        const Issued *i = &c->issued;

        if (!issued_is_set(i))
                return json_null();
        return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s+++}", "generation", i->generation,
                        "serial", i->serial, "fingerprint", i->fingerprint, "issuer", i->issuer,
                        "not_before", status_instant(i->not_before), "not_after",
                        status_instant(i->not_after), "names", status_strings(i->names),
                        "directory", store_path(c->manager->store), "/live/", c->name, "");
}

/* What the CA suggests for what is in force (RFC 9773); null where it says nothing. */
static json_t *status_renewal_info(const Certificate *c)
{
        const StoreRenewalInfo *info = &c->remembered.renewal_info;

        if (info->at_usec == 0)
                return json_null();
        return json_pack("{s:o, s:o, s:o, s:o, s:o}", "start", status_instant(info->start), "end",
                        status_instant(info->end), "at", status_instant(info->at_usec), "next_poll",
                        status_instant(info->poll_usec), "explanation_url",
                        status_text(info->explanation_url));
}

static json_t *status_order(const Certificate *c)
{
        if (!c->issuance)
                return json_null();
        return json_pack("{s:o, s:s, s:s}", "url", status_text(issuance_order_url(c->issuance)),
                        "state", issuance_order_state(c->issuance), "reason",
                        schedule_reason_to_token(c->plan.reason));
}

static json_t *status_problem(const Certificate *c)
{
        const StoreProblem *p = &c->remembered.problem;

        if (!p->detail)
                return json_null();
        return json_pack("{s:o, s:s, s:o, s:o, s:s}", "type", status_text(p->type), "detail",
                        p->detail, "where", status_text(p->where), "when",
                        status_instant(p->when_usec), "retry",
                        renew_retry_to_string(c->remembered.failures.retry));
}

static json_t *status_deployment(const Certificate *c)
{
        bool failed = c->deployment == DEPLOYMENT_FAILED;

        return json_pack("{s:s, s:I, s:o, s:o, s:o}", "state",
                        deployment_state_to_string(c->deployment), "failures",
                        (json_int_t) c->remembered.deploy_failures.count, "next_attempt",
                        status_instant(failed ? c->deployment_retry : 0), "detail",
                        status_text(c->deployment_detail), "problem",
                        status_text(c->remembered.deploy_problem.detail));
}

static bool has_plan(const Certificate *c)
{
        return c->section && !c->read_only && !c->issuance && c->state != CERTIFICATE_UNPLANNED;
}

/* When something will be tried next of its own accord. */
static uint64_t next_attempt(const Certificate *c)
{
        return has_plan(c) ? c->plan.at_usec : 0;
}

/* Why it will be then, or is not at all ("held"). */
static json_t *next_attempt_reason(const Certificate *c)
{
        return status_text(has_plan(c) ? schedule_reason_to_token(c->plan.reason) : NULL);
}

/* Why no order could be begun, though it were time. */
static json_t *status_blocked(const Certificate *c)
{
        if (!c->section || certificate_can_be_validated(c))
                return json_null();
        return json_string(c->manager->listen_problem ? c->manager->listen_problem
                                                      : "the challenge port is not open");
}

json_t *status_of_certificate(const Certificate *c)
{
        char *const *names = c->section ? c->section->names : c->issued.names;
        RenewKeyType key = c->section ? c->section->key : c->issued.key;

        const char *profile = c->section ? config_certificate_profile(c->section)
                                         : c->remembered.profile;

        return json_pack("{s:s, s:b, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, "
                         "s:o, s:o}",
                        "name", c->name, "configured", c->section != NULL, "state",
                        certificate_state_to_string(c->state), "ca",
                        status_text(c->ca ? ca_name(c->ca) : c->remembered.ca), "names",
                        status_strings(names), "key", renew_key_type_to_string(key), "issued",
                        status_issued(c), "next_attempt", status_instant(next_attempt(c)),
                        "next_attempt_reason", next_attempt_reason(c), "order", status_order(c),
                        "failures", (json_int_t) c->remembered.failures.count, "last_problem",
                        status_problem(c), "deployment", status_deployment(c), "blocked",
                        status_blocked(c), "profile", status_text(profile), "renewal_info",
                        status_renewal_info(c));
}

static json_t *status_of_daemon(const Manager *m)
{
        return json_pack("{s:s, s:s, s:s, s:b, s:o}", "version", RENEWD_VERSION, "configuration",
                        m->config->path, "state_directory", store_path(m->store), "listening",
                        m->listening, "listen_problem", status_text(m->listen_problem));
}

json_t *status_of_certificates(const Manager *m)
{
        json_t *array = json_array();

        for (const Certificate *c = m->certificates; c; c = c->hh.next)
                if (json_array_append_new(array, status_of_certificate(c)) < 0) {
                        json_decref(array);
                        return NULL;
                }
        return json_pack("{s:i, s:o, s:o}", "version", STATUS_VERSION, "daemon",
                        status_of_daemon(m), "certificates", array);
}

void status_line(const Manager *m, uint64_t now, char *buffer, size_t size)
{
        unsigned n = 0, n_trouble = 0;
        uint64_t next = USEC_INFINITY;
        char span[TIMESTAMP_MAX];
        int used;

        for (const Certificate *c = m->certificates; c; c = c->hh.next) {
                if (!c->section)
                        continue;
                n++;
                if (c->remembered.failures.count > 0 || c->deployment == DEPLOYMENT_FAILED ||
                                c->read_only || (c->queued && !certificate_can_be_validated(c)))
                        n_trouble++;
                if (c->state == CERTIFICATE_RESTING)
                        next = MIN(next, c->plan.at_usec);
        }
        used = snprintf(buffer, size, "%u certificate%s", n, n == 1 ? "" : "s");
        if (m->n_issuing > 0)
                used += snprintf(buffer + used, size - (size_t) used, ", %u being issued",
                                m->n_issuing);
        if (n_trouble > 0)
                used += snprintf(buffer + used, size - (size_t) used, ", %u in trouble", n_trouble);
        if (next != USEC_INFINITY)
                (void) snprintf(buffer + used, size - (size_t) used, ", next renewal in %s",
                                timespan_format(span, usec_sub(next, now)));
}
