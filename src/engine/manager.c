/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * manager: the certificates, and what they share.
 *
 * A certificate that is due stands in a queue; as many as MaxParallelOrders= allows are taken from
 * it, first come first served, leaving out those that need the challenge port while it is not ours,
 * and those of a crowd of new orders before their turn (pace.c).
 * Attempts begin from a source of their own, so that no event of one certificate runs code of
 * another.
 */

#include <utlist.h>

#include <renew/journal.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strv.h"
#include "engine/manager.h"

/* An address that the machine has not got yet; a port that is taken waits for a human. */
#define LISTEN_AGAIN_USEC (30 * USEC_PER_SEC)

static void manager_listen(Manager *m);

/* --- events of others ------------------------------------------------------------------------- */

static void on_validation_seen(const char *token, void *userdata)
{
        Manager *m = userdata;

        for (Certificate *c = m->certificates; c; c = c->hh.next)
                if (c->issuance)
                        issuance_validation_seen(c->issuance, token);
}

static void on_deployed(const DeployResult *result, void *userdata)
{
        Manager *m = userdata;
        Certificate *c = manager_find(m, result->certificate);

        if (c)
                certificate_on_deployed(c, result);
}

/* Plans are instants of wall time, and it is another time now. */
static void on_clock_changed(void *userdata)
{
        Manager *m = userdata;

        log_debug("the clock was set, or the machine woke up: plans are made anew");
        for (Certificate *c = m->certificates; c; c = c->hh.next)
                certificate_on_clock_changed(c);
}

static int on_listen_again(sd_event_source *s, uint64_t usec, void *userdata)
{
        manager_listen(userdata);
        return 0;
}

/* --- turns ------------------------------------------------------------------------------------ */

/* At a public CA; what one of your own takes is yours to say (MaxParallelOrders=). */
static bool is_paced(const Certificate *c)
{
        return c->section->ca->preset && certificate_can_be_validated(c) &&
               certificate_wants_new_order(c);
}

static void manager_look_for_crowds(Manager *m)
{
        Certificate *c;

        for (CaEntry *e = m->cas; e; e = e->hh.next)
                ca_pace(e->ca)->n_waiting = 0;
        DL_FOREACH (m->due, c)
                if (is_paced(c))
                        ca_pace(c->ca)->n_waiting++;
        for (CaEntry *e = m->cas; e; e = e->hh.next)
                pace_look(ca_pace(e->ca), random_u64());
}

/* Comes again for the next of a crowd. Whose turn it is already waits for the end of an attempt. */
static void manager_arm_paced(Manager *m, uint64_t now)
{
        uint64_t at = USEC_INFINITY;

        for (const CaEntry *e = m->cas; e; e = e->hh.next) {
                uint64_t next = pace_next(ca_pace(e->ca));

                if (next > now)
                        at = MIN(at, next);
        }
        (void) sd_event_source_set_time(m->paced, at);
        (void) sd_event_source_set_enabled(
                        m->paced, at == USEC_INFINITY ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

/* Begins what can begin; with --once ends the loop when nothing more will. */
static int on_start(sd_event_source *s, void *userdata)
{
        Manager *m = userdata;
        Certificate *c, *next;
        uint64_t now = clock_boottime_usec();

        manager_look_for_crowds(m);
        DL_FOREACH_SAFE (m->due, c, next) {
                if (m->n_issuing >= m->config->daemon.max_parallel_orders)
                        break;
                if (!certificate_can_be_validated(c))
                        continue;
                if (is_paced(c) && !pace_take(ca_pace(c->ca), now))
                        continue;
                manager_dequeue(m, c);
                certificate_issue(c);
        }
        manager_arm_paced(m, now);
        if (m->once && manager_is_idle(m))
                return sd_event_exit(m->event, 0);
        return 0;
}

static void manager_start_soon(Manager *m)
{
        (void) sd_event_source_set_enabled(m->start, SD_EVENT_ONESHOT);
}

static int on_paced(sd_event_source *s, uint64_t usec, void *userdata)
{
        manager_start_soon(userdata);
        return 0;
}

void manager_enqueue(Manager *m, Certificate *c)
{
        if (!c->queued)
                DL_APPEND(m->due, c);
        c->queued = true;
        manager_start_soon(m);
}

void manager_dequeue(Manager *m, Certificate *c)
{
        if (c->queued)
                DL_DELETE(m->due, c);
        c->queued = false;
}

void manager_issuance_ended(Manager *m)
{
        assert(m->n_issuing > 0);
        m->n_issuing--;
        manager_start_soon(m);
        manager_notify_changed(m);
}

void manager_notify_changed(Manager *m)
{
        if (m->once)
                manager_start_soon(m);
        if (m->changed)
                m->changed(m->changed_userdata);
}

bool manager_is_idle(const Manager *m)
{
        uint64_t now = clock_realtime_usec();

        for (const Certificate *c = m->certificates; c; c = c->hh.next)
                if (c->issuance || c->deployment == DEPLOYMENT_PENDING ||
                                certificate_renewal_info_is_under_way(c) ||
                                certificate_renewal_info_deadline(c, now) <= now ||
                                (c->queued && certificate_can_be_validated(c)))
                        return false;
        return true;
}

Certificate *manager_find(Manager *m, const char *name)
{
        Certificate *c;

        HASH_FIND_STR(m->certificates, name, c);
        return c;
}

/* --- the challenge port ----------------------------------------------------------------------- */

static bool config_needs_port(const Config *config)
{
        for (size_t i = 0; i < config->n_certificates; i++)
                if (!config->certificates[i]->webroot)
                        return true;
        return false;
}

static bool manager_is_port_needed(const Manager *m)
{
        return config_needs_port(m->config);
}

/* Told once for each wording, so that trying again does not repeat it. */
static void manager_tell_listen_problem(Manager *m, char *problem_take)
{
        if (problem_take && !streq_ptr(problem_take, m->listen_problem))
                log_record(m->listening ? LOG_WARNING : LOG_ERR, RENEW_MESSAGE_LISTEN_FAILED, NULL,
                                "%s", problem_take);
        else if (!problem_take && m->listen_problem)
                log_notice("the challenge port is ours now");
        free(m->listen_problem);
        m->listen_problem = problem_take;
}

/* Where every certificate has a webroot the port is left to others. */
static void manager_listen(Manager *m)
{
        char *problem = NULL;
        int r;

        if (!manager_is_port_needed(m))
                return;
        r = http01_listen(m->http01, &m->config->daemon, &problem);
        if (r < 0)
                log_warning("cannot listen for challenges: %s", strerror(-r));
        m->listening = r > 0;
        manager_tell_listen_problem(m, problem);
        if (m->listening)
                manager_start_soon(m);
        if (http01_problem_may_pass(m->http01)) {
                (void) sd_event_source_set_time_relative(m->listen_again, LISTEN_AGAIN_USEC);
                (void) sd_event_source_set_enabled(m->listen_again, SD_EVENT_ONESHOT);
        }
        manager_notify_changed(m);
}

/* --- configuration ---------------------------------------------------------------------------- */

/* The CA of this section: the one that is there if it can go on, else a new one. NULL when out of
 * memory. */
static Ca *manager_ensure_ca(Manager *m, Config *config, const ConfigCa *section)
{
        CaOptions options = {
                .event = m->event,
                .store = m->store,
                .http = m->http,
                .config = config,
                .section = section,
        };
        CaEntry *e;

        HASH_FIND_STR(m->cas, section->name, e);
        if (e && ca_adopt(e->ca, config, section)) {
                HASH_DEL(m->cas, e);
        } else {
                Ca *ca = NULL;

                if (ca_new(&options, &ca) < 0)
                        return NULL;
                if (e) {
                        HASH_DEL(m->cas, e);
                        ca_unref(e->ca);
                } else {
                        e = calloc(1, sizeof(*e));
                        if (!e) {
                                ca_unref(ca);
                                return NULL;
                        }
                }
                e->ca = ca;
        }
        /* The key is a string of the configuration now in force. */
        e->name = ca_name(e->ca);
        HASH_ADD_KEYPTR(hh, m->cas, e->name, strlen(e->name), e);
        return e->ca;
}

static void manager_drop_unused_cas(Manager *m, const Config *config)
{
        CaEntry *e, *next;

        HASH_ITER (hh, m->cas, e, next) {
                bool used = false;

                for (size_t i = 0; i < config->n_cas && !used; i++)
                        used = streq(config->cas[i]->name, e->name);
                if (used)
                        continue;
                HASH_DEL(m->cas, e);
                ca_unref(e->ca);
                free(e);
        }
}

static Certificate *manager_ensure_certificate(Manager *m, const char *name)
{
        Certificate *c = manager_find(m, name);

        if (c)
                return c;
        if (certificate_new(m, name, &c) < 0)
                return NULL;
        if (certificate_load(c) < 0)
                return certificate_free(c);
        HASH_ADD_KEYPTR(hh, m->certificates, c->name, strlen(c->name), c);
        return c;
}

static int manager_configure(Manager *m, Config *config)
{
        int r = 0;

        for (size_t i = 0; i < config->n_certificates; i++) {
                const ConfigCertificate *section = config->certificates[i];
                Ca *ca = manager_ensure_ca(m, config, section->ca);
                Certificate *c = ca ? manager_ensure_certificate(m, section->name) : NULL;

                if (c)
                        certificate_configure(c, config, section, ca);
                else
                        r = -ENOMEM;
        }
        for (Certificate *c = m->certificates; c; c = c->hh.next)
                if (!config_find_certificate(config, c->name))
                        certificate_configure(c, NULL, NULL, NULL);
        manager_drop_unused_cas(m, config);
        return r;
}

int manager_reload(Manager *m, Config *config)
{
        Config *old = m->config;
        int r;

        m->config = config_ref(config);
        deploy_set_settle(m->deploy, config->daemon.settle_usec);
        r = manager_configure(m, config);
        config_unref(old);
        manager_listen(m);
        manager_notify_changed(m);
        return r;
}

/* --- life ------------------------------------------------------------------------------------- */

/* Certificates that are in the store only are shown, and neither renewed nor deleted. */
static int manager_load_unconfigured(Manager *m)
{
        _cleanup_strv_ char **names = NULL;
        int r = store_certificates(m->store, &names);

        if (r < 0)
                return r;
        STRV_FOREACH (name, names)
                if (!manager_ensure_certificate(m, *name))
                        return -ENOMEM;
        return 0;
}

int manager_start(Manager *m)
{
        int r = manager_load_unconfigured(m);

        if (r < 0)
                log_warning("cannot list %s: %s", store_path(m->store), strerror(-r));
        r = manager_configure(m, m->config);
        if (r < 0)
                return r;
        manager_listen(m);
        manager_start_soon(m);
        return 0;
}

int manager_add_http_socket(Manager *m, int fd_take)
{
        return http01_add_socket(m->http01, fd_take);
}

static int manager_add_sources(Manager *m)
{
        int r = sd_event_add_defer(m->event, &m->start, on_start, m);

        if (r < 0)
                return r;
        (void) sd_event_source_set_description(m->start, "manager-start");
        (void) sd_event_source_set_enabled(m->start, SD_EVENT_OFF);
        r = sd_event_add_time(m->event, &m->listen_again, CLOCK_BOOTTIME, 0, USEC_PER_SEC,
                        on_listen_again, m);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(m->listen_again, "manager-listen");
        (void) sd_event_source_set_enabled(m->listen_again, SD_EVENT_OFF);
        r = sd_event_add_time(m->event, &m->paced, CLOCK_BOOTTIME, 0, USEC_PER_SEC, on_paced, m);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(m->paced, "manager-paced");
        return sd_event_source_set_enabled(m->paced, SD_EVENT_OFF);
}

int manager_new(sd_event *event, Config *config, Store *store_take, const char *deploy_socket,
                Manager **ret)
{
        _cleanup_(manager_freep) Manager *m = calloc(1, sizeof(*m));
        int r;

        if (!m) {
                store_close(store_take);
                return -ENOMEM;
        }
        m->event = event;
        m->config = config_ref(config);
        m->store = store_take;
        r = manager_add_sources(m);
        if (r >= 0)
                r = http_client_new(event, &m->http);
        if (r >= 0)
                r = http01_new(event, on_validation_seen, m, &m->http01);
        if (r >= 0)
                r = deploy_new(event, deploy_socket, config->daemon.settle_usec, on_deployed, m,
                                &m->deploy);
        if (r >= 0)
                r = clock_watch_new(event, on_clock_changed, m, &m->clock_watch);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

Manager *manager_free(Manager *m)
{
        Certificate *c, *next_certificate;
        CaEntry *e, *next_ca;

        if (!m)
                return NULL;
        m->changed = NULL;
        HASH_ITER (hh, m->certificates, c, next_certificate) {
                HASH_DEL(m->certificates, c);
                certificate_free(c);
        }
        HASH_ITER (hh, m->cas, e, next_ca) {
                HASH_DEL(m->cas, e);
                ca_unref(e->ca);
                free(e);
        }
        clock_watch_free(m->clock_watch);
        deploy_free(m->deploy);
        http01_free(m->http01);
        http_client_free(m->http);
        sd_event_source_disable_unref(m->start);
        sd_event_source_disable_unref(m->paced);
        sd_event_source_disable_unref(m->listen_again);
        store_close(m->store);
        config_unref(m->config);
        free(m->listen_problem);
        free(m);
        return NULL;
}
