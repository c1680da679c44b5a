/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/config.h"

/*
 * Who we are. Under systemd the unit has done all of this; elsewhere (a container, a test) renewd
 * started as root starts renewd-deploy, which needs root, and then becomes user renewd itself.
 */

/*
 * Starts renewd-deploy unless systemd has its socket there. What fails is logged and no reason to
 * end: certificates are renewed all the same.
 * @socket  where it is to be reached
 */
void privileges_start_helper(const char *config_path, const char *socket);

/*
 * Makes the state directory and the directories of our sockets where they are missing, for user
 * renewd where we are root and there is such a user. What is there already stays as it is. Return:
 * 0 or -errno, logged.
 */
int privileges_make_directories(const ConfigDaemon *config);

/*
 * Becomes user renewd if we are root and there is such a user, keeping the right to bind ports
 * below 1024 and no other. Return: 0 or -errno, logged.
 */
int privileges_drop(void);
