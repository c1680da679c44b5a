/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ca: drives a session (renew/session.h) until the account is ready, for whoever waits.
 *
 *     ca_wait() -> load or make the account's key -> step the session: SEND, SAVE, WAIT -> DONE,
 * FAILED
 *
 * All of it happens when the first certificate wants it, never at the start: renewd is ready while
 * CAs are dead. A failure is told to all who wait at that moment, and the next one to come tries
 * again. Owned by the Manager and by each Issuance, by reference.
 */

#include <stdarg.h>
#include <stdio.h>
#include <utlist.h>

#include <renew/journal.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/strv.h"
#include "config.h"
#include "engine/ca.h"

struct Ca {
        unsigned n_ref;
        sd_event *event;
        Store *store;
        Config *config;
        const ConfigCa *section;

        /* the account */
        HttpOrigin *origin;
        RenewKey *key;
        RenewSession *session;
        bool ready_before; /* told in the log once, not a state: the session knows its own */

        Pace pace;

        /* what is under way */
        CaWaiter *waiters;
        KeyJob *key_job;
        CaRequest request;
        sd_event_source *again; /* drives on: at once, or when a WAIT is over */
};

static int on_again(sd_event_source *s, uint64_t usec, void *userdata);
static void ca_advance(Ca *ca);

int ca_new(const CaOptions *options, Ca **ret)
{
        _cleanup_(ca_unrefp) Ca *ca = calloc(1, sizeof(*ca));
        int r;

        if (!ca)
                return -ENOMEM;
        *ca = (Ca){
                .n_ref = 1,
                .event = options->event,
                .store = options->store,
                .config = config_ref(options->config),
                .section = options->section,
        };
        r = http_origin_new(options->http, ca->section->trust_file, &ca->origin);
        if (r < 0)
                return r;
        http_origin_set_parallel(ca->origin, ca->config->daemon.max_parallel_orders);
        r = sd_event_add_time(ca->event, &ca->again, CLOCK_BOOTTIME, 0, 1, on_again, ca);
        if (r < 0)
                return r;
        (void) sd_event_source_set_enabled(ca->again, SD_EVENT_OFF);
        (void) sd_event_source_set_description(ca->again, "ca");
        *ret = TAKE_PTR(ca);
        return 0;
}

Ca *ca_ref(Ca *ca)
{
        ca->n_ref++;
        return ca;
}

Ca *ca_unref(Ca *ca)
{
        if (!ca || --ca->n_ref > 0)
                return NULL;
        ca_request_cancel(&ca->request);
        key_job_free(ca->key_job);
        sd_event_source_disable_unref(ca->again);
        renew_session_unref(ca->session);
        renew_key_unref(ca->key);
        http_origin_free(ca->origin);
        config_unref(ca->config);
        free(ca);
        return NULL;
}

const char *ca_name(const Ca *ca)
{
        return ca->section->name;
}

Pace *ca_pace(Ca *ca)
{
        return &ca->pace;
}

RenewSession *ca_session(Ca *ca)
{
        return ca->session;
}

const RenewKey *ca_account_key(const Ca *ca)
{
        return ca->key;
}

/* PreferredChain= and AccountKey= are read when they are needed and disturb nothing. */
bool ca_adopt(Ca *ca, Config *config, const ConfigCa *section)
{
        const ConfigCa *old = ca->section;

        if (!streq(old->directory, section->directory) ||
                        !strv_equal(old->contacts, section->contacts) ||
                        old->agree_to_terms != section->agree_to_terms ||
                        !streq_ptr(old->trust_file, section->trust_file) ||
                        !streq_ptr(old->eab_key_id, section->eab_key_id) ||
                        !streq_ptr(old->eab_hmac_key, section->eab_hmac_key) ||
                        !streq_ptr(ca->config->daemon.user_agent, config->daemon.user_agent))
                return false;
        config_ref(config);
        config_unref(ca->config);
        ca->config = config;
        ca->section = section;
        http_origin_set_parallel(ca->origin, config->daemon.max_parallel_orders);
        return true;
}

/* --- requests --------------------------------------------------------------------------------- */

static void on_transfer(const HttpClientResponse *response, const char *failure, void *userdata)
{
        CaRequest *slot = userdata;
        RenewHeader headers[LIMIT_HTTP_N_HEADERS];
        RenewResponse answer;

        slot->transfer = NULL;
        if (!response) {
                slot->answer(NULL, failure, slot->userdata);
                return;
        }
        answer = (RenewResponse){
                .status = response->status,
                .headers = headers,
                .n_headers = MIN(response->n_headers, ELEMENTSOF(headers)),
                .body = response->body,
                .body_size = response->body_size,
        };
        for (size_t i = 0; i < answer.n_headers; i++)
                headers[i] = (RenewHeader){ response->headers[i].name, response->headers[i].value };
        slot->answer(&answer, NULL, slot->userdata);
}

int ca_send(Ca *ca, CaRequest *slot, const RenewRequest *request, CaAnswer answer, void *userdata)
{
        HttpHeader headers[LIMIT_HTTP_N_HEADERS];
        HttpClientRequest r = {
                .method = request->method,
                .url = request->url,
                .headers = headers,
                .n_headers = MIN(request->n_headers, ELEMENTSOF(headers)),
                .body = request->body,
                .body_size = request->body_size,
        };

        assert(!slot->transfer);
        for (size_t i = 0; i < r.n_headers; i++)
                headers[i] = (HttpHeader){ request->headers[i].name, request->headers[i].value };
        slot->answer = answer;
        slot->userdata = userdata;
        return http_client_send(ca->origin, &r, on_transfer, slot, &slot->transfer);
}

void ca_request_cancel(CaRequest *slot)
{
        slot->transfer = http_transfer_cancel(slot->transfer);
}

/* --- who waits -------------------------------------------------------------------------------- */

/* Drives on from the loop, after this span. */
static void ca_again(Ca *ca, uint64_t span_usec)
{
        (void) sd_event_source_set_time(ca->again, usec_add(clock_boottime_usec(), span_usec));
        (void) sd_event_source_set_enabled(ca->again, SD_EVENT_ONESHOT);
}

static bool ca_is_driving(const Ca *ca)
{
        return ca->request.transfer || ca->key_job;
}

void ca_wait(Ca *ca, CaWaiter *waiter, CaReady ready, void *userdata)
{
        assert(!waiter->list);
        *waiter = (CaWaiter){ .ready = ready, .userdata = userdata, .list = &ca->waiters };
        if (ca->session && !ca->waiters && renew_session_problem(ca->session))
                renew_session_restart(ca->session);
        DL_APPEND(ca->waiters, waiter);
        if (!ca_is_driving(ca))
                ca_again(ca, 0);
}

void ca_wait_cancel(CaWaiter *waiter)
{
        if (!waiter->list)
                return;
        DL_DELETE(*waiter->list, waiter);
        waiter->list = NULL;
}

/* Tells all who wait now; those who come meanwhile begin a new round. */
static void ca_tell(Ca *ca, const Trouble *trouble)
{
        CaWaiter *told = ca->waiters, *w;

        ca_ref(ca);
        ca->waiters = NULL;
        DL_FOREACH (told, w)
                w->list = &told;
        while ((w = told)) {
                ca_wait_cancel(w);
                w->ready(trouble, w->userdata);
        }
        ca_unref(ca);
}

static void ca_fail(
                Ca *ca, RenewRetry retry, const char *type, const char *where, const char *detail)
{
        _cleanup_trouble_ Trouble trouble = {};

        trouble_set(&trouble, retry, type, where, "%s", detail);
        ca_tell(ca, &trouble);
}

static void _printf_(4, 5)
                ca_log(const Ca *ca, int level, const char *message_id, const char *format, ...)
{
        _cleanup_log_fields_ LogFields fields = {};
        char text[LIMIT_LOG_MESSAGE];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        log_field(&fields, RENEW_FIELD_CA, ca_name(ca));
        log_record(level, message_id, &fields, "%s: %s", ca_name(ca), text);
}

/* --- the account ------------------------------------------------------------------------------ */

/* state may be NULL: the account is then found by its key, or made. */
static int ca_open_session(Ca *ca, const char *state)
{
        const ConfigCa *s = ca->section;
        const char *user_agent = ca->config->daemon.user_agent;
        RenewSessionOptions options = {
                .directory_url = s->directory,
                .user_agent = user_agent ? user_agent : "renewd/" RENEWD_VERSION,
                .contacts = (const char *const *) s->contacts,
                .state = state,
                .eab_key_id = s->eab_key_id,
                .eab_hmac_key = s->eab_hmac_key,
                .terms_agreed = s->agree_to_terms,
                .reregister = !s->preset,
        };
        int r = renew_session_new(&options, ca->key, &ca->session);

        if (r == RENEW_E_BAD_STATE) {
                ca_log(ca, LOG_WARNING, RENEW_MESSAGE_STATE_DAMAGED,
                                "what was remembered of the account is damaged; it is found again "
                                "by its key");
                options.state = NULL;
                r = renew_session_new(&options, ca->key, &ca->session);
        }
        return r;
}

static void on_account_key(int error, RenewKey *key_take, void *userdata)
{
        Ca *ca = userdata;
        int r = error;

        ca->key_job = key_job_free(ca->key_job);
        if (r >= 0)
                r = store_account_create(ca->store, ca_name(ca), ca->section->directory, key_take);
        if (r < 0) {
                renew_key_unref(key_take);
                ca_fail(ca, RENEW_RETRY_NETWORK, "disk", "account key", strerror(-r));
                return;
        }
        ca->key = key_take;
        ca_advance(ca);
}

/* Return: 1 when the session is there, 0 when a key is being made, -errno. */
static int ca_ensure_session(Ca *ca)
{
        StoreAccount account = {};
        _cleanup_free_ char *warning = NULL;
        int r;

        if (ca->session)
                return 1;
        if (!ca->key) {
                r = store_account_load(
                                ca->store, ca_name(ca), ca->section->directory, &account, &warning);
                if (warning)
                        ca_log(ca, LOG_WARNING, RENEW_MESSAGE_STATE_DAMAGED, "%s", warning);
                if (r == -ENOENT)
                        return key_job_start(ca->event, ca->section->account_key, on_account_key,
                                        ca, &ca->key_job);
                if (r < 0)
                        return r;
                ca->key = renew_key_ref(account.key);
        }
        r = ca_open_session(ca, account.state);
        store_account_done(&account);
        return r < 0 ? r : 1;
}

/* --- driving the session ---------------------------------------------------------------------- */

static void on_answer(const RenewResponse *response, const char *failure, void *userdata)
{
        Ca *ca = userdata;
        uint64_t now = clock_realtime_usec();
        int r;

        if (response)
                r = renew_session_feed_response(ca->session, now, response);
        else
                r = renew_session_feed_failure(ca->session, now, failure);
        if (r < 0)
                ca_fail(ca, RENEW_RETRY_NETWORK, "internal", "account", strerror(-r));
        else
                ca_advance(ca);
}

static int ca_save(Ca *ca, const char *state)
{
        int r = store_account_save(ca->store, ca_name(ca), ca->key, state);

        return r < 0 ? r : renew_session_feed_saved(ca->session);
}

static void ca_ready(Ca *ca)
{
        if (!ca->ready_before)
                ca_log(ca, LOG_INFO, RENEW_MESSAGE_ACCOUNT_READY, "account %s is ready",
                                renew_session_account_url(ca->session));
        ca->ready_before = true;
        ca_tell(ca, NULL);
}

static void ca_failed(Ca *ca)
{
        _cleanup_trouble_ Trouble trouble = {};

        trouble_from_problem(&trouble, renew_session_problem(ca->session));
        ca_tell(ca, &trouble);
}

/* One step. Return: 1 when another can follow at once, 0 when something is awaited or all were
 * told, -errno. */
static int ca_step(Ca *ca)
{
        uint64_t now = clock_realtime_usec();
        RenewStep step;
        int r = renew_session_step(ca->session, now, &step);

        if (r < 0)
                return r;
        switch (step.action) {
        case RENEW_ACTION_SEND:
                return ca_send(ca, &ca->request, step.request, on_answer, ca);
        case RENEW_ACTION_SAVE:
                r = ca_save(ca, step.state);
                return r < 0 ? r : 1;
        case RENEW_ACTION_WAIT:
                ca_again(ca, usec_sub(step.until, now));
                return 0;
        case RENEW_ACTION_DONE:
                ca_ready(ca);
                return 0;
        case RENEW_ACTION_FAILED:
                ca_failed(ca);
                return 0;
        case RENEW_ACTION_PRESENT:
        case RENEW_ACTION_RETRACT:
        case RENEW_ACTION_SESSION:
                break; /* an order's */
        }
        assert_not_reached();
}

static void ca_advance(Ca *ca)
{
        int r;

        if (ca_is_driving(ca) || !ca->waiters)
                return;
        r = ca_ensure_session(ca);
        if (r == -EINVAL)
                ca_fail(ca, RENEW_RETRY_HELD, "configuration", "account",
                                "Contact= or EabKeyFile= of this CA is not usable");
        else if (r < 0)
                ca_fail(ca, RENEW_RETRY_NETWORK, "disk", "account", strerror(-r));
        if (r <= 0)
                return;
        do
                r = ca_step(ca);
        while (r > 0);
        if (r < 0)
                ca_fail(ca, RENEW_RETRY_NETWORK, "internal", "account", strerror(-r));
}

static int on_again(sd_event_source *s, uint64_t usec, void *userdata)
{
        ca_advance(userdata);
        return 0;
}
