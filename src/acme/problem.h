/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include <renew/http.h>
#include <renew/problem.h>

#include "base/macros.h"

RenewProblem *problem_free(RenewProblem *p);
DEFINE_CLEANUP(RenewProblem, problem_free)

/* One of our own. NULL when out of memory. */
RenewProblem *problem_new(RenewProblemType type, const char *where, const char *format, ...)
                _printf_(3, 4);

/*
 * What an answer with a status of 400 or more says (RFC 7807; RFC 8555 section 6.7): its problem
 * document, or what can be said of an answer that has none. NULL when out of memory.
 */
RenewProblem *problem_from_response(
                const RenewResponse *response, RenewUsec now, const char *where);

/* The "error" of an order or a challenge. NULL when out of memory. */
RenewProblem *problem_from_json(const json_t *error, const char *where);

/* NULL when out of memory. */
RenewProblem *problem_copy(const RenewProblem *p);

/* Adds an identifier's part. Return: 0, -ENOMEM. */
int problem_add_subproblem(
                RenewProblem *p, RenewProblemType type, const char *detail, const char *identifier);
