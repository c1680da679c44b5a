/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <uthash.h>

#include "deployd/units.h"

/* What units.c (the bus, what it says to all jobs) and unit-job.c (one unit) share. */

#define SYSTEMD_NAME    "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER SYSTEMD_NAME ".Manager"
#define SYSTEMD_UNIT    SYSTEMD_NAME ".Unit"

typedef enum UnitJobState {
        UNIT_JOB_CONNECTING, /* until systemd listens to us */
        UNIT_JOB_LOADING,    /* LoadUnit */
        UNIT_JOB_READING,    /* its properties */
        UNIT_JOB_RESETTING,  /* ResetFailedUnit */
        UNIT_JOB_QUEUING,    /* asked for systemd's job, whose path we don't know yet */
        UNIT_JOB_RUNNING,    /* systemd's job runs */
        UNIT_JOB_FINISHED,   /* its handler is to be called from the loop */
} UnitJobState;

struct UnitJob {
        Units *units;
        UnitJob *prev, *next; /* Units.jobs */
        UnitJobState state;
        char *unit;
        sd_bus_slot *slot; /* the call that is under way */
        sd_event_source *timer;

        /* what systemd is doing */
        const char *done_as; /* "reloaded", "restarted": when its job succeeds */
        char *job_path;

        /* the outcome */
        bool ok;
        char *sentence; /* NULL: no memory for it */
        UnitJobHandler handler;
        void *userdata;
};

/* A job of systemd's that was removed while the reply that names it may still be under way. */
typedef struct RemovedJob {
        char *path;
        char *result;
        UT_hash_handle hh;
} RemovedJob;

typedef enum UnitsState {
        UNITS_DISCONNECTED,
        UNITS_SUBSCRIBING, /* systemd was asked to send its signals */
        UNITS_CONNECTED,
} UnitsState;

struct Units {
        sd_event *event;
        UnitsState state;
        sd_bus *bus;
        sd_bus_slot *subscribe;
        sd_event_source *deliver; /* calls the handlers of what is finished */
        uint64_t timeout_usec;
        UnitJob *jobs;       /* in any state, in order of arrival */
        RemovedJob *removed; /* empty while no job is QUEUING */
};

/* systemd listens: the first call. */
void unit_job_begin(UnitJob *job);

/* systemd's job has ended with the result ("done", "failed", …). */
void unit_job_on_removed(UnitJob *job, const char *result);

/* Ends it in any state; sentence_take may be NULL (no memory). */
void unit_job_finish(UnitJob *job, bool ok, char *sentence_take);

/* Return: NULL. */
UnitJob *unit_job_free(UnitJob *job);

/* The result of a systemd job that is gone already, or NULL. */
const char *units_find_removed(const Units *u, const char *job_path);

/* A job has finished, or is no longer QUEUING. */
void units_job_changed(Units *u);
