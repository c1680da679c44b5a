/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "base/macros.h"

/*
 * renewd-deploy as our child, where systemd does not start it (a container, a test): forked before
 * renewd gives up root, so that it keeps the rights that it needs, with a listening Unix socket handed over
 * by the LISTEN_FDS protocol (sd_listen_fds(3)). It ends when we end, however that happens.
 *
 * Only while there is a single thread.
 *
 * @program  path of renewd-deploy
 * @config   path of the configuration
 * @socket   path at which the child is to be reached; the listening socket is made here, for user renewd
 *           when we are root
 * Return: the child's pid, or -errno (-EADDRINUSE: somebody listens there already; what keeps the program
 * from being executed, such as -ENOENT).
 */
pid_t deploy_helper_start(const char *program, const char *config, const char *socket);

/* The names of the two descriptors that the child gets (LISTEN_FDNAMES). */
#define DEPLOY_FD_SOCKET "deploy"
#define DEPLOY_FD_PARENT "parent" /* reads as ended when we are gone */
