/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Units: systemd's manager on the system bus, and the unit jobs that wait for it.
 *
 *     DISCONNECTED ──first job──> SUBSCRIBING ──reply──> CONNECTED
 *          ^──────── error, or the bus has gone ──────────────┘
 *
 * systemd tells the end of its jobs with the signal JobRemoved, and only to those who subscribed.
 * The signal may arrive before the reply that says which job is ours; so while any of our jobs is
 * between the two, every removed job is remembered.
 *
 * When the bus goes away all jobs fail and the next one connects anew. Owned by Server.
 */

#include <utlist.h>

#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "deployd/units-internal.h"

#define DEFAULT_TIMEOUT (200 * USEC_PER_SEC)

/* --- systemd's jobs that are gone ------------------------------------------------------------- */

static void removed_free(RemovedJob *removed)
{
        free(removed->path);
        free(removed->result);
        free(removed);
}

static void removed_add(Units *u, const char *path, const char *result)
{
        RemovedJob *removed, *old;

        HASH_FIND_STR(u->removed, path, old);
        if (old)
                return;
        removed = calloc(1, sizeof(*removed));
        if (!removed)
                return; /* the time limit finds its job */
        removed->path = strdup(path);
        removed->result = strdup(result);
        if (removed->path && removed->result)
                HASH_ADD_KEYPTR(hh, u->removed, removed->path, strlen(removed->path), removed);
        else
                removed_free(removed);
}

static void removed_clear(Units *u)
{
        RemovedJob *removed, *next;

        HASH_ITER (hh, u->removed, removed, next) {
                HASH_DEL(u->removed, removed);
                removed_free(removed);
        }
}

const char *units_find_removed(const Units *u, const char *job_path)
{
        const RemovedJob *removed;

        HASH_FIND_STR(u->removed, job_path, removed);
        return removed ? removed->result : NULL;
}

static bool units_has(const Units *u, UnitJobState state)
{
        const UnitJob *job;

        DL_FOREACH (u->jobs, job)
                if (job->state == state)
                        return true;
        return false;
}

void units_job_changed(Units *u)
{
        if (!units_has(u, UNIT_JOB_QUEUING))
                removed_clear(u);
        if (units_has(u, UNIT_JOB_FINISHED))
                (void) sd_event_source_set_enabled(u->deliver, SD_EVENT_ONESHOT);
}

static int on_deliver(sd_event_source *source, void *userdata)
{
        Units *u = userdata;
        UnitJob *job;

        DL_FOREACH (u->jobs, job)
                if (job->state == UNIT_JOB_FINISHED)
                        break;
        if (!job)
                return 0;
        DL_DELETE(u->jobs, job);
        units_job_changed(u); /* arms us for the next one */
        job->handler(job->ok, job->sentence ? job->sentence : "out of memory", job->userdata);
        unit_job_free(job);
        return 0;
}

/* --- the bus ---------------------------------------------------------------------------------- */

/* Ends the connection and every job that needs it. reason: without a full stop. */
static void units_disconnect(Units *u, const char *reason)
{
        UnitJob *job;

        DL_FOREACH (u->jobs, job)
                if (job->state != UNIT_JOB_FINISHED)
                        unit_job_finish(job, false,
                                        text_format("Reload=%s needs systemd, which cannot be "
                                                    "asked here (%s); where there is none use "
                                                    "Run=",
                                                        job->unit, reason));
        u->subscribe = sd_bus_slot_unref(u->subscribe);
        u->bus = sd_bus_close_unref(u->bus);
        u->state = UNITS_DISCONNECTED;
        removed_clear(u);
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *path, *unit, *result;
        Units *u = userdata;
        UnitJob *job;
        uint32_t id;

        if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0)
                return 0;
        if (units_has(u, UNIT_JOB_QUEUING))
                removed_add(u, path, result);
        DL_FOREACH (u->jobs, job)
                if (job->state == UNIT_JOB_RUNNING && streq(job->job_path, path))
                        unit_job_on_removed(job, result);
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        units_disconnect(userdata, "the system bus has gone");
        return 0;
}

static int on_subscribed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const sd_bus_error *e = sd_bus_message_get_error(m);
        Units *u = userdata;
        UnitJob *job;

        /* Whoever subscribes twice is told so, and is subscribed. */
        if (e && !sd_bus_error_has_name(e, SYSTEMD_NAME ".AlreadySubscribed")) {
                _cleanup_free_ char *reason = text_escape(e->message ? e->message : e->name,
                                strlen(e->message ? e->message : e->name), LIMIT_PEER_TEXT);

                units_disconnect(u, reason ? reason : "out of memory");
                return 0;
        }
        u->state = UNITS_CONNECTED;
        DL_FOREACH (u->jobs, job)
                if (job->state == UNIT_JOB_CONNECTING)
                        unit_job_begin(job);
        return 0;
}

/* Return: 0 or -errno. */
static int units_connect(Units *u)
{
        int r = sd_bus_open_system(&u->bus);

        if (r >= 0)
                r = sd_bus_attach_event(u->bus, u->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_match_signal_async(u->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                                "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, NULL,
                                u);
        if (r >= 0)
                r = sd_bus_match_signal_async(u->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH,
                                SYSTEMD_MANAGER, "JobRemoved", on_job_removed, NULL, u);
        if (r >= 0)
                r = sd_bus_call_method_async(u->bus, &u->subscribe, SYSTEMD_NAME, SYSTEMD_PATH,
                                SYSTEMD_MANAGER, "Subscribe", on_subscribed, u, NULL);
        if (r < 0)
                return r;
        u->state = UNITS_SUBSCRIBING;
        return 0;
}

/* --- jobs ------------------------------------------------------------------------------------- */

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        UnitJob *job = userdata;
        char took[TIMESTAMP_MAX];

        unit_job_finish(job, false,
                        text_format("%s was not done within %s", job->unit,
                                        timespan_format(took, job->units->timeout_usec)));
        return 0;
}

/* Return: 0 or -errno. */
static int job_new(Units *u, const char *unit, UnitJob **ret)
{
        UnitJob *job = calloc(1, sizeof(*job));
        int r;

        if (!job)
                return -ENOMEM;
        job->units = u;
        job->unit = strdup(unit);
        r = job->unit ? sd_event_add_time_relative(u->event, &job->timer, CLOCK_BOOTTIME,
                                        u->timeout_usec, 0, on_timeout, job)
                      : -ENOMEM;
        if (r < 0) {
                unit_job_free(job);
                return r;
        }
        (void) sd_event_source_set_description(job->timer, "unit-job-timeout");
        *ret = job;
        return 0;
}

int units_reload(Units *u, const char *unit, UnitJobHandler handler, void *userdata, UnitJob **ret)
{
        UnitJob *job;
        int r;

        r = job_new(u, unit, &job);
        if (r < 0)
                return r;
        job->handler = handler;
        job->userdata = userdata;
        DL_APPEND(u->jobs, job);
        *ret = job;
        if (u->state == UNITS_CONNECTED)
                unit_job_begin(job);
        else if (u->state == UNITS_DISCONNECTED) {
                r = units_connect(u);
                if (r < 0) {
                        _cleanup_free_ char *reason = text_format(
                                        "no connection to the system bus: %s", strerror(-r));

                        units_disconnect(u, reason ? reason : "out of memory");
                }
        }
        return 0;
}

UnitJob *unit_job_cancel(UnitJob *job)
{
        Units *u;

        if (!job)
                return NULL;
        u = job->units;
        DL_DELETE(u->jobs, job);
        unit_job_free(job);
        units_job_changed(u);
        return NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

void units_set_timeout(Units *u, uint64_t timeout_usec)
{
        u->timeout_usec = timeout_usec;
}

int units_new(sd_event *event, Units **ret)
{
        _cleanup_(units_freep) Units *u = calloc(1, sizeof(*u));
        int r;

        if (!u)
                return -ENOMEM;
        u->event = sd_event_ref(event);
        u->timeout_usec = DEFAULT_TIMEOUT;
        r = sd_event_add_defer(event, &u->deliver, on_deliver, u);
        if (r >= 0)
                r = sd_event_source_set_enabled(u->deliver, SD_EVENT_OFF);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(u->deliver, "units-deliver");
        *ret = TAKE_PTR(u);
        return 0;
}

Units *units_free(Units *u)
{
        UnitJob *job, *next;

        if (!u)
                return NULL;
        DL_FOREACH_SAFE (u->jobs, job, next) {
                DL_DELETE(u->jobs, job);
                unit_job_free(job);
        }
        removed_clear(u);
        sd_bus_slot_unref(u->subscribe);
        sd_bus_close_unref(u->bus);
        sd_event_source_disable_unref(u->deliver);
        sd_event_unref(u->event);
        free(u);
        return NULL;
}
