/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timestamp: instants and spans as text and back.
 *
 * The CA's times come in RFC 3339 with any offset and fraction, ours go out in UTC with whole
 * seconds; spans in the configuration are written as systemd.time(7) has them.
 */

#include <stdio.h>
#include <time.h>

#include "base/timestamp.h"

const char *timestamp_format(char buffer[static TIMESTAMP_MAX], uint64_t instant_usec)
{
        time_t seconds = (time_t) (instant_usec / USEC_PER_SEC);
        struct tm tm;

        if (instant_usec == USEC_INFINITY || !gmtime_r(&seconds, &tm) ||
                        strftime(buffer, TIMESTAMP_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                (void) snprintf(buffer, TIMESTAMP_MAX, "-");
        return buffer;
}

/* Exactly n digits at *s, which moves on behind them. Return: the number or -EINVAL. */
static int parse_digits(const char **s, int n)
{
        int value = 0;

        for (; n > 0; n--, (*s)++) {
                if (**s < '0' || **s > '9')
                        return -EINVAL;
                value = value * 10 + (**s - '0');
        }
        return value;
}

/* A letter in either case (RFC 3339 section 5.6). */
static bool parse_letter(const char **s, char upper)
{
        if (**s != upper && **s != (upper | 0x20))
                return false;
        (*s)++;
        return true;
}

/* What stands between date and time; the space is RFC 3339's concession to readability. */
static bool parse_separator(const char **s)
{
        if (**s == ' ') {
                (*s)++;
                return true;
        }
        return parse_letter(s, 'T');
}

/* ".25" as microseconds; digits beyond the sixth are read and dropped. */
static int parse_fraction(const char **s, uint64_t *ret_usec)
{
        uint64_t usec = 0, digit = USEC_PER_SEC / 10;

        if (**s != '.')
                return 0;
        (*s)++;
        if (**s < '0' || **s > '9')
                return -EINVAL;
        for (; **s >= '0' && **s <= '9'; (*s)++, digit /= 10)
                usec += (uint64_t) (**s - '0') * digit;
        *ret_usec = usec;
        return 0;
}

/* "Z" or "+01:00" as seconds east of UTC. */
static int parse_offset(const char **s, long *ret_seconds)
{
        long sign;
        int hours, minutes;

        if (parse_letter(s, 'Z')) {
                *ret_seconds = 0;
                return 0;
        }
        sign = **s == '+' ? 1 : **s == '-' ? -1 : 0;
        if (sign == 0)
                return -EINVAL;
        (*s)++;
        hours = parse_digits(s, 2);
        if (hours < 0 || hours > 23 || *(*s)++ != ':')
                return -EINVAL;
        minutes = parse_digits(s, 2);
        if (minutes < 0 || minutes > 59)
                return -EINVAL;
        *ret_seconds = sign * (hours * 3600L + minutes * 60L);
        return 0;
}

/* Whether the month has such a day: timegm() would make March of the 30th of February. */
static bool day_exists(const struct tm *tm)
{
        struct tm day = { .tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday };

        (void) timegm(&day);
        return day.tm_mday == tm->tm_mday && day.tm_mon == tm->tm_mon;
}

int timestamp_parse(const char *s, uint64_t *ret_usec)
{
        struct tm tm = {};
        uint64_t fraction = 0;
        long offset;
        time_t t;
        int year;

        year = parse_digits(&s, 4);
        if (year < 0 || *s++ != '-')
                return -EINVAL;
        tm.tm_year = year - 1900;
        tm.tm_mon = parse_digits(&s, 2) - 1;
        if (tm.tm_mon < 0 || tm.tm_mon > 11 || *s++ != '-')
                return -EINVAL;
        tm.tm_mday = parse_digits(&s, 2);
        if (!day_exists(&tm) || !parse_separator(&s))
                return -EINVAL;
        tm.tm_hour = parse_digits(&s, 2);
        if (tm.tm_hour < 0 || tm.tm_hour > 23 || *s++ != ':')
                return -EINVAL;
        tm.tm_min = parse_digits(&s, 2);
        if (tm.tm_min < 0 || tm.tm_min > 59 || *s++ != ':')
                return -EINVAL;
        tm.tm_sec = parse_digits(&s, 2);
        if (tm.tm_sec < 0 || tm.tm_sec > 60)
                return -EINVAL;
        if (parse_fraction(&s, &fraction) < 0 || parse_offset(&s, &offset) < 0 || *s)
                return -EINVAL;

        t = timegm(&tm) - offset;
        *ret_usec = t < 0 ? 0 : (uint64_t) t * USEC_PER_SEC + fraction;
        return 0;
}

static const struct {
        const char *name; /* as timespan_format() writes it */
        uint64_t usec;
} units[] = {
        { "d", USEC_PER_DAY },
        { "h", USEC_PER_HOUR },
        { "min", USEC_PER_MIN },
        { "s", USEC_PER_SEC },
        { "ms", USEC_PER_MSEC },
};

const char *timespan_format(char buffer[static TIMESTAMP_MAX], uint64_t span_usec)
{
        size_t i = 0;
        uint64_t first, rest;

        if (span_usec == USEC_INFINITY) {
                (void) snprintf(buffer, TIMESTAMP_MAX, "for ever");
                return buffer;
        }
        while (i + 1 < ELEMENTSOF(units) && span_usec < units[i].usec)
                i++;
        first = span_usec / units[i].usec;
        rest = i + 1 < ELEMENTSOF(units) ? span_usec % units[i].usec / units[i + 1].usec : 0;
        /* Two units say enough, and of a thing measured in seconds milliseconds say nothing. */
        if (rest > 0 && units[i].usec > USEC_PER_SEC)
                (void) snprintf(buffer, TIMESTAMP_MAX, "%ju %s %ju %s", (uintmax_t) first,
                                units[i].name, (uintmax_t) rest, units[i + 1].name);
        else
                (void) snprintf(buffer, TIMESTAMP_MAX, "%ju %s", (uintmax_t) first, units[i].name);
        return buffer;
}

/* The unit named by the n bytes at s, in the spellings of systemd.time(7); 0 for an unknown one. */
static uint64_t unit_parse(const char *s, size_t n)
{
        static const struct {
                const char *name;
                uint64_t usec;
        } names[] = {
                { "", USEC_PER_SEC },
                { "us", 1 },
                { "usec", 1 },
                { "ms", USEC_PER_MSEC },
                { "msec", USEC_PER_MSEC },
                { "s", USEC_PER_SEC },
                { "sec", USEC_PER_SEC },
                { "second", USEC_PER_SEC },
                { "seconds", USEC_PER_SEC },
                { "m", USEC_PER_MIN },
                { "min", USEC_PER_MIN },
                { "minute", USEC_PER_MIN },
                { "minutes", USEC_PER_MIN },
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

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strlen(names[i].name) == n && strncmp(names[i].name, s, n) == 0)
                        return names[i].usec;
        return 0;
}

int timespan_parse(const char *s, uint64_t *ret_usec)
{
        uint64_t sum = 0;

        s += strspn(s, " \t");
        if (!*s)
                return -EINVAL;
        while (*s) {
                size_t digits = strspn(s, "0123456789"), letters;
                uint64_t n = 0, unit;

                if (digits == 0)
                        return -EINVAL;
                for (size_t i = 0; i < digits; i++)
                        if (__builtin_mul_overflow(n, (uint64_t) 10, &n) ||
                                        __builtin_add_overflow(n, (uint64_t) (s[i] - '0'), &n))
                                return -ERANGE;
                s += digits;
                s += strspn(s, " \t");
                letters = strcspn(s, " \t0123456789");
                unit = unit_parse(s, letters);
                if (unit == 0)
                        return -EINVAL;
                if (__builtin_mul_overflow(n, unit, &n) || __builtin_add_overflow(sum, n, &sum) ||
                                sum == USEC_INFINITY)
                        return -ERANGE;
                s += letters;
                s += strspn(s, " \t");
        }
        *ret_usec = sum;
        return 0;
}
