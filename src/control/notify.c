/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * notify: renewd's side of Type=notify and Type=notify-reload. WATCHDOG=1 is sent by the loop
 * itself (sd_event_set_watchdog()), so that a loop that hangs is what ends it.
 */

#include <inttypes.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "control/notify.h"
#include "control/status.h"

#define LINE_MAX_SIZE 256

void notify_ready(const Manager *m)
{
        char line[LINE_MAX_SIZE];

        status_line(m, clock_realtime_usec(), line, sizeof(line));
        (void) sd_notifyf(0, "READY=1\nSTATUS=%s", line);
}

void notify_reloading(void)
{
        (void) sd_notifyf(0,
                        "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=reading the configuration",
                        clock_monotonic_usec());
}

void notify_stopping(void)
{
        (void) sd_notify(0, "STOPPING=1\nSTATUS=stopping");
}

void notify_status(const Manager *m)
{
        static char told[LINE_MAX_SIZE]; /* one process tells one service manager */
        char line[LINE_MAX_SIZE];

        status_line(m, clock_realtime_usec(), line, sizeof(line));
        if (streq(line, told))
                return;
        memcpy(told, line, sizeof(told));
        (void) sd_notifyf(0, "STATUS=%s", line);
}
