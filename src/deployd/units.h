/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "base/macros.h"

/*
 * Reload= through systemd's manager on the system bus. Nothing waits: the bus is connected to when the
 * first unit is asked for, and every call is asynchronous.
 */
typedef struct Units Units;
typedef struct UnitJob UnitJob;

/*
 * Called once for each job, from the loop and never from within units_reload(); the job ends with it.
 *
 * @ok        the unit uses its files anew, or there is nothing that could
 * @sentence  what was done ("nginx.service reloaded"), or what went wrong; ends with the call
 */
typedef void (*UnitJobHandler)(bool ok, const char *sentence, void *userdata);

/* Return: 0 or -errno. */
int units_new(sd_event *event, Units **ret);

/* Ends all jobs without calling their handlers; what systemd has begun goes on. Return: NULL. */
Units *units_free(Units *u);
DEFINE_CLEANUP(Units, units_free)

/* How long a unit may take. systemd gives a reload 90 s, and a restart twice as much, before it gives
 * up by itself, which says more than our giving up. */
void units_set_timeout(Units *u, uint64_t timeout_usec);

/*
 * Has the unit use its files anew: an active one is reloaded, or restarted where it cannot reload; one
 * that the administrator stopped stays so; a failed one is started once, since it may have failed for
 * want of these files.
 *
 * *ret may be NULL'ed by the caller when the handler was called. Return: 0 or -ENOMEM.
 */
int units_reload(Units *u, const char *unit, UnitJobHandler handler, void *userdata, UnitJob **ret);

/* Forgets the job; its handler is not called. Accepts NULL. Return: NULL. */
UnitJob *unit_job_cancel(UnitJob *job);
