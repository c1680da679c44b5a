/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * certificate: the life cycle of one certificate. Owned by Manager.certificates.
 *
 * Facts (what is in force, what failed) are read once and then kept; the plan is computed from them
 * by schedule.c after every event and never stored. One timer serves all deadlines: renewal or
 * retry, the deployment's retry, the end of what is in force. States and edges:
 * certificate-state.c; the deployment: certificate-deployment.c.
 */

#include <stdarg.h>
#include <stdio.h>

#include <renew/journal.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strv.h"
#include "base/text.h"
#include "engine/certificate-internal.h"
#include "engine/manager.h"

static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata);

/* --- life ------------------------------------------------------------------------------------- */

int certificate_new(Manager *m, const char *name, Certificate **ret)
{
        Certificate *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->manager = m;
        c->name = strdup(name);
        r = c->name ? sd_event_add_time(m->event, &c->timer, CLOCK_REALTIME, 0, 0, on_deadline, c)
                    : -ENOMEM;
        if (r < 0) {
                certificate_free(c);
                return r;
        }
        (void) sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
        (void) sd_event_source_set_description(c->timer, "certificate");
        *ret = c;
        return 0;
}

Certificate *certificate_free(Certificate *c)
{
        if (!c)
                return NULL;
        manager_dequeue(c->manager, c);
        certificate_renewal_info_cancel(c);
        issuance_free(c->issuance);
        sd_event_source_disable_unref(c->timer);
        issued_done(&c->issued);
        store_state_done(&c->remembered);
        ca_unref(c->ca);
        config_unref(c->config);
        free(c->deployment_detail);
        free(c->name);
        free(c);
        return NULL;
}

void certificate_log(
                const Certificate *c, int level, const char *message_id, const char *format, ...)
{
        const char *order = c->issuance ? issuance_order_url(c->issuance) : c->ended_order;
        _cleanup_log_fields_ LogFields fields = {};
        char text[LIMIT_LOG_MESSAGE];
        va_list ap;

        if (level > log_max_level())
                return;
        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        log_field(&fields, RENEW_FIELD_CERTIFICATE, c->name);
        log_field(&fields, RENEW_FIELD_CA, c->ca ? ca_name(c->ca) : NULL);
        log_field(&fields, RENEW_FIELD_ORDER, order);
        log_field(&fields, RENEW_FIELD_STATE, certificate_state_to_string(c->state));
        log_field(&fields, RENEW_FIELD_PROBLEM, c->remembered.problem.type);
        log_record(level, message_id, &fields, "%s: %s", c->name, text);
}

void certificate_set_state(Certificate *c, CertificateState state)
{
        if (c->state == state)
                return;
        assert(certificate_state_may_follow(c->state, state));
        certificate_log(c, LOG_DEBUG, NULL, "%s -> %s", certificate_state_to_string(c->state),
                        certificate_state_to_string(state));
        c->state = state;
        manager_notify_changed(c->manager);
}

/* --- facts ------------------------------------------------------------------------------------ */

/* Without its memory a certificate is renewed all the same; the plan is then made from its files.
 */
void certificate_save(Certificate *c)
{
        int r = store_state_save(c->manager->store, c->name, &c->remembered);

        if (r < 0)
                certificate_log(c, LOG_WARNING, NULL,
                                "cannot write state.json: %s; what happened is not remembered "
                                "across a restart",
                                strerror(-r));
}

static void certificate_look_for_order(Certificate *c)
{
        StoreOrder order = {};

        c->order_in_flight = store_order_load(c->manager->store, c->name, &order) == 0;
        store_order_done(&order);
}

int certificate_load_issued(Certificate *c)
{
        _cleanup_free_ char *warning = NULL;
        int r = issued_load(&c->issued, c->manager->store, c->name, &warning);

        if (warning)
                certificate_log(c, LOG_WARNING, RENEW_MESSAGE_STATE_DAMAGED, "%s", warning);
        return r;
}

/* Return: 0, STORE_E_NEWER, -errno. */
static int certificate_load_remembered(Certificate *c)
{
        int r = store_state_load(c->manager->store, c->name, &c->remembered);

        if (r == STORE_E_DAMAGED) {
                certificate_log(c, LOG_WARNING, RENEW_MESSAGE_STATE_DAMAGED,
                                "state.json was damaged and is begun anew; the old one is kept as "
                                "state.json.damaged");
                r = -ENOENT;
        }
        if (r == -ENOENT) {
                c->remembered.random = random_u64();
                return 0;
        }
        return r;
}

/*
 * Failures that lie in the future were seen before the clock was set back. The whole streak moves
 * with it, so that what was waited for is still waited for, and no longer. It is written down once:
 * moved again with each plan, the next attempt would always be ahead. Return: whether it was moved.
 */
static bool failures_follow_clock(RenewFailures *f, uint64_t now)
{
        uint64_t ahead = usec_sub(f->last, now);

        if (f->count == 0 || ahead == 0)
                return false;
        f->first = usec_sub(f->first, ahead);
        f->last = now;
        f->not_before = usec_sub(f->not_before, ahead);
        return true;
}

static void certificate_follow_clock(Certificate *c, uint64_t now)
{
        StoreState *st = &c->remembered;
        bool moved = failures_follow_clock(&st->failures, now);

        moved = failures_follow_clock(&st->deploy_failures, now) || moved;
        moved = certificate_renewal_info_follow_clock(c, now) || moved;
        if (moved)
                certificate_save(c);
}

int certificate_load(Certificate *c)
{
        int r = certificate_load_remembered(c);

        c->read_only = r == STORE_E_NEWER;
        if (c->read_only)
                certificate_log(c, LOG_ERR, NULL,
                                "its state was written by a newer renewd: it is not renewed; "
                                "install that version again");
        else if (r < 0)
                certificate_log(c, LOG_WARNING, NULL, "cannot read state.json: %s", strerror(-r));
        else
                certificate_follow_clock(c, clock_realtime_usec());
        r = certificate_load_issued(c);
        if (r < 0)
                return r;
        certificate_look_for_order(c);
        certificate_deployment_load(c);
        return 0;
}

/* What a failure depends on: when one of these changes, it is worth another try. */
char *certificate_signature(const Certificate *c)
{
        const ConfigCertificate *s = c->section;
        const char *profile = config_certificate_profile(s);
        _cleanup_free_ char *names = strv_join(s->names, " ");

        if (!names)
                return NULL;
        return text_format("%s %s %s %s %s%s%s", s->ca->name, s->ca->directory,
                        renew_key_type_to_string(s->key), s->webroot ? s->webroot : "listener",
                        names, profile ? " profile=" : "", profile ? profile : "");
}

static bool certificate_is_as_configured(const Certificate *c)
{
        const StoreState *st = &c->remembered;

        return strv_equal_set(c->issued.names, c->section->names) &&
               c->issued.key == c->section->key &&
               (!st->ca || (streq(st->ca, c->section->ca->name) &&
                                           streq_ptr(st->profile, config_certificate_profile(
                                                                                  c->section))));
}

void certificate_reset_failures(Certificate *c)
{
        StoreProblem *p = &c->remembered.problem;

        free(p->type);
        free(p->detail);
        free(p->where);
        *p = (StoreProblem){};
        c->remembered.failures = (RenewFailures){};
        free(c->remembered.failures_config);
        c->remembered.failures_config = NULL;
}

/* --- the plan --------------------------------------------------------------------------------- */

static uint64_t certificate_deadline(const Certificate *c, uint64_t now)
{
        uint64_t at = USEC_INFINITY;

        switch (c->state) {
        case CERTIFICATE_RESTING:
        case CERTIFICATE_BACKOFF:
                at = c->plan.at_usec;
                break;
        case CERTIFICATE_UNPLANNED:
        case CERTIFICATE_UNCONFIGURED:
        case CERTIFICATE_READ_ONLY:
        case CERTIFICATE_DUE:
        case CERTIFICATE_ISSUING:
        case CERTIFICATE_HELD:
                break; /* an event of another kind ends these */
        }
        at = MIN(at, certificate_renewal_info_deadline(c, now));
        if (c->deployment == DEPLOYMENT_FAILED)
                at = MIN(at, c->deployment_retry);
        if (c->section && issued_is_set(&c->issued) && !c->expiry_told)
                at = MIN(at, usec_add(c->issued.not_after, USEC_PER_SEC));
        return at;
}

void certificate_arm(Certificate *c)
{
        uint64_t at = certificate_deadline(c, clock_realtime_usec());

        if (at == USEC_INFINITY) {
                (void) sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
                return;
        }
        (void) sd_event_source_set_time(c->timer, at);
        (void) sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

static CertificateState planned_state(const Schedule *plan, uint64_t now)
{
        if (plan->at_usec <= now)
                return CERTIFICATE_DUE;
        switch (plan->reason) {
        case SCHEDULE_RETRY:
                return CERTIFICATE_BACKOFF;
        case SCHEDULE_HELD:
                return CERTIFICATE_HELD;
        case SCHEDULE_MISSING:
        case SCHEDULE_ASKED:
        case SCHEDULE_CHANGED:
        case SCHEDULE_RESUMED:
        case SCHEDULE_LIFETIME:
        case SCHEDULE_WINDOW:
                return CERTIFICATE_RESTING;
        }
        assert_not_reached();
}

static void certificate_plan(Certificate *c, uint64_t now)
{
        const StoreState *st = &c->remembered;
        ScheduleFacts facts = {
                .issued = issued_is_set(&c->issued),
                .as_configured = certificate_is_as_configured(c),
                .order_in_flight = c->order_in_flight,
                .asked = c->asked,
                .not_before = c->issued.not_before,
                .not_after = c->issued.not_after,
                .received = c->issued.received,
                .before = c->section->renew_before,
                .random = st->random,
                .window_at = certificate_renewal_window_at(c),
                .failures = st->failures,
                .failures_random = st->failures_random,
        };
        uint64_t before = c->plan.at_usec;

        c->plan = schedule_plan(&facts, now);
        if ((c->plan.reason == SCHEDULE_LIFETIME || c->plan.reason == SCHEDULE_WINDOW) &&
                        c->plan.at_usec > now && c->plan.at_usec != before) {
                char at[TIMESTAMP_MAX], in[TIMESTAMP_MAX];

                certificate_log(c, LOG_INFO, RENEW_MESSAGE_RENEWAL_PLANNED,
                                "renewal planned for %s, in %s",
                                timestamp_format(at, c->plan.at_usec),
                                timespan_format(in, c->plan.at_usec - now));
        }
}

void certificate_replan(Certificate *c)
{
        uint64_t now = clock_realtime_usec();

        if (c->section && !c->read_only && !c->issuance) {
                certificate_plan(c, now);
                certificate_set_state(c, planned_state(&c->plan, now));
        }
        if (c->state == CERTIFICATE_DUE)
                manager_enqueue(c->manager, c);
        else
                manager_dequeue(c->manager, c);
        certificate_arm(c);
}

static void certificate_tell_expiry(Certificate *c, uint64_t now)
{
        char at[TIMESTAMP_MAX];

        if (!issued_is_set(&c->issued) || c->expiry_told || c->issued.not_after >= now)
                return;
        c->expiry_told = true;
        certificate_log(c, LOG_ERR, RENEW_MESSAGE_CERTIFICATE_EXPIRED,
                        "the certificate in force expired at %s%s%s",
                        timestamp_format(at, c->issued.not_after),
                        c->remembered.problem.detail ? "; the last attempt failed: " : "",
                        c->remembered.problem.detail ? c->remembered.problem.detail : "");
}

void certificate_on_clock_changed(Certificate *c)
{
        uint64_t now = clock_realtime_usec();

        if (!c->section || c->read_only)
                return;
        if (c->issued.not_after >= now)
                c->expiry_told = false; /* it was not true */
        certificate_follow_clock(c, now);
        if (c->deployment == DEPLOYMENT_FAILED)
                certificate_deployment_load(c);
        certificate_replan(c);
}

static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata)
{
        Certificate *c = userdata;
        uint64_t now = clock_realtime_usec();

        certificate_tell_expiry(c, now);
        certificate_deployment_on_deadline(c, now);
        certificate_renewal_info_on_deadline(c, now);
        certificate_replan(c);
        return 0;
}

/* The one place where an attempt goes. */
void certificate_drop_issuance(Certificate *c)
{
        if (!c->issuance)
                return;
        c->issuance = issuance_free(c->issuance);
        certificate_look_for_order(c);
        manager_issuance_ended(c->manager);
}

/* --- configuration ---------------------------------------------------------------------------- */

/* A failure is remembered for what was configured when it happened. */
static void certificate_forgive(Certificate *c, bool ca_changed)
{
        _cleanup_free_ char *signature = certificate_signature(c);

        if (c->remembered.failures.count > 0 &&
                        (ca_changed || !streq_ptr(signature, c->remembered.failures_config)))
                certificate_reset_failures(c);
}

static void certificate_unconfigure(Certificate *c)
{
        certificate_drop_issuance(c);
        certificate_renewal_info_cancel(c);
        deploy_forget(c->manager->deploy, c->name);
        c->deployment = DEPLOYMENT_NONE;
        c->ca = ca_unref(c->ca);
        c->section = NULL;
        c->config = config_unref(c->config);
        certificate_set_state(c, CERTIFICATE_UNPLANNED);
        certificate_set_state(c, CERTIFICATE_UNCONFIGURED);
        certificate_replan(c);
}

void certificate_configure(Certificate *c, Config *config, const ConfigCertificate *section, Ca *ca)
{
        bool ca_changed = c->ca && c->ca != ca;

        if (!section) {
                if (c->state != CERTIFICATE_UNCONFIGURED)
                        certificate_unconfigure(c);
                return;
        }
        if (c->issuance && (ca_changed || !config_certificate_same_order(
                                                          issuance_section(c->issuance), section)))
                certificate_drop_issuance(c);

        if (ca_changed)
                certificate_renewal_info_cancel(c);

        config_ref(config);
        config_unref(c->config);
        c->config = config;
        c->section = section;
        ca_ref(ca);
        ca_unref(c->ca);
        c->ca = ca;
        if (c->state == CERTIFICATE_UNCONFIGURED)
                certificate_set_state(c, CERTIFICATE_UNPLANNED);
        if (c->read_only) {
                certificate_set_state(c, CERTIFICATE_READ_ONLY);
                return;
        }
        certificate_forgive(c, ca_changed);
        certificate_deployment_check(c);
        certificate_replan(c);
}

/* --- questions -------------------------------------------------------------------------------- */

bool certificate_can_be_validated(const Certificate *c)
{
        return c->section->webroot || c->manager->listening;
}

bool certificate_wants_new_order(const Certificate *c)
{
        return !c->order_in_flight && !c->asked &&
               !(issued_is_set(&c->issued) && strv_equal_set(c->issued.names, c->section->names));
}

bool certificate_is_well(const Certificate *c, uint64_t now)
{
        return issued_is_set(&c->issued) && c->issued.not_after > now &&
               c->state == CERTIFICATE_RESTING && c->deployment != DEPLOYMENT_FAILED;
}
