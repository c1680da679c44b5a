/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include <renew/http.h>

#include "base/macros.h"

static inline void json_cleanup(json_t **j)
{
        json_decref(*j);
        *j = NULL;
}
#define _cleanup_json_ _cleanup_(json_cleanup)

/* Return: 0, -ENOMEM, -EBADMSG when the text is no JSON object. */
int json_parse(const void *text, size_t size, json_t **ret);

/*
 * The object in a response's body, whatever its media type says (some CAs say text/plain).
 * Return: 0, -ENOMEM, -EBADMSG when it is no JSON object.
 */
int json_from_response(const RenewResponse *response, json_t **ret);

/* A member that is a string; NULL when it is absent or something else. */
static inline const char *json_object_string(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

/* The compact text of *take, which is consumed (NULL: out of memory); the caller frees it.
 * Return: 0, -ENOMEM. */
int json_to_text(json_t *take, char **ret);

/* Replaces *s by a copy; on failure it is as before. Return: 0, -ENOMEM. */
int replace_string(char **s, const char *by) _must_check_;
