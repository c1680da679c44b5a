/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/certificate.h"

/*
 * The second truth of a certificate: whether what is in force was given to its services. Its
 * failures are its own and never order again.
 */

/* After what is remembered was read. */
void certificate_deployment_load(Certificate *c);

/* A new generation is in force: whatever became of the old one, this one is to be deployed. */
void certificate_deployment_begin(Certificate *c);

/* Asks for a deployment if what is in force was not deployed yet and there is something to do. */
void certificate_deployment_check(Certificate *c);

/* Tries a failed one again when its time has come. */
void certificate_deployment_on_deadline(Certificate *c, uint64_t now_usec);

/* Of certificate.c, for this file: writes state.json; sets the timer. */
void certificate_save(Certificate *c);
void certificate_arm(Certificate *c);
