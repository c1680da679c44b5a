/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "engine/manager.h"

/*
 * The one model of what renewd shows of itself, as JSON (renewctl(1), "JSON"): a promise, fields
 * are added and never changed. Each returns a new reference, NULL when out of memory.
 */
json_t *status_of_certificate(const Certificate *c);
json_t *status_of_certificates(const Manager *m);

/* One line for systemctl status: "12 certificates, 1 being issued, next renewal in 29 d". */
void status_line(const Manager *m, uint64_t now_usec, char *buffer, size_t size);
