/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * key-job: a detached thread, a pipe, an I/O source.
 *
 * GnuTLS cannot be interrupted while it looks for primes, so a job that is given up lives on by
 * itself: what the thread touches (KeyWork) belongs to both sides and goes with the last of them.
 * The thread closes its end of the pipe when it is done, which cannot fail as writing to it can.
 */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "engine/key-job.h"

typedef struct KeyWork {
        atomic_uint n_ref;
        RenewKeyType type;
        int error;
        RenewKey *key;
        int write_fd;
} KeyWork;

struct KeyJob {
        KeyWork *work;
        int read_fd;
        sd_event_source *source;
        KeyJobDone done;
        void *userdata;
};

static void key_work_unref(KeyWork *w)
{
        if (atomic_fetch_sub(&w->n_ref, 1) != 1)
                return;
        renew_key_unref(w->key);
        close_fd(w->write_fd);
        free(w);
}

static void *key_work_run(void *userdata)
{
        KeyWork *w = userdata;

        w->error = renew_key_new(w->type, &w->key);
        w->write_fd = close_fd(w->write_fd);
        key_work_unref(w);
        return NULL;
}

static int on_key_ready(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        KeyJob *j = userdata;
        int error = j->work->error;

        (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        j->done(error, error < 0 ? NULL : TAKE_PTR(j->work->key), j->userdata);
        return 0;
}

/* All signals stay with the loop's thread. */
static int start_thread(KeyWork *w)
{
        pthread_attr_t attr;
        pthread_t thread;
        sigset_t all, before;
        int r;

        if (pthread_attr_init(&attr) != 0)
                return -ENOMEM;
        (void) pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        atomic_fetch_add(&w->n_ref, 1);
        r = pthread_create(&thread, &attr, key_work_run, w);
        if (r != 0)
                key_work_unref(w);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void) pthread_attr_destroy(&attr);
        return -r;
}

int key_job_start(sd_event *event, RenewKeyType type, KeyJobDone done, void *userdata, KeyJob **ret)
{
        KeyJob *j = calloc(1, sizeof(*j));
        int fds[2], r;

        if (!j)
                return -ENOMEM;
        *j = (KeyJob){ .read_fd = -EBADF, .done = done, .userdata = userdata };
        j->work = calloc(1, sizeof(*j->work));
        r = !j->work ? -ENOMEM : pipe2(fds, O_CLOEXEC) < 0 ? -errno : 0;
        if (r < 0) {
                free(j->work);
                free(j);
                return r;
        }
        atomic_init(&j->work->n_ref, 1);
        j->work->type = type;
        j->work->write_fd = fds[1];
        j->read_fd = fds[0];

        r = sd_event_add_io(event, &j->source, j->read_fd, EPOLLIN, on_key_ready, j);
        if (r >= 0)
                r = start_thread(j->work);
        if (r < 0) {
                key_job_free(j);
                return r;
        }
        (void) sd_event_source_set_description(j->source, "key-job");
        *ret = j;
        return 0;
}

KeyJob *key_job_free(KeyJob *j)
{
        if (!j)
                return NULL;
        sd_event_source_disable_unref(j->source);
        close_fd(j->read_fd);
        if (j->work)
                key_work_unref(j->work);
        free(j);
        return NULL;
}
