/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The watch over the clock. No test may set the machine's clock, so the kernel's answer to that
 * (ECANCELED from read(2), again for each jump, and only from a timer that was armed for it) is
 * played by a pipe; that the real kernel takes the timer and leaves it alone is seen on its own.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "engine/clock-watch.h"

static bool played;
static int ends[2] = { -1, -1 }; /* of the pipe: the watch has the first */
static bool armed;

static int play_create(int clock, int flags)
{
        if (!played)
                return timerfd_create(clock, flags);
        assert_int_equal(clock, CLOCK_REALTIME); /* the only one that is ever set */
        assert_int_equal(pipe(ends), 0);
        return ends[0];
}

static int play_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
        if (!played)
                return timerfd_settime(fd, flags, new, old);
        assert_int_equal(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
        armed = true;
        return 0;
}

static ssize_t play_read(int fd, void *buffer, size_t size)
{
        ssize_t n = read(fd, buffer, size);

        if (!played)
                return n;
        assert_int_equal(n, 1);
        errno = ECANCELED;
        return -1;
}

#define timerfd_create  play_create
#define timerfd_settime play_settime
#define read            play_read
#include "engine/clock-watch.c"
#undef read

/* Somebody sets the clock. */
static void jump(void)
{
        if (armed)
                assert_int_equal(write(ends[1], "!", 1), 1);
        armed = false;
}

static void count(void *userdata)
{
        (*(unsigned *) userdata)++;
}

static void test_tells_each_jump(void **state)
{
        sd_event *event = NULL;
        ClockWatch *w = NULL;
        unsigned n = 0;

        played = true;
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(clock_watch_new(event, count, &n, &w), 0);
        for (unsigned i = 1; i <= 3; i++) {
                jump();
                assert_true(sd_event_run(event, UINT64_MAX) > 0);
                assert_int_equal(n, i);
        }
        assert_int_equal(sd_event_run(event, 0), 0);
        assert_null(clock_watch_free(w));
        sd_event_unref(event);
        close(ends[1]);
        played = false;
}

static void test_kernel_takes_it(void **state)
{
        sd_event *event = NULL;
        ClockWatch *w = NULL;
        unsigned n = 0;

        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(clock_watch_new(event, count, &n, &w), 0);
        assert_int_equal(sd_event_run(event, 0), 0);
        assert_int_equal(n, 0);
        assert_null(clock_watch_free(w));
        sd_event_unref(event);
        assert_null(clock_watch_free(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tells_each_jump),
                cmocka_unit_test(test_kernel_takes_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
