/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* shown: getters that take whatever there is, since an older or newer renewd may say less or
 * more. */

#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "ctl/shown.h"

/* Longer than anything that renewd says of its own, escaped (a URL). */
#define TEXT_MAX (4 * LIMIT_URL)

#define BAR_MARKS 10U

static int escape_string(json_t *json)
{
        const char *s = json_string_value(json);
        size_t size = json_string_length(json);
        _cleanup_free_ char *text = NULL;

        if (text_printable(s, size) == size && size <= TEXT_MAX)
                return 0;
        text = text_escape(s, size, TEXT_MAX);
        return text && json_string_set(json, text) == 0 ? 0 : -ENOMEM;
}

/* Depth is that of jansson's parser, which stops at 2048. */
int shown_escape(json_t *json)
{
        const char *key;
        json_t *value;
        size_t i;
        int r = 0;

        if (json_is_string(json))
                return escape_string(json);
        if (json_is_array(json))
                json_array_foreach (json, i, value) {
                        r = shown_escape(value);
                        if (r < 0)
                                return r;
                }
        if (json_is_object(json))
                json_object_foreach (json, key, value) {
                        r = shown_escape(value);
                        if (r < 0)
                                return r;
                }
        return 0;
}

const char *shown_text(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

const char *shown_text_or(const json_t *object, const char *key, const char *otherwise)
{
        const char *s = shown_text(object, key);

        return s ? s : otherwise;
}

uint64_t shown_instant(const json_t *object, const char *key)
{
        const char *s = shown_text(object, key);
        uint64_t instant;

        return s && timestamp_parse(s, &instant) >= 0 ? instant : 0;
}

char *shown_list(const json_t *array)
{
        _cleanup_strv_ char **list = NULL;
        const json_t *item;
        size_t i;

        json_array_foreach ((json_t *) (uintptr_t) array, i, item)
                if (json_is_string(item) && strv_add(&list, json_string_value(item)) < 0)
                        return NULL;
        return strv_join(list, " ");
}

char *shown_when(uint64_t instant, uint64_t now)
{
        char at[TIMESTAMP_MAX], span[TIMESTAMP_MAX];

        if (instant == 0)
                return strdup("-");
        timestamp_format(at, instant);
        if (instant > now)
                return text_format("%s (in %s)", at, timespan_format(span, instant - now));
        return text_format("%s (%s ago)", at, timespan_format(span, now - instant));
}

Lifetime shown_lifetime(const json_t *issued, uint64_t now)
{
        uint64_t begin = shown_instant(issued, "not_before");
        uint64_t end = shown_instant(issued, "not_after");
        Lifetime l = { .known = begin > 0 && end >= usec_add(begin, USEC_PER_SEC) };
        unsigned marks;

        if (!l.known)
                return l;
        /* Seconds, lest a product overflow; a clock that is behind sees a whole lifetime. */
        l.left_usec = usec_sub(end, MAX(now, begin));
        l.percent = (unsigned) (l.left_usec / USEC_PER_SEC * 100 / ((end - begin) / USEC_PER_SEC));
        marks = l.left_usec > 0 ? MAX((l.percent + 5) / 10, 1U) : 0;
        l.bar[0] = '[';
        for (unsigned i = 0; i < BAR_MARKS; i++)
                l.bar[1 + i] = i < marks ? '#' : '.';
        l.bar[1 + BAR_MARKS] = ']';
        return l;
}
