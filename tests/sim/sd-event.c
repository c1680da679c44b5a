/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part of sd-event(3) that the engine uses, on a clock that stands still while code runs and
 * jumps to the next timer when nothing is left to do. The programs define these functions
 * themselves, and so libsystemd's are never called.
 *
 * There are two lines of time. The truth runs with CLOCK_BOOTTIME and is never stepped; what the
 * machine's wall clock says is the truth and an error, which scenarios set. The wall clock of
 * everybody else (CAs) has no error. Accuracy is not modelled: a timer rings when it is due.
 */

#include <errno.h>
#include <time.h>

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/macros.h"
#include "engine/clock-watch.h"
#include "sim.h"

/* The truth at the boot of each simulated machine: 2026-01-01. */
#define BOOT_TRUTH (UINT64_C(1767225600) * USEC_PER_SEC)

/* A loop that does not let time pass is a storm, whatever makes it. */
#define EVENTS_AT_ONE_INSTANT 1000000U

enum {
        LINE_WALL,
        LINE_BOOT,
        N_LINES
};

struct sd_event_source {
        unsigned n_ref;
        sd_event *event;
        int enabled;

        bool timer; /* else it is deferred */
        unsigned line;
        uint64_t at;
        uint64_t turn; /* of those that are due at one instant the first armed is the first */
        size_t place;  /* in the line's heap from 1; 0: not in it */

        sd_event_time_handler_t on_time;
        sd_event_handler_t on_defer;
        void *userdata;
        sd_event_source *prev, *next; /* of deferred ones */
};

typedef struct Heap {
        sd_event_source **items; /* from 1 */
        size_t n, room;
} Heap;

struct sd_event {
        unsigned n_ref;
        unsigned n_sources;
        Heap lines[N_LINES];
        sd_event_source *deferred;
        bool exit;
        uint64_t turns;
};

struct ClockWatch {
        ClockChanged changed;
        void *userdata;
};

static uint64_t boottime;
static int64_t clock_error;
static ClockWatch *the_watch; /* one manager has one */

/* --- clocks ----------------------------------------------------------------------------------- */

uint64_t sim_truth(void)
{
        return BOOT_TRUTH + boottime;
}

uint64_t clock_boottime_usec(void)
{
        return boottime + USEC_PER_SEC; /* nobody may take 0 for "never" by luck */
}

uint64_t clock_monotonic_usec(void)
{
        return clock_boottime_usec();
}

uint64_t clock_realtime_usec(void)
{
        int64_t wall = (int64_t) sim_truth() + clock_error;

        return wall > 0 ? (uint64_t) wall : 0;
}

int64_t sim_clock_error(void)
{
        return clock_error;
}

void sim_set_clock(int64_t error_usec)
{
        clock_error = error_usec;
        if (the_watch)
                the_watch->changed(the_watch->userdata);
}

void sim_suspend(uint64_t span_usec)
{
        boottime += span_usec;
        if (the_watch)
                the_watch->changed(the_watch->userdata);
}

void sim_event_reset(void)
{
        assert(!the_watch);
        boottime = 0;
        clock_error = 0;
}

int clock_watch_new(sd_event *event, ClockChanged changed, void *userdata, ClockWatch **ret)
{
        ClockWatch *w = calloc(1, sizeof(*w));

        assert(w && !the_watch);
        *w = (ClockWatch){ changed, userdata };
        *ret = the_watch = w;
        return 0;
}

ClockWatch *clock_watch_free(ClockWatch *w)
{
        if (w)
                the_watch = NULL;
        free(w);
        return NULL;
}

/* --- timers in order -------------------------------------------------------------------------- */

static bool is_before(const sd_event_source *a, const sd_event_source *b)
{
        return a->at != b->at ? a->at < b->at : a->turn < b->turn;
}

static void heap_put(Heap *h, size_t place, sd_event_source *s)
{
        h->items[place] = s;
        s->place = place;
}

/* Moves s, whose place is free, to where it belongs. */
static void heap_settle(Heap *h, size_t place, sd_event_source *s)
{
        for (; place > 1 && is_before(s, h->items[place / 2]); place /= 2)
                heap_put(h, place, h->items[place / 2]);
        for (size_t child; (child = 2 * place) <= h->n; place = child) {
                if (child < h->n && is_before(h->items[child + 1], h->items[child]))
                        child++;
                if (!is_before(h->items[child], s))
                        break;
                heap_put(h, place, h->items[child]);
        }
        heap_put(h, place, s);
}

static void heap_add(Heap *h, sd_event_source *s)
{
        if (h->n + 1 >= h->room) {
                h->room = h->room ? 2 * h->room : 64;
                h->items = realloc(h->items, h->room * sizeof(*h->items));
                assert(h->items);
        }
        heap_settle(h, ++h->n, s);
}

static void heap_remove(Heap *h, sd_event_source *s)
{
        sd_event_source *last = h->items[h->n--];
        size_t place = s->place;

        s->place = 0;
        if (last != s)
                heap_settle(h, place, last);
}

/* Puts a timer where its time and its being enabled want it. */
static void source_place(sd_event_source *s)
{
        Heap *h = &s->event->lines[s->line];

        if (!s->timer)
                return;
        if (s->place)
                heap_remove(h, s);
        if (s->enabled == SD_EVENT_OFF)
                return;
        s->turn = ++s->event->turns;
        heap_add(h, s);
}

/* --- the loop --------------------------------------------------------------------------------- */

int sd_event_new(sd_event **ret)
{
        sd_event *e = calloc(1, sizeof(*e));

        assert(e);
        e->n_ref = 1;
        *ret = e;
        return 0;
}

sd_event *sd_event_ref(sd_event *e)
{
        e->n_ref++;
        return e;
}

sd_event *sd_event_unref(sd_event *e)
{
        if (!e || --e->n_ref > 0)
                return NULL;
        assert(e->n_sources == 0); /* nobody left a source behind */
        for (size_t i = 0; i < N_LINES; i++)
                free(e->lines[i].items);
        free(e);
        return NULL;
}

int sd_event_exit(sd_event *e, int code)
{
        e->exit = true;
        return 0;
}

static uint64_t line_now(unsigned line)
{
        return line == LINE_WALL ? clock_realtime_usec() : clock_boottime_usec();
}

static sd_event_source *find_due(sd_event *e)
{
        for (sd_event_source *s = e->deferred; s; s = s->next)
                if (s->enabled != SD_EVENT_OFF)
                        return s;
        for (unsigned line = 0; line < N_LINES; line++)
                if (e->lines[line].n > 0 && e->lines[line].items[1]->at <= line_now(line))
                        return e->lines[line].items[1];
        return NULL;
}

static void dispatch(sd_event_source *s)
{
        int r;

        s->n_ref++;
        if (s->enabled == SD_EVENT_ONESHOT)
                (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        r = s->timer ? s->on_time(s, s->at, s->userdata) : s->on_defer(s, s->userdata);
        assert(r >= 0); /* sd-event would switch it off for good */
        (void) sd_event_source_unref(s);
}

/* How long until the next timer of any line. */
static uint64_t until_next(const sd_event *e)
{
        uint64_t wait = USEC_INFINITY;

        for (unsigned line = 0; line < N_LINES; line++)
                if (e->lines[line].n > 0)
                        wait = MIN(wait, e->lines[line].items[1]->at - line_now(line));
        return wait;
}

void sim_run_loop(sd_event *e, uint64_t span_usec)
{
        uint64_t end = boottime + span_usec;
        unsigned n = 0;

        for (;;) {
                sd_event_source *s = find_due(e);
                uint64_t wait;

                if (s) {
                        dispatch(s);
                        assert(++n < EVENTS_AT_ONE_INSTANT);
                        continue;
                }
                wait = until_next(e);
                n = 0;
                if (wait > end - boottime)
                        break;
                boottime += wait;
        }
        boottime = end;
}

/* --- sources ---------------------------------------------------------------------------------- */

static sd_event_source *source_new(sd_event *e, void *userdata)
{
        sd_event_source *s = calloc(1, sizeof(*s));

        assert(s);
        *s = (sd_event_source){ .n_ref = 1, .event = e, .userdata = userdata };
        e->n_sources++;
        return s;
}

int sd_event_add_time(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                uint64_t accuracy, sd_event_time_handler_t callback, void *userdata)
{
        sd_event_source *s = source_new(e, userdata);

        assert(clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME);
        s->timer = true;
        s->line = clock == CLOCK_REALTIME ? LINE_WALL : LINE_BOOT;
        s->at = usec;
        s->on_time = callback;
        s->enabled = SD_EVENT_ONESHOT;
        source_place(s);
        *ret = s;
        return 0;
}

int sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                uint64_t accuracy, sd_event_time_handler_t callback, void *userdata)
{
        unsigned line = clock == CLOCK_REALTIME ? LINE_WALL : LINE_BOOT;

        return sd_event_add_time(e, ret, clock, usec_add(line_now(line), usec), accuracy, callback,
                        userdata);
}

int sd_event_add_defer(
                sd_event *e, sd_event_source **ret, sd_event_handler_t callback, void *userdata)
{
        sd_event_source *s = source_new(e, userdata);

        s->on_defer = callback;
        s->enabled = SD_EVENT_ONESHOT;
        s->next = e->deferred;
        if (s->next)
                s->next->prev = s;
        e->deferred = s;
        *ret = s;
        return 0;
}

static void source_free(sd_event_source *s)
{
        if (s->place)
                heap_remove(&s->event->lines[s->line], s);
        if (s->next)
                s->next->prev = s->prev;
        if (s->prev)
                s->prev->next = s->next;
        if (s->event->deferred == s)
                s->event->deferred = s->next;
        s->event->n_sources--;
        free(s);
}

sd_event_source *sd_event_source_unref(sd_event_source *s)
{
        if (s && --s->n_ref == 0)
                source_free(s);
        return NULL;
}

sd_event_source *sd_event_source_disable_unref(sd_event_source *s)
{
        if (s)
                (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        return sd_event_source_unref(s);
}

int sd_event_source_set_enabled(sd_event_source *s, int enabled)
{
        s->enabled = enabled;
        source_place(s);
        return 0;
}

int sd_event_source_get_enabled(sd_event_source *s, int *ret)
{
        if (ret)
                *ret = s->enabled;
        return s->enabled != SD_EVENT_OFF;
}

int sd_event_source_set_time(sd_event_source *s, uint64_t usec)
{
        assert(s->timer);
        s->at = usec;
        source_place(s);
        return 0;
}

int sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec)
{
        return sd_event_source_set_time(s, usec_add(line_now(s->line), usec));
}

int sd_event_source_set_description(sd_event_source *s, const char *description)
{
        return 0;
}
