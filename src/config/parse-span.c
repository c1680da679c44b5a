/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * parse-span: durations as systemd.time(7) writes them ("2s", "1min 30s", "500ms", "30d"), and
 * RenewBefore=, which is one, or a part of a certificate's lifetime.
 */

#include "base/text.h"
#include "base/timestamp.h"
#include "config/parse.h"

/* Longer than any certificate lives, so that arithmetic on it cannot overflow. */
#define SPAN_MAX (UINT64_C(3650) * USEC_PER_DAY)

/* Services that wait an hour for their certificate are a mistake. */
#define SETTLE_MAX USEC_PER_HOUR

int parse_settle(const ConfigPlace *place, const char *value, void *field)
{
        uint64_t usec;
        int r = timespan_parse(value, &usec);

        if (r == 0 && usec > SETTLE_MAX)
                r = -ERANGE;
        if (r == -ERANGE)
                parse_problem(place, value, "write at most 1h");
        else if (r < 0)
                parse_problem(place, value, "write a duration like 2s, 500ms or 1min");
        else
                *(uint64_t *) field = usec;
        return 0;
}

/* The number before a percent sign that ends the value. Return: 0, -EINVAL, -ERANGE. */
static int parse_percent(const char *value, unsigned *ret)
{
        char digits[4] = "";
        uint64_t percent;
        size_t n = strlen(value);
        int r;

        if (n == 0 || value[n - 1] != '%')
                return -EINVAL;
        if (n > sizeof(digits))
                return -ERANGE;
        memcpy(digits, value, n - 1);
        r = text_parse_u64(digits, 90, &percent);
        if (r < 0)
                return r;
        *ret = (unsigned) percent;
        return percent > 0 ? 0 : -ERANGE;
}

static bool is_number(const char *s)
{
        return strspn(s, "0123456789 \t") == strlen(s);
}

int parse_renew_before(const ConfigPlace *place, const char *value, void *field)
{
        RenewBefore before = {};
        int r = 0;

        if (strchr(value, '%')) {
                r = parse_percent(value, &before.percent);
                if (r == -ERANGE) {
                        parse_problem(place, value, "write 1%% to 90%%");
                        return 0;
                }
        } else if (!streq(value, "auto")) {
                r = timespan_parse(value, &before.span);
                if (r == 0 && (before.span == 0 || before.span > SPAN_MAX || is_number(value)))
                        r = -EINVAL;
        }
        /* Here a number alone is refused: days are meant, and seconds is what systemd would read.
         */
        if (r < 0)
                parse_problem(place, value,
                                "write auto, a part of the lifetime like 33%%, or a duration like "
                                "30d");
        else
                *(RenewBefore *) field = before;
        return 0;
}
