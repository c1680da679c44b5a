/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * parse-span: durations as systemd.time(7) writes them ("2s", "1min 30s", "500ms", "30d"), and
 * RenewBefore=, which is one, or a part of a certificate's lifetime.
 */

#include "base/text.h"
#include "config/parse.h"

#define USEC_PER_MSEC   UINT64_C(1000)
#define USEC_PER_SEC    (UINT64_C(1000) * USEC_PER_MSEC)
#define USEC_PER_MINUTE (UINT64_C(60) * USEC_PER_SEC)
#define USEC_PER_HOUR   (UINT64_C(60) * USEC_PER_MINUTE)
#define USEC_PER_DAY    (UINT64_C(24) * USEC_PER_HOUR)

/* Longer than any certificate lives, so that arithmetic on it cannot overflow. */
#define SPAN_MAX (UINT64_C(3650) * USEC_PER_DAY)

/* Services that wait an hour for their certificate are a mistake. */
#define SETTLE_MAX USEC_PER_HOUR

static const struct {
        const char *name;
        uint64_t usec;
} units[] = {
        { "ms", USEC_PER_MSEC },
        { "msec", USEC_PER_MSEC },
        { "s", USEC_PER_SEC },
        { "sec", USEC_PER_SEC },
        { "second", USEC_PER_SEC },
        { "seconds", USEC_PER_SEC },
        { "m", USEC_PER_MINUTE },
        { "min", USEC_PER_MINUTE },
        { "minute", USEC_PER_MINUTE },
        { "minutes", USEC_PER_MINUTE },
        { "h", USEC_PER_HOUR },
        { "hr", USEC_PER_HOUR },
        { "hour", USEC_PER_HOUR },
        { "hours", USEC_PER_HOUR },
        { "d", USEC_PER_DAY },
        { "day", USEC_PER_DAY },
        { "days", USEC_PER_DAY },
        { "w", 7 * USEC_PER_DAY },
        { "week", 7 * USEC_PER_DAY },
        { "weeks", 7 * USEC_PER_DAY },
};

/* The unit of the given length, in microseconds; 0 when there is none. */
static uint64_t find_unit(const char *s, size_t size)
{
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strlen(units[i].name) == size && strncmp(units[i].name, s, size) == 0)
                        return units[i].usec;
        return 0;
}

/* A sum of numbers with units. Return: 0, -EINVAL, -ERANGE above SPAN_MAX. */
static int parse_span(const char *s, uint64_t *ret)
{
        uint64_t sum = 0;

        if (!*s)
                return -EINVAL;
        while (*s) {
                uint64_t n = 0, unit;
                size_t digits = strspn(s, "0123456789"), letters;

                if (digits == 0)
                        return -EINVAL;
                for (size_t i = 0; i < digits; i++) {
                        n = n * 10 + (uint64_t) (s[i] - '0');
                        if (n > SPAN_MAX)
                                return -ERANGE;
                }
                s += digits;
                s += strspn(s, " \t");
                letters = strcspn(s, " \t0123456789");
                unit = find_unit(s, letters);
                if (unit == 0)
                        return -EINVAL;
                if (n > (SPAN_MAX - sum) / unit)
                        return -ERANGE;
                sum += n * unit;
                s += letters;
                s += strspn(s, " \t");
        }
        *ret = sum;
        return 0;
}

int parse_settle(const ConfigPlace *place, const char *value, void *field)
{
        uint64_t usec, seconds;
        int r;

        /* As everywhere in systemd, a number alone means seconds. */
        r = text_parse_u64(value, SETTLE_MAX / USEC_PER_SEC, &seconds);
        if (r == 0)
                usec = seconds * USEC_PER_SEC;
        else if (r != -ERANGE)
                r = parse_span(value, &usec);
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
                r = parse_span(value, &before.span);
                if (r == 0 && before.span == 0)
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
