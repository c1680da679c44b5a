/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Response headers: Retry-After in both spellings, Link with all that RFC 8288 lets a server write.
 *
 * Names are compared without regard to case (HTTP/2 has them in lower case); what cannot be
 * understood is as good as absent, never an error.
 */

#include "acme/header.h"

#include <ctype.h>
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

RenewUsec header_retry_after(const RenewResponse *response, RenewUsec now)
{
        const char *value = header_find(response, "Retry-After"),
                   *date = header_find(response, "Date");
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
        if (!date || http_date_parse(date, &server_now) < 0)
                server_now = now;
        return usec_add(now, MIN(usec_sub(at, server_now), MAX_RETRY_AFTER));
}

/* --- Link ------------------------------------------------------------------------------------- */

/* RFC 3986 section 5.2 for a base that is a URL with a host. NULL when out of memory. */
static char *url_resolve(const char *base, const char *reference, size_t size)
{
        const char *host = strstr(base, "://"), *path, *end;

        if (!host || memmem(reference, size, "://", 3))
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

/* Whether the parameters that start at s (";rel=…;…") name the relation, which may be one of
 * several in a quoted string. *ret_end is where the next link begins. */
static bool link_has_relation(const char *s, const char *relation, const char **ret_end)
{
        bool quoted = false, found = false;
        const char *begin = s;

        for (; *s && (quoted || *s != ','); s++)
                if (*s == '"')
                        quoted = !quoted;
        *ret_end = s;
        for (const char *p = begin; p < s && !found; p++) {
                size_t n;

                if (*p != ';')
                        continue;
                p += 1 + strspn(p + 1, " \t");
                if (strncasecmp(p, "rel=", 4) != 0) {
                        p--;
                        continue;
                }
                p += 4;
                p += *p == '"';
                while (!found) {
                        n = strcspn(p, "\" \t;,");
                        found = n == strlen(relation) && strncasecmp(p, relation, n) == 0;
                        if (p[n] != ' ')
                                break;
                        p += n + 1;
                }
        }
        return found;
}

static int links_add(const char *value, const char *relation, const char *base, char ***links)
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
                if (!url || strv_add(links, url) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int header_links(const RenewResponse *response, const char *relation, const char *base, char ***ret)
{
        _cleanup_strv_ char **links = NULL;

        for (size_t i = 0; i < response->n_headers; i++) {
                int r;

                if (strcasecmp(response->headers[i].name, "Link") != 0)
                        continue;
                r = links_add(response->headers[i].value, relation, base, &links);
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
                if (!isgraph((unsigned char) *p))
                        return false;
        return true;
}
