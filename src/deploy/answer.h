/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "deploy/deploy.h"

/* What renewd-deploy answers, made sense of. Only deploy.c uses it. */

/* One item of "results". Strings live until the handler returns. */
typedef void (*AnswerHandler)(const DeployResult *result, void *userdata);

/*
 * @status      of the HTTP response
 * @ret_reason  when it holds no results: why, a sentence that the caller frees; NULL when out of memory
 * Return: 0 when the handler was called for each result, -EBADMSG when there are none to believe.
 */
int answer_read(unsigned status, const void *body, size_t size, AnswerHandler handler,
                void *userdata, char **ret_reason);
