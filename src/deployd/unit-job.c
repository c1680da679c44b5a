/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UnitJob: one unit is made to use its files anew.
 *
 *     CONNECTING ──> LOADING ──> READING ─┬──active──────────────────> QUEUING ──> RUNNING ──┐
 *                                         ├──failed──> RESETTING ────────^                   │
 *                                         └──stopped, not there──> FINISHED <────────────────┘
 *
 * LoadUnit rather than GetUnit, since a unit that is stopped may not be loaded, and one that does
 * not exist is loaded with LoadState=not-found: both are told from its properties, which decide.
 * Any error, and the time limit, lead to FINISHED with a sentence.
 */

#include <renew/journal.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "deployd/units-internal.h"

/* What decides about a unit. */
typedef struct UnitProperties {
        const char *load_state; /* these live as long as the message */
        const char *active_state;
        int can_reload;
} UnitProperties;

#define N_UNIT_JOB_STATES (UNIT_JOB_FINISHED + 1)
#define TO(state)         (1U << UNIT_JOB_##state)

static const unsigned allowed[N_UNIT_JOB_STATES] = {
        [UNIT_JOB_CONNECTING] = TO(LOADING) | TO(FINISHED),
        [UNIT_JOB_LOADING] = TO(READING) | TO(FINISHED),
        [UNIT_JOB_READING] = TO(RESETTING) | TO(QUEUING) | TO(FINISHED),
        [UNIT_JOB_RESETTING] = TO(QUEUING) | TO(FINISHED),
        [UNIT_JOB_QUEUING] = TO(RUNNING) | TO(FINISHED),
        [UNIT_JOB_RUNNING] = TO(FINISHED),
        [UNIT_JOB_FINISHED] = 0,
};

static const char *unit_job_state_to_string(UnitJobState state)
{
        switch (state) {
        case UNIT_JOB_CONNECTING:
                return "connecting";
        case UNIT_JOB_LOADING:
                return "loading";
        case UNIT_JOB_READING:
                return "reading";
        case UNIT_JOB_RESETTING:
                return "resetting";
        case UNIT_JOB_QUEUING:
                return "queuing";
        case UNIT_JOB_RUNNING:
                return "running";
        case UNIT_JOB_FINISHED:
                return "finished";
        }
        assert_not_reached();
}

static void unit_job_set_state(UnitJob *job, UnitJobState state)
{
        assert(allowed[job->state] & (1U << state));
        log_debug("%s: %s -> %s", job->unit, unit_job_state_to_string(job->state),
                        unit_job_state_to_string(state));
        job->state = state;
}

UnitJob *unit_job_free(UnitJob *job)
{
        if (!job)
                return NULL;
        sd_bus_slot_unref(job->slot);
        sd_event_source_disable_unref(job->timer);
        free(job->unit);
        free(job->job_path);
        free(job->sentence);
        free(job);
        return NULL;
}

void unit_job_finish(UnitJob *job, bool ok, char *sentence_take)
{
        _cleanup_log_fields_ LogFields fields = {};

        unit_job_set_state(job, UNIT_JOB_FINISHED);
        job->slot = sd_bus_slot_unref(job->slot);
        job->timer = sd_event_source_disable_unref(job->timer);
        job->ok = ok;
        job->sentence = sentence_take;
        log_field(&fields, RENEW_FIELD_UNIT, job->unit);
        log_record(ok ? LOG_INFO : LOG_WARNING, NULL, &fields, "%s",
                        job->sentence ? job->sentence : "out of memory");
        units_job_changed(job->units);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* Why systemd could not be asked; what: "could not be reloaded". */
static void unit_job_fail(UnitJob *job, const char *what, const char *reason)
{
        _cleanup_free_ char *escaped = text_escape(reason, strlen(reason), LIMIT_PEER_TEXT);

        unit_job_finish(job, false,
                        escaped ? text_format("%s %s: %s", job->unit, what, escaped) : NULL);
}

/* Ends the job when the reply is an error. Return: whether it is. */
static bool unit_job_take_error(UnitJob *job, sd_bus_message *m, const char *what)
{
        const sd_bus_error *e = sd_bus_message_get_error(m);

        if (!e)
                return false;
        unit_job_fail(job, what, e->message ? e->message : e->name);
        return true;
}

/* Ends the job when the call could not be made, or its reply not be read. */
static void unit_job_check(UnitJob *job, int r, const char *what)
{
        if (r < 0)
                unit_job_fail(job, what, strerror(-r));
}

/* A method of the manager that takes the unit's name, and "replace" where it makes a job. */
static void unit_job_call(
                UnitJob *job, const char *method, bool makes_job, sd_bus_message_handler_t on_reply)
{
        sd_bus *bus = job->units->bus;
        int r;

        job->slot = sd_bus_slot_unref(job->slot);
        if (makes_job)
                r = sd_bus_call_method_async(bus, &job->slot, SYSTEMD_NAME, SYSTEMD_PATH,
                                SYSTEMD_MANAGER, method, on_reply, job, "ss", job->unit, "replace");
        else
                r = sd_bus_call_method_async(bus, &job->slot, SYSTEMD_NAME, SYSTEMD_PATH,
                                SYSTEMD_MANAGER, method, on_reply, job, "s", job->unit);
        unit_job_check(job, r, "cannot be asked for");
}

/* --- systemd's job ---------------------------------------------------------------------------- */

void unit_job_on_removed(UnitJob *job, const char *result)
{
        if (streq(result, "done"))
                unit_job_finish(job, true, text_format("%s %s", job->unit, job->done_as));
        else if (streq(result, "skipped")) /* it was stopped since we looked */
                unit_job_finish(job, true,
                                text_format("%s is not running, left stopped", job->unit));
        else
                unit_job_finish(job, false,
                                text_format("%s could not be %s (%s); see journalctl -u %s",
                                                job->unit, job->done_as, result, job->unit));
}

static int on_queued(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *path, *result;
        UnitJob *job = userdata;
        int r;

        if (unit_job_take_error(job, m, "could not be reloaded"))
                return 0;
        r = sd_bus_message_read(m, "o", &path);
        if (r >= 0) {
                job->job_path = strdup(path);
                r = job->job_path ? 0 : -ENOMEM;
        }
        if (r < 0) {
                unit_job_check(job, r, "could not be reloaded");
                return 0;
        }
        unit_job_set_state(job, UNIT_JOB_RUNNING);
        result = units_find_removed(job->units, job->job_path);
        if (result)
                unit_job_on_removed(job, result);
        else
                units_job_changed(job->units);
        return 0;
}

static int on_reset(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        UnitJob *job = userdata;

        if (unit_job_take_error(job, m, "has failed, and could not be reset"))
                return 0;
        job->done_as = "started (it had failed)";
        unit_job_set_state(job, UNIT_JOB_QUEUING);
        unit_job_call(job, "StartUnit", true, on_queued);
        return 0;
}

/* --- what is there ---------------------------------------------------------------------------- */

static void unit_job_decide(UnitJob *job, const UnitProperties *p)
{
        if (streq(p->load_state, "not-found"))
                unit_job_finish(job, false, text_format("unit %s not found", job->unit));
        else if (streq(p->load_state, "masked"))
                unit_job_finish(job, false, text_format("unit %s is masked", job->unit));
        else if (!streq(p->load_state, "loaded"))
                unit_job_finish(job, false,
                                text_format("unit %s cannot be loaded (%s); see systemctl status "
                                            "%s",
                                                job->unit, p->load_state, job->unit));
        else if (streq(p->active_state, "inactive") || streq(p->active_state, "deactivating"))
                unit_job_finish(job, true,
                                text_format("%s is not running, left stopped", job->unit));
        else if (streq(p->active_state, "failed")) {
                unit_job_set_state(job, UNIT_JOB_RESETTING);
                unit_job_call(job, "ResetFailedUnit", false, on_reset);
        } else {
                job->done_as = p->can_reload ? "reloaded" : "restarted";
                unit_job_set_state(job, UNIT_JOB_QUEUING);
                unit_job_call(job, "ReloadOrTryRestartUnit", true, on_queued);
        }
}

/* One of a{sv}. Return: 0 or -errno. */
static int read_property(sd_bus_message *m, UnitProperties *p)
{
        const char *name;
        int r = sd_bus_message_read(m, "s", &name);

        if (r < 0)
                return r;
        if (streq(name, "LoadState"))
                return sd_bus_message_read(m, "v", "s", &p->load_state);
        if (streq(name, "ActiveState"))
                return sd_bus_message_read(m, "v", "s", &p->active_state);
        if (streq(name, "CanReload"))
                return sd_bus_message_read(m, "v", "b", &p->can_reload);
        return sd_bus_message_skip(m, "v");
}

/* Return: 0, -EBADMSG when what decides is not among them, -errno. */
static int read_properties(sd_bus_message *m, UnitProperties *p)
{
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_property(m, p);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r < 0)
                return r;
        return p->load_state && p->active_state ? 0 : -EBADMSG;
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        UnitProperties p = {};
        UnitJob *job = userdata;
        int r;

        if (unit_job_take_error(job, m, "cannot be looked at"))
                return 0;
        r = read_properties(m, &p);
        if (r < 0)
                unit_job_check(job, r, "cannot be looked at");
        else
                unit_job_decide(job, &p);
        return 0;
}

static int on_loaded(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        UnitJob *job = userdata;
        const char *path;
        int r;

        if (unit_job_take_error(job, m, "cannot be loaded"))
                return 0;
        r = sd_bus_message_read(m, "o", &path);
        if (r >= 0) {
                unit_job_set_state(job, UNIT_JOB_READING);
                job->slot = sd_bus_slot_unref(job->slot);
                r = sd_bus_call_method_async(job->units->bus, &job->slot, SYSTEMD_NAME, path,
                                "org.freedesktop.DBus.Properties", "GetAll", on_properties, job,
                                "s", SYSTEMD_UNIT);
        }
        unit_job_check(job, r, "cannot be looked at");
        return 0;
}

void unit_job_begin(UnitJob *job)
{
        unit_job_set_state(job, UNIT_JOB_LOADING);
        unit_job_call(job, "LoadUnit", false, on_loaded);
}
