/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macros.h"

/*
 * renewd-deploy as our child, where systemd does not start it (a container, a test): forked before
 * renewd gives up root, so that it keeps the rights that it needs, with a listening Unix socket handed over
 * by the LISTEN_FDS protocol. It ends when we end.
 *
 * @program  path of renewd-deploy
 * @config   path of the configuration
 * @socket   path at which the child is to be reached; the listening socket is made here
 * Return: the child's pid, or -errno.
 */
pid_t deploy_helper_start(const char *program, const char *config, const char *socket);
