/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <renew/http.h>

#include "base/macros.h"
#include "base/timestamp.h"

/* No CA means more than a year. */
#define MAX_RETRY_AFTER (365 * USEC_PER_DAY)

/* Response headers that ACME gives a meaning to. */

/* The first value of a header, whatever the case of its name; NULL when it is absent. */
const char *header_find(const RenewResponse *response, const char *name);

/* The CA's clock, by Date; 0 where it says nothing. */
RenewUsec header_date(const RenewResponse *response);

/*
 * The instant that Retry-After asks for (RFC 9110 section 10.2.3): seconds, or a date, which counts
 * from the response's own Date where it has one, so that our clock has no part in it.
 * Return: the instant, 0 when there is no such header or none that can be understood.
 */
RenewUsec header_retry_after(const RenewResponse *response, RenewUsec now);

/*
 * Targets of the links with a relation (RFC 8288), comma-joined or repeated, relative ones resolved
 * against base (RFC 3986 section 5.2 for what CAs send: absolute, "//host/…", "/path", "name"); only
 * those that url_is_usable(). The caller frees with strv_free(). Return: 0, -ENOMEM.
 */
int header_links(const RenewResponse *response, const char *relation, const char *base,
                bool plain_http, char ***ret);

/* What a reference of that many bytes means in the answer of base, in the forms that header_links()
 * takes. NULL when out of memory. */
char *url_resolve(const char *base, const char *reference, size_t size);

/* Whether a URL that a CA gave may be used: https (http where plain_http says so), at most
 * LIMIT_URL bytes of visible ASCII. */
bool url_is_usable(const char *url, bool plain_http);
