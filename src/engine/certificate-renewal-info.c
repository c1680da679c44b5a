/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * certificate-renewal-info: asks the CA when it wants the certificate in force renewed (RFC 9773),
 * again and again as it wishes, until that certificate is replaced or has ended.
 *
 *     poll is due -> CA ready -> GET renewalInfo/ID -> window: an instant is drawn from it and kept
 *
 * What is learned only moves the plan. Whatever fails is tried again by itself and is nobody's
 * trouble: the plan by lifetime stands meanwhile.
 */

#include <renew/journal.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strv.h"
#include "engine/certificate-internal.h"
#include "engine/manager.h"

static StoreRenewalInfo *info_of(Certificate *c)
{
        return &c->remembered.renewal_info;
}

/* What is known is known of the generation in force. */
static bool info_is_current(const Certificate *c)
{
        return streq_ptr(c->remembered.renewal_info.generation, c->issued.generation);
}

uint64_t certificate_renewal_window_at(const Certificate *c)
{
        const StoreRenewalInfo *info = &c->remembered.renewal_info;

        /* A window that opens only after the end is a mistake, and no help. */
        return issued_is_set(&c->issued) && info_is_current(c) && info->start < c->issued.not_after
                               ? info->at_usec
                               : 0;
}

/* --- what is learned -------------------------------------------------------------------------- */

static void info_save(Certificate *c)
{
        certificate_save(c);
        certificate_replan(c);
        manager_notify_changed(c->manager);
}

static void info_failed(Certificate *c, const RenewResponse *response, const char *why)
{
        StoreRenewalInfo *info = info_of(c);
        uint64_t now = clock_realtime_usec();

        if (info->failures < UINT32_MAX)
                info->failures++;
        info->poll_usec = renew_renewal_info_retry_at(response, info->failures, now);
        if (info->failures == 1)
                certificate_log(c, LOG_INFO, NULL, "%s suggests no time for its renewal: %s",
                                ca_name(c->ca), why);
        info_save(c);
}

static void info_tell(const Certificate *c, const RenewRenewalInfo *got, bool past)
{
        char start[TIMESTAMP_MAX], end[TIMESTAMP_MAX];
        const char *url = got->explanation_url;

        certificate_log(c, past || url ? LOG_WARNING : LOG_INFO, NULL,
                        "%s suggests to renew it between %s and %s%s%s%s", ca_name(c->ca),
                        timestamp_format(start, got->start), timestamp_format(end, got->end),
                        past ? ", which is over: it is renewed now" : "", url ? ". See " : "",
                        url ? url : "");
}

/* Drawing again at every poll would draw too early, or, where the window is always past, never. */
static void info_take(Certificate *c, const RenewRenewalInfo *got, uint64_t now)
{
        StoreRenewalInfo *info = info_of(c);
        bool past = got->end <= now, was_past = info->at_usec > 0 && info->end <= now;
        bool changed = got->start != info->start || got->end != info->end;

        if ((changed && !(past && was_past)) ||
                        (got->explanation_url &&
                                        !streq_ptr(got->explanation_url, info->explanation_url)))
                info_tell(c, got, past);
        if (changed && !(past && was_past))
                info->at_usec = renew_renewal_pick(got,
                                usec_sub(c->issued.not_after, c->issued.not_before), now,
                                random_u64());
        info->start = got->start;
        info->end = got->end;
        info->poll_usec = got->poll_at;
        info->failures = 0;
        free(info->explanation_url);
        info->explanation_url = got->explanation_url ? strdup(got->explanation_url) : NULL;
}

/* --- asking ----------------------------------------------------------------------------------- */

static void on_answer(const RenewResponse *response, const char *failure, void *userdata)
{
        Certificate *c = userdata;
        uint64_t now = clock_realtime_usec();
        RenewRenewalInfo got = {};
        int r = response ? renew_renewal_info_read(response, now, &got) : 0;

        if (!response)
                info_failed(c, NULL, failure);
        else if (r != 0)
                info_failed(c, response, r < 0 ? strerror(-r) : "the answer has no window");
        else {
                info_take(c, &got, now);
                info_save(c);
        }
        renew_renewal_info_done(&got);
}

static void on_ca_ready(const Trouble *trouble, void *userdata)
{
        Certificate *c = userdata;
        const RenewRequest *request;
        int r;

        if (trouble) {
                info_failed(c, NULL, trouble->detail);
                return;
        }
        r = renew_session_renewal_info_request(ca_session(c->ca), c->issued.ari_id, &request);
        if (r >= 0)
                r = ca_send(c->ca, &c->info_request, request, on_answer, c);
        if (r == -ENOTSUP) {
                /* It has none; the directory is looked at again once a day. */
                info_of(c)->start = info_of(c)->end = info_of(c)->at_usec = 0;
                info_of(c)->poll_usec = usec_add(clock_realtime_usec(), USEC_PER_DAY);
                info_save(c);
        } else if (r < 0)
                info_failed(c, NULL, strerror(-r));
}

bool certificate_renewal_info_is_under_way(const Certificate *c)
{
        return c->info_waiter.list || c->info_request.transfer;
}

/* The CA that issued it is asked, and nobody else would know it. */
static bool may_ask(const Certificate *c, uint64_t now)
{
        return c->section && !c->read_only && issued_is_set(&c->issued) && c->issued.ari_id &&
               c->issued.not_after > now && streq_ptr(c->remembered.ca, c->section->ca->name) &&
               !certificate_renewal_info_is_under_way(c) && !c->issuance;
}

uint64_t certificate_renewal_info_deadline(const Certificate *c, uint64_t now)
{
        if (!may_ask(c, now))
                return USEC_INFINITY;
        return info_is_current(c) ? c->remembered.renewal_info.poll_usec : now;
}

void certificate_renewal_info_on_deadline(Certificate *c, uint64_t now)
{
        StoreRenewalInfo *info = info_of(c);

        if (certificate_renewal_info_deadline(c, now) > now)
                return;
        if (!info_is_current(c)) {
                store_renewal_info_done(info);
                info->generation = strdup(c->issued.generation);
                if (!info->generation)
                        return;
        }
        ca_wait(c->ca, &c->info_waiter, on_ca_ready, c);
}

/* No CA is asked less than daily: a time beyond that is another clock's, and so may be the instant
 * that was drawn. */
bool certificate_renewal_info_follow_clock(Certificate *c, uint64_t now)
{
        if (info_of(c)->poll_usec <= usec_add(now, USEC_PER_DAY))
                return false;
        store_renewal_info_done(info_of(c));
        return true;
}

void certificate_renewal_info_cancel(Certificate *c)
{
        ca_wait_cancel(&c->info_waiter);
        ca_request_cancel(&c->info_request);
}

/* --- the order that follows ------------------------------------------------------------------- */

const char *certificate_replaces(const Certificate *c)
{
        if (!issued_is_set(&c->issued) || !streq_ptr(c->remembered.ca, c->section->ca->name))
                return NULL;
        STRV_FOREACH (name, c->section->names)
                if (strv_contains(c->issued.names, *name))
                        return c->issued.ari_id;
        return NULL; /* a certificate of other names has no predecessor */
}
