/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "challenge/http-01.h"
#include "engine/certificate.h"
#include "engine/clock-watch.h"

/*
 * Everything that renewd does, on one loop: the certificates by name, the CAs, the challenge port,
 * the deployment. Owned by main().
 */
typedef void (*ManagerChanged)(void *userdata);

typedef struct CaEntry {
        Ca *ca;
        const char *name; /* the Ca's */
        UT_hash_handle hh;
} CaEntry;

struct Manager {
        sd_event *event;
        Config *config;
        Store *store;
        HttpClient *http;
        Http01 *http01;
        Deploy *deploy;
        ClockWatch *clock_watch;

        CaEntry *cas;
        Certificate *certificates;

        /* those that wait for their turn */
        Certificate *due;
        unsigned n_issuing;     /* attempts under way */
        sd_event_source *start; /* begins what can begin */
        sd_event_source *paced; /* the same, when the next of a crowd may */

        /* the challenge port */
        bool listening;
        char *listen_problem; /* NULL: none */
        sd_event_source *listen_again;

        /* --once: the loop ends when nothing is due or under way any more */
        bool once;

        ManagerChanged changed; /* status is other than it was; may be NULL */
        void *changed_userdata;
};

/*
 * @store          owned by the manager from now on, also on failure
 * @deploy_socket  path of renewd-deploy's socket
 * Return: 0, -ENOMEM, -errno.
 */
int manager_new(sd_event *event, Config *config, Store *store_take, const char *deploy_socket,
                Manager **ret);
Manager *manager_free(Manager *m);
DEFINE_CLEANUP(Manager, manager_free)

/* A listening socket that systemd gave us; to be given before manager_start(). Return: 0 or -errno.
 */
int manager_add_http_socket(Manager *m, int fd_take);

/* Listens, loads what is on disk and plans. Nothing of a single certificate or CA makes it fail. */
int manager_start(Manager *m);

/* Puts another configuration in force; what did not change is not disturbed. Return: 0 or -ENOMEM.
 */
int manager_reload(Manager *m, Config *config);

/* NULL when there is none of that name, configured or not. */
Certificate *manager_find(Manager *m, const char *name);

/* For certificates: takes its turn, or leaves the queue. */
void manager_enqueue(Manager *m, Certificate *c);
void manager_dequeue(Manager *m, Certificate *c);

/* For certificates: an attempt ended, or anything that status shows changed. */
void manager_issuance_ended(Manager *m);
void manager_notify_changed(Manager *m);

/* Whether nothing is under way: no attempt, no deployment, nothing that could begin. */
bool manager_is_idle(const Manager *m);
