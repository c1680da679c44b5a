/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "base/macros.h"

/*
 * renewd's side of deployment: the client of renewd-deploy. It says names of certificates and hears what
 * became of them; what that means (units, commands) renewd-deploy reads from the configuration itself.
 * Requests of SettleTime= are sent together, so that several certificates reload a unit once.
 */
typedef struct Deploy Deploy;

typedef struct DeployResult {
        const char *certificate;
        bool ok;
        const char *problem; /* when not ok: a sentence for people naming unit or command */
        const char *detail;  /* what was done: "nginx.service reloaded"; never NULL */
} DeployResult;

/* Called from the loop, once for each certificate asked for. May ask again and forget, but not free. */
typedef void (*DeployHandler)(const DeployResult *result, void *userdata);

/* socket: path of renewd-deploy's Unix socket. Copied. Return: 0 or -errno. */
int deploy_new(sd_event *event, const char *socket, uint64_t settle_usec, DeployHandler handler,
                void *userdata, Deploy **ret);

/* What is under way at renewd-deploy goes on there. Accepts NULL. Return: NULL. */
Deploy *deploy_free(Deploy *d);
DEFINE_CLEANUP(Deploy, deploy_free)

/* Holds for what is asked for from now on. */
void deploy_set_settle(Deploy *d, uint64_t settle_usec);

/*
 * Asks for a deployment of the certificate's current generation. Asked again before it was sent it
 * stays one; asked again while it is on its way it is sent once more, and only the later answer is
 * told, since the earlier one speaks of an older generation. Return: 0 or -ENOMEM.
 */
int deploy_request(Deploy *d, const char *certificate);

/* Drops what was not sent and forgets answers for the certificate (it is no longer configured). */
void deploy_forget(Deploy *d, const char *certificate);
