/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/certificate.h"

/* What the files of a certificate (certificate.c, -attempt.c, -deployment.c) share and nobody else
 * calls. */

/* --- certificate.c ---------------------------------------------------------------------------- */

/* The one place where the state changes; the edge has to be in the table. */
void certificate_set_state(Certificate *c, CertificateState state);

/* Writes state.json; what fails is logged. */
void certificate_save(Certificate *c);

/* Reads what is in force anew. Return: 0 or -ENOMEM. */
int certificate_load_issued(Certificate *c);

/* Forgets failures of issuance. */
void certificate_reset_failures(Certificate *c);

/* What a failure depends on, as text: a change of it is worth another try. The caller frees it. */
char *certificate_signature(const Certificate *c);

/* Ends the attempt under way, if there is one. */
void certificate_drop_issuance(Certificate *c);

/* Sets the timer to the next deadline. */
void certificate_arm(Certificate *c);

/* --- certificate-deployment.c ----------------------------------------------------------------- */

/* After what is remembered was read. */
void certificate_deployment_load(Certificate *c);

/* A new generation is in force: whatever became of the old one, this one is to be deployed. */
void certificate_deployment_begin(Certificate *c);

/* Asks for a deployment if what is in force was not deployed yet and there is something to do. */
void certificate_deployment_check(Certificate *c);

/* Tries a failed one again when its time has come. */
void certificate_deployment_on_deadline(Certificate *c, uint64_t now_usec);

/* --- certificate-renewal-info.c --------------------------------------------------------------- */

/* Asks the CA if it is time to. */
void certificate_renewal_info_on_deadline(Certificate *c, uint64_t now_usec);

/* Forgets what was learned by a clock that was ahead. Return: whether there was anything. */
bool certificate_renewal_info_follow_clock(Certificate *c, uint64_t now_usec);

/* Forgets a question under way: the CA is another one, or the certificate is. */
void certificate_renewal_info_cancel(Certificate *c);

/* The instant drawn from the CA's window; 0: there is none. */
uint64_t certificate_renewal_window_at(const Certificate *c);

/* The id of the predecessor for an order at the CA configured (RFC 9773 section 5); NULL: none. */
const char *certificate_replaces(const Certificate *c);
