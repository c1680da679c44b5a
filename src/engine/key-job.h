/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include <renew/key.h>

#include "base/macros.h"

/*
 * Generates a private key in a worker thread, since RSA takes up to seconds and nothing may hold up
 * the loop. The one thread of ours.
 */
typedef struct KeyJob KeyJob;

/* error: 0 or -errno. The key is the handler's. key_job_free() may be called from within. */
typedef void (*KeyJobDone)(int error, RenewKey *key_take, void *userdata);

/* Return: 0 or -errno. */
int key_job_start(
                sd_event *event, RenewKeyType type, KeyJobDone done, void *userdata, KeyJob **ret);

/* Gives up: the thread ends when it is done and its key is wiped; the handler is not called.
 * Accepts NULL. Return: NULL. */
KeyJob *key_job_free(KeyJob *j);
