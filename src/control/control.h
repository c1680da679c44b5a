/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/manager.h"

/*
 * The control socket: HTTP with JSON on a Unix socket. Whoever can connect may look; uid 0, our own
 * uid and members of our own group may act.
 */
typedef struct Control Control;

/* @path: of the socket, made with mode 0660. Return: 0, -EADDRINUSE when another renewd answers
 * there, -errno. */
int control_new(Manager *m, const char *path, Control **ret);

/* Removes the socket. Return: NULL. */
Control *control_free(Control *c);
DEFINE_CLEANUP(Control, control_free)
