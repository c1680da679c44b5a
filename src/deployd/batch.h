/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>
#include <systemd/sd-event.h>

#include "config/config.h"
#include "deployd/units.h"

/*
 * The certificates of one request, deployed together: first each one's command, then every unit that
 * any of them names, once.
 */
typedef struct Batch Batch;

/* Called once, from the loop and never from within batch_start(); batch_free() may be called from
 * within. */
typedef void (*BatchHandler)(Batch *b, void *userdata);

/*
 * @config  a reference is taken
 * @names   certificates, configured or not; without duplicates
 * Return: 0 or -errno.
 */
int batch_start(sd_event *event, Units *units, Config *config, char *const *names,
                BatchHandler handler, void *userdata, Batch **ret);

/* Ends commands that still run; the handler is not called. Accepts NULL. Return: NULL. */
Batch *batch_free(Batch *b);
DEFINE_CLEANUP(Batch, batch_free)

/* [{"certificate","ok","detail","problem"}, …]; NULL when out of memory. The caller owns it. */
json_t *batch_results(const Batch *b);
