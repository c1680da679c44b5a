/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "base/macros.h"

/*
 * renewd-deploy's socket: POST /v1/deploy, one request after the other.
 */
typedef struct Server Server;

/*
 * @fd_take    listening Unix socket; owned by the server from now on, also on failure
 * @config     path of the configuration. Copied
 * @idle_usec  ends the loop with status 0 when nothing was asked for so long; USEC_INFINITY: never
 * Return: 0 or -errno.
 */
int server_new(sd_event *event, int fd_take, const char *config, uint64_t idle_usec, Server **ret);

/* Ends what is under way; not from within the loop's callbacks. Return: NULL. */
Server *server_free(Server *s);
DEFINE_CLEANUP(Server, server_free)
