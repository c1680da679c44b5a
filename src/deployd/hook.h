/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/x509.h>
#include <systemd/sd-event.h>

#include "base/timestamp.h"
#include "config/config.h"

/*
 * Run= of one certificate: the administrator's command, once, with the environment of <renew/hook.h>.
 */
typedef struct Hook Hook;

/* What a command may take before its process group is ended; systemd's own default for a service that
 * starts. */
#define HOOK_TIMEOUT (90 * USEC_PER_SEC)

/*
 * Called once, from the loop and never from within hook_start(); hook_free() may be called from within.
 *
 * @sentence  "/etc/renewd/hook done", "/etc/renewd/hook: exited with status 3: <its last line>"; ends
 *            with the call
 */
typedef void (*HookHandler)(bool ok, const char *sentence, void *userdata);

typedef struct HookOptions {
        const ConfigCertificate
                        *certificate; /* its run is not empty; used until the end of the hook */
        const char *state_directory;
        const RenewChain *chain; /* what is deployed */
        uint64_t timeout_usec;
} HookOptions;

/* Return: 0 or -errno (-ENOENT, -EACCES: the command cannot be executed). */
int hook_start(sd_event *event, const HookOptions *options, HookHandler handler, void *userdata,
                Hook **ret);

/* Ends the command if it still runs; the handler is not called. Accepts NULL. Return: NULL. */
Hook *hook_free(Hook *h);
DEFINE_CLEANUP(Hook, hook_free)

/* What the command finds in its environment, and nothing else. Return: 0 or -ENOMEM. */
int hook_environment(const HookOptions *options, char ***ret);
