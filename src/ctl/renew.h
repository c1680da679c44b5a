/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/client.h"
#include "ctl/outcome.h"

/* One certificate that was asked for. */
typedef struct Renewal {
        const char *name;
        OutcomeStart start;
        bool asked; /* renewd has taken it up */
        bool ended;
        json_t *certificate; /* as renewd said last; escaped; NULL: never */
} Renewal;

/*
 * Looks until all have ended, telling each on stdout (@tell: not where that is JSON), failures on
 * stderr.
 *
 * @timeout_usec  for all of them
 * Return: CTL_WELL when all were renewed, else what to exit with.
 */
int renewals_wait(Client *client, Renewal *renewals, size_t n, uint64_t timeout_usec, bool tell);
