/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * request: the one thing that crosses the border from renewd to renewd-deploy.
 *
 * renewd talks to the network; if somebody took it over, this is where they knock. So the form is
 * narrow and every part of it is checked before it is used: plain names and nothing else, looked up
 * in the configuration later, never made into a path or a command.
 */

#include <jansson.h>

#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "deployd/request.h"

static const char *check_form(const json_t *root)
{
        const json_t *names = json_object_get(root, "certificates");

        if (!json_is_object(root))
                return "the body is no JSON object";
        if (!json_is_array(names) || json_object_size(root) != 1)
                return "the body is not of the form {\"certificates\":[\"name\"]}";
        if (json_array_size(names) == 0)
                return "it names no certificate";
        if (json_array_size(names) > LIMIT_DEPLOY_BATCH)
                return "it names too many certificates";
        return NULL;
}

/* Return: 0, -EINVAL, -ENOMEM. */
static int read_names(const json_t *array, char ***ret_names)
{
        _cleanup_strv_ char **names = NULL;
        const json_t *item;
        size_t i;

        json_array_foreach (array, i, item) {
                const char *name = json_string_value(item);

                if (!name || strlen(name) > LIMIT_SECTION_NAME || !text_is_plain_name(name))
                        return -EINVAL;
                if (!strv_contains(names, name) && strv_add(&names, name) < 0)
                        return -ENOMEM;
        }
        *ret_names = TAKE_PTR(names);
        return 0;
}

int request_parse(const char *body, size_t size, char ***ret_names, const char **ret_reason)
{
        json_t *root = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
        const char *reason = check_form(root);
        int r = reason ? -EINVAL : read_names(json_object_get(root, "certificates"), ret_names);

        if (r == -EINVAL)
                *ret_reason = reason ? reason : "what it names is not the name of a certificate";
        json_decref(root);
        return r;
}
