/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * certificate-deployment: NONE -> PENDING -> DONE, or FAILED -> PENDING … by the same table as
 * other trouble of the network kind. The generation that was deployed is remembered, so that a
 * crash between switch and reload is made good after the start.
 */

#include <renew/journal.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strv.h"
#include "engine/certificate-internal.h"
#include "engine/manager.h"

static bool certificate_is_deployed(const Certificate *c)
{
        return streq_ptr(c->remembered.deployed, c->issued.generation);
}

static bool section_has_actions(const ConfigCertificate *s)
{
        return strv_length(s->reload) > 0 || strv_length(s->run) > 0;
}

static void certificate_deployment_forget_failures(Certificate *c)
{
        StoreProblem *p = &c->remembered.deploy_problem;

        free(p->type);
        free(p->detail);
        free(p->where);
        *p = (StoreProblem){};
        c->remembered.deploy_failures = (RenewFailures){};
}

static void certificate_deployment_set_done(Certificate *c, DeploymentState state)
{
        char *generation = strdup(c->issued.generation);

        c->deployment = state;
        certificate_deployment_forget_failures(c);
        free(c->remembered.deployed);
        c->remembered.deployed = generation;
        certificate_save(c);
        manager_notify_changed(c->manager);
}

static void certificate_deployment_plan_retry(Certificate *c)
{
        c->deployment_retry = renew_renewal_retry_at(&c->remembered.deploy_failures,
                        c->issued.not_before, c->issued.not_after, random_u64());
}

void certificate_deployment_load(Certificate *c)
{
        if (!issued_is_set(&c->issued))
                return;
        if (certificate_is_deployed(c)) {
                c->deployment = DEPLOYMENT_DONE;
        } else if (c->remembered.deploy_failures.count > 0) {
                c->deployment = DEPLOYMENT_FAILED;
                certificate_deployment_plan_retry(c);
        }
}

static void certificate_deployment_ask(Certificate *c)
{
        int r = deploy_request(c->manager->deploy, c->name);

        if (r < 0) {
                certificate_log(c, LOG_WARNING, NULL, "cannot ask for its deployment: %s",
                                strerror(-r));
                return;
        }
        c->deployment = DEPLOYMENT_PENDING;
        manager_notify_changed(c->manager);
}

void certificate_deployment_check(Certificate *c)
{
        if (!issued_is_set(&c->issued) || certificate_is_deployed(c))
                return;
        if (!section_has_actions(c->section))
                certificate_deployment_set_done(c, DEPLOYMENT_NONE);
        else if (c->deployment != DEPLOYMENT_FAILED || c->deployment_retry <= clock_realtime_usec())
                certificate_deployment_ask(c);
}

void certificate_deployment_begin(Certificate *c)
{
        certificate_deployment_forget_failures(c);
        c->deployment = DEPLOYMENT_NONE;
        certificate_deployment_check(c);
}

void certificate_deployment_on_deadline(Certificate *c, uint64_t now)
{
        if (c->deployment == DEPLOYMENT_FAILED && c->deployment_retry <= now)
                certificate_deployment_ask(c);
}

static void certificate_deployment_failed(Certificate *c, const DeployResult *result)
{
        RenewFailures *f = &c->remembered.deploy_failures;
        RenewFailures before = *f;
        uint64_t now = clock_realtime_usec();
        char next[TIMESTAMP_MAX];

        certificate_deployment_forget_failures(c);
        *f = before;
        if (f->count == 0)
                f->first = now;
        if (f->count < UINT32_MAX)
                f->count++;
        f->last = now;
        f->retry = RENEW_RETRY_NETWORK;
        c->remembered.deploy_problem = (StoreProblem){
                .type = strdup("deployment"),
                .detail = strdup(result->problem),
                .where = strdup("deployment"),
                .when_usec = now,
        };
        c->deployment = DEPLOYMENT_FAILED;
        certificate_deployment_plan_retry(c);
        certificate_save(c);
        certificate_log(c, LOG_ERR, RENEW_MESSAGE_DEPLOYMENT_FAILED,
                        "issued, but not in use: %s. Next attempt in %s", result->problem,
                        timespan_format(next, usec_sub(c->deployment_retry, now)));
}

void certificate_on_deployed(Certificate *c, const DeployResult *result)
{
        if (!c->section || !issued_is_set(&c->issued))
                return;
        free(c->deployment_detail);
        c->deployment_detail = strdup(result->detail);
        if (result->ok) {
                certificate_deployment_set_done(c, DEPLOYMENT_DONE);
                certificate_log(c, LOG_NOTICE, RENEW_MESSAGE_CERTIFICATE_DEPLOYED, "deployed: %s",
                                result->detail);
        } else {
                certificate_deployment_failed(c, result);
        }
        certificate_arm(c);
        manager_notify_changed(c->manager);
}
