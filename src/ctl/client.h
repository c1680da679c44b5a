/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "ctl/options.h"

/*
 * renewd's other end: one request at a time over its control socket. Whatever keeps it from being
 * asked is said here, with the next step.
 */
typedef struct Client Client;

/* Opens nothing yet. Return: CTL_WELL, CTL_FAILED (said). */
int client_new(const Options *o, Client **ret);
Client *client_free(Client *c);
DEFINE_CLEANUP(Client, client_free)

/* What renewd answered. */
typedef struct Answer {
        unsigned status;
        json_t *json; /* always an object */
} Answer;

void answer_done(Answer *a);
#define _cleanup_answer_ _cleanup_(answer_done)

/* Return: CTL_WELL and an answer of any status; CTL_UNREACHABLE, CTL_FAILED (said). */
int client_ask(Client *c, const char *method, const char *path, Answer *ret);

/* The same of /v1/certificates/NAME and what follows it; a name that is none is a 404, as renewd
 * would say. */
int client_ask_of(Client *c, const char *method, const char *name, const char *rest, Answer *ret);

/* Return: CTL_WELL for an answer of success; CTL_FAILED (said why) for another. */
int answer_check(const Answer *a);

/* What renewd says, with everything beyond ASCII as \uNNNN: safe on every terminal. */
void answer_print(const json_t *json);
