/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Renewal information (RFC 9773): what a CA suggests for one certificate, when to ask it again, and
 * the instant that follows. Nothing in it can keep a certificate from being renewed: an answer that
 * is none is as good as no answer, and renew_renewal_latest() is where every window ends.
 */

#include <renew/renewal.h>

#include "acme/header.h"
#include "acme/json-util.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/timestamp.h"

/* The cadence that a CA may ask for (section 4.3.2 wants limits, these are its examples), and ours
 * where it asks for none or does not answer in a way that may pass soon (section 4.3.3). */
#define MIN_POLL     USEC_PER_MIN
#define MAX_POLL     USEC_PER_DAY
#define DEFAULT_POLL (6 * USEC_PER_HOUR)

/* A server that is in trouble is asked after 1, 2, 4, … 32 minutes. */
#define MAX_TEMPORARY 6U

/* Many certificates at once learn that they are to be renewed now. */
#define MAX_SPREAD (30 * USEC_PER_MIN)

RENEW_PUBLIC void renew_renewal_info_done(RenewRenewalInfo *info)
{
        free(info->explanation_url);
        *info = (RenewRenewalInfo){};
}

/* A page for people: shown, never fetched. */
static char *read_explanation(const json_t *object)
{
        const char *url = json_object_string(object, "explanationURL");

        return url && url_is_usable(url, true) ? text_escape(url, strlen(url), LIMIT_PEER_TEXT)
                                               : NULL;
}

static RenewUsec poll_after_success(const RenewResponse *response, RenewUsec now)
{
        RenewUsec at = header_retry_after(response, now);

        if (at == 0)
                return usec_add(now, DEFAULT_POLL);
        return MIN(MAX(at, usec_add(now, MIN_POLL)), usec_add(now, MAX_POLL));
}

RENEW_PUBLIC int renew_renewal_info_read(
                const RenewResponse *response, RenewUsec now, RenewRenewalInfo *ret)
{
        _cleanup_json_ json_t *j = NULL;
        const char *start, *end;
        RenewRenewalInfo info = {};
        json_t *window;
        int r;

        if (response->status != 200)
                return RENEW_E_NO_RENEWAL_INFO;
        r = json_from_response(response, &j);
        if (r == -EBADMSG)
                return RENEW_E_NO_RENEWAL_INFO;
        if (r < 0)
                return r;
        window = json_object_get(j, "suggestedWindow");
        start = json_object_string(window, "start");
        end = json_object_string(window, "end");
        if (!start || !end || timestamp_parse(start, &info.start) < 0 ||
                        timestamp_parse(end, &info.end) < 0 || info.end <= info.start)
                return RENEW_E_NO_RENEWAL_INFO;
        info.explanation_url = read_explanation(j);
        info.poll_at = poll_after_success(response, now);
        *ret = info;
        return 0;
}

RENEW_PUBLIC RenewUsec renew_renewal_info_retry_at(
                const RenewResponse *response, unsigned failures, RenewUsec now)
{
        bool temporary = response && response->status >= 500 && failures <= MAX_TEMPORARY;
        RenewUsec pause = temporary ? USEC_PER_MIN << (MAX(failures, 1U) - 1) : DEFAULT_POLL;
        RenewUsec asked = response ? header_retry_after(response, now) : 0;

        return MIN(MAX(usec_add(now, pause), asked), usec_add(now, MAX_POLL));
}

/* --- the instant ------------------------------------------------------------------------------ */

RENEW_PUBLIC RenewUsec renew_renewal_latest(RenewUsec not_before, RenewUsec not_after)
{
        RenewUsec lifetime = usec_sub(not_after, not_before);

        return not_after - lifetime / (lifetime < 10 * USEC_PER_DAY ? 4 : 6);
}

RENEW_PUBLIC RenewUsec renew_renewal_pick(
                const RenewRenewalInfo *info, RenewUsec lifetime, RenewUsec now, uint64_t random)
{
        RenewUsec width = info->end - info->start, at, spread;

        at = info->start + (RenewUsec) ((unsigned __int128) width * (random >> 32) >> 32);
        if (at > now)
                return at;
        spread = MIN(MAX_SPREAD, lifetime / 50);
        if (info->end > now) /* still inside: it counts as the CA's own wish only until the end */
                spread = MIN(spread, (info->end - now) / 2);
        return usec_add(now,
                        (RenewUsec) ((unsigned __int128) spread * (random & UINT32_MAX) >> 32));
}
