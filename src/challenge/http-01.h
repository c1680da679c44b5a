/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "challenge/challenge.h"
#include "config/config.h"

/*
 * http-01 (RFC 8555 section 8.3) by our own listener: exact tokens by token whatever the Host header
 * says; everything else is a constant 404, or with HttpFallback=redirect a 308 to https.
 */
typedef struct Http01 Http01;

/* A genuine validation request was answered (token is one of those presented). */
typedef void (*Http01Seen)(const char *token, void *userdata);

int http01_new(sd_event *event, Http01Seen seen, void *userdata, Http01 **ret);

/* The solver that presents on this listener; owned by h. present() fails while nothing is listened on, with
 * the reason that http01_listen() found and the three ways out. */
ChallengeSolver *http01_solver(Http01 *h);

Http01 *http01_free(Http01 *h);
DEFINE_CLEANUP(Http01, http01_free)

/* Gives an inherited listening socket (LISTEN_FDS name "http"). Owned by h from now on. Return: 0 or -errno. */
int http01_add_socket(Http01 *h, int fd_take);

/*
 * Listens as configured: what is already listened on with the same text stays undisturbed, what is no longer
 * configured is closed. Inherited sockets are used where the configuration names no address. One address that
 * fails is no reason to fail for the others.
 * @ret_problem: NULL, or a sentence for people naming address, holder and the three ways (design: free the port,
 * HttpListen= behind a proxy_pass, Webroot=), with the lines to paste; the caller frees it.
 * Return: the number of sockets listened on (0: none), or -ENOMEM.
 */
int http01_listen(Http01 *h, const ConfigDaemon *config, char **ret_problem);

/*
 * Whether listening may succeed later without anybody's doing (an address that the machine has not
 * got yet). A port that is taken is not: it may be free for the moment in which its web server is
 * restarted, and whoever took it then would keep that server from starting.
 */
bool http01_problem_may_pass(const Http01 *h);
