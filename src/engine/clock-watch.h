/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "base/macros.h"

/* Tells when wall time jumped: it was set, or the machine woke up. Slewing is not told. */
typedef struct ClockWatch ClockWatch;

typedef void (*ClockChanged)(void *userdata);

/* Return: 0 or -errno. */
int clock_watch_new(sd_event *event, ClockChanged changed, void *userdata, ClockWatch **ret);

/* Accepts NULL. Return: NULL. */
ClockWatch *clock_watch_free(ClockWatch *w);
