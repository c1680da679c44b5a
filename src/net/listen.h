/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "base/macros.h"

/*
 * Listening sockets. listen_tcp(): host is numeric, IPv6 sockets are V6ONLY. listen_unix(): a stale
 * socket of that name is replaced, a living one gives -EADDRINUSE; mode is its mode.
 * Return: a descriptor that the caller owns, or -errno.
 */
int listen_tcp(const char *host, unsigned port);
int listen_unix(const char *path, mode_t mode);

/*
 * Who holds a TCP port, for people: "nginx (pid 812)", "nginx.service" when the process is not ours to
 * see, or "another program".
 * The caller frees it; NULL when out of memory.
 */
char *listen_holder(const char *host, unsigned port);
