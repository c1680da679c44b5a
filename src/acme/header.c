/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Response headers: Retry-After in both spellings, Link with all that RFC 8288 lets a server write.
 *
 * Names are compared without regard to case (HTTP/2 has them in lower case); what cannot be
 * understood is as good as absent, never an error.
 */

#include "acme/header.h"

#include <locale.h>
#include <time.h>

#include "base/limits.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/timestamp.h"

const char *header_find(const RenewResponse *response, const char *name)
{
        for (size_t i = 0; i < response->n_headers; i++)
                if (strcasecmp(response->headers[i].name, name) == 0)
                        return response->headers[i].value;
        return NULL;
}

/* The preferred form of RFC 9110 section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". */
static int http_date_parse(const char *s, RenewUsec *ret)
{
        /* Names of days and months are English whatever the program's locale is. */
        locale_t english = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
        struct tm tm = {};
        const char *end = NULL;
        time_t t;

        if (english) {
                end = strptime_l(s, "%a, %d %b %Y %H:%M:%S", &tm, english);
                freelocale(english);
        }
        if (!end || (!streq(end, " GMT") && !streq(end, " UTC")))
                return -EINVAL;
        t = timegm(&tm);
        if (t < 0)
                return -EINVAL;
        *ret = (RenewUsec) t * USEC_PER_SEC;
        return 0;
}

RenewUsec header_date(const RenewResponse *response)
{
        const char *date = header_find(response, "Date");
        RenewUsec at;

        return date && http_date_parse(date, &at) == 0 ? at : 0;
}

RenewUsec header_retry_after(const RenewResponse *response, RenewUsec now)
{
        const char *value = header_find(response, "Retry-After");
        RenewUsec at, server_now;
        uint64_t seconds;
        int r;

        if (!value)
                return 0;
        r = text_parse_u64(value, MAX_RETRY_AFTER / USEC_PER_SEC, &seconds);
        if (r == 0)
                return usec_add(now, seconds * USEC_PER_SEC);
        if (r == -ERANGE)
                return usec_add(now, MAX_RETRY_AFTER);
        if (http_date_parse(value, &at) < 0)
                return 0;
        server_now = header_date(response);
        if (server_now == 0)
                server_now = now;
        return usec_add(now, MIN(usec_sub(at, server_now), MAX_RETRY_AFTER));
}

/* --- Link ------------------------------------------------------------------------------------- */

/* RFC 3986 section 5.2 for a base that is a URL with a host. NULL when out of memory. */
char *url_resolve(const char *base, const char *reference, size_t size)
{
        const char *host = strstr(base, "://"), *path, *end;

        if (!host || reference[strcspn(reference, ":/?#>")] == ':') /* it has a scheme */
                return strndup(reference, size);
        if (size >= 2 && reference[0] == '/' && reference[1] == '/')
                return text_format("%.*s:%.*s", (int) (host - base), base, (int) size, reference);
        path = host + 3 + strcspn(host + 3, "/?#");
        if (size >= 1 && reference[0] == '/')
                return text_format("%.*s%.*s", (int) (path - base), base, (int) size, reference);
        end = path + strcspn(path, "?#");
        while (end > path && end[-1] != '/')
                end--;
        return text_format("%.*s%s%.*s", (int) (end - base), base, end == path ? "/" : "",
                        (int) size, reference);
}

/* Up to the next ';' or ',' that is not in a quoted string. */
static size_t parameter_length(const char *s)
{
        bool quoted = false;
        size_t n;

        for (n = 0; s[n] && (quoted || (s[n] != ';' && s[n] != ',')); n++)
                if (s[n] == '"')
                        quoted = !quoted;
                else if (quoted && s[n] == '\\' && s[n + 1])
                        n++;
        return n;
}

/* The value of the parameter if it is "rel", else NULL. */
static const char *parameter_relation(const char *s)
{
        s += strspn(s, " \t");
        if (strncasecmp(s, "rel", 3) != 0)
                return NULL;
        s += 3;
        s += strspn(s, " \t");
        if (*s++ != '=')
                return NULL;
        s += strspn(s, " \t");
        return s + (*s == '"');
}

/* Whether the relation is among those in the value, which are separated by spaces. */
static bool names_relation(const char *value, const char *relation)
{
        for (;;) {
                size_t n = strcspn(value, "\" \t;,\\");

                if (n == strlen(relation) && strncasecmp(value, relation, n) == 0)
                        return true;
                if (value[n] != ' ')
                        return false;
                value += n + 1;
        }
}

/* Whether the parameters that start at s (";title=…;rel=…") name the relation; of several "rel"
 * the first counts (RFC 8288 section 3.3). *ret_end is where the next link begins. */
static bool link_has_relation(const char *s, const char *relation, const char **ret_end)
{
        bool seen = false, found = false;

        s += parameter_length(s);
        while (*s == ';') {
                const char *value = parameter_relation(s + 1);

                if (value && !seen) {
                        found = names_relation(value, relation);
                        seen = true;
                }
                s += 1 + parameter_length(s + 1);
        }
        *ret_end = s;
        return found;
}

static int links_add(const char *value, const char *relation, const char *base, bool plain_http,
                char ***links)
{
        while ((value = strchr(value, '<'))) {
                const char *target = value + 1, *close = strchr(target, '>');
                _cleanup_free_ char *url = NULL;

                if (!close)
                        return 0;
                if (!link_has_relation(close + 1, relation, &value))
                        continue;
                if (strv_length(*links) == LIMIT_LINKS)
                        return 0;
                url = url_resolve(base, target, (size_t) (close - target));
                if (!url || (url_is_usable(url, plain_http) && strv_add(links, url) < 0))
                        return -ENOMEM;
        }
        return 0;
}

int header_links(const RenewResponse *response, const char *relation, const char *base,
                bool plain_http, char ***ret)
{
        _cleanup_strv_ char **links = NULL;

        for (size_t i = 0; i < response->n_headers; i++) {
                int r;

                if (strcasecmp(response->headers[i].name, "Link") != 0)
                        continue;
                r = links_add(response->headers[i].value, relation, base, plain_http, &links);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(links);
        return 0;
}

bool url_is_usable(const char *url, bool plain_http)
{
        const char *host = has_prefix(url, "https://")                ? url + strlen("https://")
                           : plain_http && has_prefix(url, "http://") ? url + strlen("http://")
                                                                      : NULL;

        if (!host || !*host || *host == '/' || strlen(url) > LIMIT_URL)
                return false;
        for (const char *p = url; *p; p++)
                if (*p <= ' ' || *p > '~') /* isgraph() asks the caller's locale */
                        return false;
        return true;
}
