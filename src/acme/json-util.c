/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON as it crosses the wire: jansson with our ceilings and our errors.
 */

#include "acme/json-util.h"

#include "base/limits.h"

int json_parse(const void *text, size_t size, json_t **ret)
{
        json_error_t error = {};
        json_t *j = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);

        if (!j) {
                enum json_error_code code = json_error_code(&error);

                /* jansson forgets to name a cause where an object or array cannot be allocated. */
                return code == json_error_out_of_memory || code == json_error_unknown ? -ENOMEM
                                                                                      : -EBADMSG;
        }
        if (!json_is_object(j)) {
                json_decref(j);
                return -EBADMSG;
        }
        *ret = j;
        return 0;
}

int json_from_response(const RenewResponse *response, json_t **ret)
{
        if (response->body_size == 0 || response->body_size > LIMIT_HTTP_BODY)
                return -EBADMSG;
        return json_parse(response->body, response->body_size, ret);
}

int json_to_text(json_t *take, char **ret)
{
        _cleanup_json_ json_t *j = take;
        char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

int replace_string(char **s, const char *by)
{
        char *copy = strdup(by);

        if (!copy)
                return -ENOMEM;
        free(*s);
        *s = copy;
        return 0;
}
