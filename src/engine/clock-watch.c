/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clock-watch: a timer for the end of time, which the kernel cancels when wall time jumps
 * (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET). Timers of wall time ring by themselves when the
 * clock jumps over their instant; what they were computed from may be wrong all the same.
 */

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "engine/clock-watch.h"

struct ClockWatch {
        int fd;
        sd_event_source *source;
        ClockChanged changed;
        void *userdata;
};

static int clock_watch_arm(ClockWatch *w)
{
        struct itimerspec never = {
                .it_value.tv_sec = sizeof(time_t) == 8 ? (time_t) INT64_MAX : (time_t) INT32_MAX,
        };

        return timerfd_settime(w->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0
                               ? -errno
                               : 0;
}

static int on_timer(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        ClockWatch *w = userdata;
        uint64_t n;

        if (read(fd, &n, sizeof(n)) >= 0 || errno != ECANCELED)
                return 0;
        /* Armed before the clock is read: another jump from here on is told again. */
        if (clock_watch_arm(w) < 0)
                (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        w->changed(w->userdata);
        return 0;
}

int clock_watch_new(sd_event *event, ClockChanged changed, void *userdata, ClockWatch **ret)
{
        ClockWatch *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        *w = (ClockWatch){ .changed = changed, .userdata = userdata };
        w->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        r = w->fd < 0 ? -errno : clock_watch_arm(w);
        if (r >= 0)
                r = sd_event_add_io(event, &w->source, w->fd, EPOLLIN, on_timer, w);
        if (r < 0) {
                clock_watch_free(w);
                return r;
        }
        (void) sd_event_source_set_description(w->source, "clock-watch");
        *ret = w;
        return 0;
}

ClockWatch *clock_watch_free(ClockWatch *w)
{
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->source);
        close_fd(w->fd);
        free(w);
        return NULL;
}
