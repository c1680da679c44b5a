/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * issuance: one attempt, in this order, which is what makes a crash at any point harmless:
 *
 *     account ready -> look ahead (preflight.c) -> key made -> key and names on disk (order/)
 *     -> order: SEND, SAVE, PRESENT, WAIT …
 *     -> chain checked -> generation complete on disk -> live/NAME switched -> order/ removed
 *
 * order/ and what is made of one from an earlier attempt: issuance-order.c. Owned by its
 * Certificate.
 */

#include "base/clock.h"
#include "challenge/webroot.h"
#include "engine/issuance-internal.h"

static void issuance_advance(Issuance *i);

static ChallengeSolver *issuance_solver(const Issuance *i)
{
        return i->webroot ? i->webroot : i->listener;
}

const ConfigCertificate *issuance_section(const Issuance *i)
{
        return i->section;
}

const char *issuance_order_url(const Issuance *i)
{
        return i->order ? renew_order_url(i->order) : NULL;
}

const char *issuance_order_state(const Issuance *i)
{
        if (i->order)
                return renew_order_state(i->order);
        if (i->preflight)
                return "looking-ahead";
        return i->key_job ? "making-key" : "finding-account";
}

/* --- the end ---------------------------------------------------------------------------------- */

static int on_end(sd_event_source *s, void *userdata)
{
        Issuance *i = userdata;

        i->done(i->generation, trouble_is_set(&i->trouble) ? &i->trouble : NULL, i->userdata);
        return 0;
}

/* Tells the owner from the loop, so that nothing is freed under our feet. */
static void issuance_end(Issuance *i)
{
        (void) sd_event_source_set_enabled(i->timer, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(i->end, SD_EVENT_ONESHOT);
}

static void issuance_fail_errno(Issuance *i, int error, const char *where)
{
        if (error == -ENOSPC || error == -EDQUOT || error == -EROFS || error == -EIO ||
                        error == -EACCES)
                trouble_set(&i->trouble, RENEW_RETRY_NETWORK, "disk", where,
                                "cannot write to %s: %s", store_path(i->store), strerror(-error));
        else
                trouble_set(&i->trouble, RENEW_RETRY_NETWORK, "internal", where, "%s",
                                strerror(-error));
        issuance_end(i);
}

/* --- staging ---------------------------------------------------------------------------------- */

/*
 * The id of what is in force if it is this very certificate (a crash came between the switch and
 * the end of order/), else NULL. The caller frees it.
 */
static char *issuance_find_in_force(const Issuance *i, const RenewChain *chain)
{
        StoreGeneration g = {};
        _cleanup_free_ char *warning = NULL;
        char *id = NULL;

        if (store_generation_load(i->store, i->section->name, &g, &warning) < 0)
                return NULL;
        if (streq(renew_chain_fingerprint(g.chain), renew_chain_fingerprint(chain)))
                id = TAKE_PTR(g.id);
        store_generation_done(&g);
        return id;
}

static int issuance_stage(Issuance *i, const RenewChain *chain)
{
        const char *name = i->section->name;
        _cleanup_free_ char *id = issuance_find_in_force(i, chain);
        int r;

        if (!id) {
                r = store_generation_write(
                                i->store, name, chain, i->stored.key, clock_realtime_usec(), &id);
                if (r < 0)
                        return r;
        }
        r = store_generation_switch(i->store, name, id);
        if (r < 0)
                return r;
        /* What stays of order/ is recognised by the fingerprint above. */
        (void) store_order_remove(i->store, name);
        i->generation = TAKE_PTR(id);
        return 0;
}

/* --- driving the order ------------------------------------------------------------------------ */

static void on_answer(const RenewResponse *response, const char *failure, void *userdata)
{
        Issuance *i = userdata;
        uint64_t now = clock_realtime_usec();
        int r;

        if (response)
                r = renew_order_feed_response(i->order, now, response);
        else
                r = renew_order_feed_failure(i->order, now, failure);
        if (r < 0)
                issuance_fail_errno(i, r, "order");
        else
                issuance_advance(i);
}

static void on_session_ready(const Trouble *trouble, void *userdata)
{
        Issuance *i = userdata;
        int r;

        if (!trouble) {
                issuance_advance(i);
                return;
        }
        /* A trouble of our own (the disk), of which the session knows nothing. */
        if (!renew_session_problem(ca_session(i->ca))) {
                trouble_copy(&i->trouble, trouble);
                issuance_end(i);
                return;
        }
        r = renew_order_feed_session_failed(i->order);
        if (r < 0)
                issuance_fail_errno(i, r, "account");
        else
                issuance_advance(i);
}

static int issuance_save(Issuance *i, const char *state)
{
        char *copy = strdup(state);
        int r;

        if (!copy)
                return -ENOMEM;
        free(i->stored.state);
        i->stored.state = copy;
        r = store_order_save(i->store, i->section->name, &i->stored);
        return r < 0 ? r : renew_order_feed_saved(i->order);
}

static int issuance_present(Issuance *i, const RenewChallenge *challenge)
{
        _cleanup_free_ char *reason = NULL;
        int r = challenge_present(issuance_solver(i), challenge, &reason);

        if (r == -ENOMEM)
                return r;
        if (r < 0 && !reason)
                reason = strdup(strerror(-r));
        return renew_order_feed_presented(i->order, clock_realtime_usec(), r < 0 ? reason : NULL);
}

static void issuance_wait(Issuance *i, uint64_t span_usec)
{
        (void) sd_event_source_set_time(i->timer, usec_add(clock_boottime_usec(), span_usec));
        (void) sd_event_source_set_enabled(i->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        issuance_advance(userdata);
        return 0;
}

static void issuance_done(Issuance *i)
{
        int r = issuance_stage(i, renew_order_chain(i->order));

        /* The order stays: the next attempt downloads the same certificate again and orders
         * nothing. */
        if (r < 0)
                issuance_fail_errno(i, r, "new certificate");
        else
                issuance_end(i);
}

static void issuance_failed(Issuance *i)
{
        trouble_from_problem(&i->trouble, renew_order_problem(i->order));
        if (renew_order_is_over(i->order))
                (void) store_order_remove(i->store, i->section->name);
        issuance_end(i);
}

/* One step. Return: 1 when another can follow at once, 0 when something is awaited or it ended,
 * -errno. */
static int issuance_step(Issuance *i)
{
        uint64_t now = clock_realtime_usec();
        RenewStep step;
        int r = renew_order_step(i->order, now, &step);

        if (r < 0)
                return r;
        switch (step.action) {
        case RENEW_ACTION_SEND:
                return ca_send(i->ca, &i->request, step.request, on_answer, i);
        case RENEW_ACTION_SAVE:
                r = issuance_save(i, step.state);
                return r < 0 ? r : 1;
        case RENEW_ACTION_PRESENT:
                r = issuance_present(i, step.challenge);
                return r < 0 ? r : 1;
        case RENEW_ACTION_RETRACT:
                challenge_retract(issuance_solver(i), step.challenge);
                r = renew_order_feed_retracted(i->order);
                return r < 0 ? r : 1;
        case RENEW_ACTION_WAIT:
                issuance_wait(i, usec_sub(step.until, now));
                return 0;
        case RENEW_ACTION_SESSION:
                ca_wait(i->ca, &i->waiter, on_session_ready, i);
                return 0;
        case RENEW_ACTION_DONE:
                issuance_done(i);
                return 0;
        case RENEW_ACTION_FAILED:
                issuance_failed(i);
                return 0;
        }
        assert_not_reached();
}

static void issuance_advance(Issuance *i)
{
        int r;

        do
                r = issuance_step(i);
        while (r > 0);
        if (r < 0)
                issuance_fail_errno(i, r, "order");
}

static bool issuance_has_ended(const Issuance *i)
{
        return i->generation || trouble_is_set(&i->trouble);
}

void issuance_validation_seen(Issuance *i, const char *token)
{
        if (!i->order || issuance_has_ended(i))
                return;
        renew_order_feed_validation_seen(i->order, clock_realtime_usec(), token);
        /* From the loop: we are inside the listener's handler, whose table the next step may
         * change. */
        if (!i->request.transfer && !i->waiter.list)
                issuance_wait(i, 0);
}

/* --- the order and the key -------------------------------------------------------------------- */

static void issuance_open_order(Issuance *i)
{
        int r = issuance_order_open(i, &i->stored, &i->order);

        if (r == RENEW_E_BAD_STATE) {
                free(i->stored.state);
                i->stored.state = NULL;
                r = issuance_order_open(i, &i->stored, &i->order);
        }
        if (r == -EINVAL) {
                trouble_set(&i->trouble, RENEW_RETRY_HELD, "configuration", "order",
                                "these names cannot be ordered with this key");
                issuance_end(i);
        } else if (r < 0) {
                issuance_fail_errno(i, r, "order");
        } else {
                issuance_advance(i);
        }
}

static void issuance_begin_order(Issuance *i, RenewKey *key_take)
{
        int r = issuance_order_describe(i, key_take);

        /* The key is on disk before the CA hears of the order: a certificate without its key is
         * lost. */
        if (r >= 0)
                r = store_order_begin(i->store, i->section->name, &i->stored);
        if (r < 0)
                issuance_fail_errno(i, r, "order");
        else
                issuance_open_order(i);
}

static void on_key(int error, RenewKey *key_take, void *userdata)
{
        Issuance *i = userdata;

        i->key_job = key_job_free(i->key_job);
        if (error < 0)
                issuance_fail_errno(i, error, "private key");
        else
                issuance_begin_order(i, key_take);
}

/* ReuseKey=: the key in force, if it is of the configured kind. NULL: a new one is wanted. */
static RenewKey *issuance_reusable_key(const Issuance *i)
{
        StoreGeneration g = {};
        _cleanup_free_ char *warning = NULL;
        RenewKey *key = NULL;

        if (!i->section->reuse_key ||
                        store_generation_load(i->store, i->section->name, &g, &warning) < 0)
                return NULL;
        if (renew_key_type(g.key) == i->section->key)
                key = renew_key_ref(g.key);
        store_generation_done(&g);
        return key;
}

static void issuance_make_key(Issuance *i)
{
        RenewKey *key = issuance_reusable_key(i);
        int r;

        if (key) {
                issuance_begin_order(i, key);
                return;
        }
        r = key_job_start(i->event, i->section->key, on_key, i, &i->key_job);
        if (r < 0)
                issuance_fail_errno(i, r, "private key");
}

static void on_preflight_done(const PreflightFindings *findings, void *userdata)
{
        Issuance *i = userdata;

        i->findings(findings, i->userdata);
        i->preflight = preflight_free(i->preflight);
        issuance_make_key(i);
}

/* A look ahead that cannot be begun is left out: it would only have warned. */
static void issuance_look_ahead(Issuance *i)
{
        RenewSession *session = ca_session(i->ca);
        PreflightOptions options = {
                .event = i->event,
                .http = i->http,
                .solver = issuance_solver(i),
                .config = i->config,
                .section = i->section,
                .state_directory = store_path(i->store),
                .caa_identities = renew_session_caa_identities(session),
                .account_url = renew_session_account_url(session),
                .now_usec = clock_realtime_usec(),
                .ca_now_usec = ca_now(i->ca),
        };

        if (!i->section->preflight ||
                        preflight_start(&options, on_preflight_done, i, &i->preflight) < 0)
                issuance_make_key(i);
}

static void on_account_ready(const Trouble *trouble, void *userdata)
{
        Issuance *i = userdata;
        int r;

        if (trouble) {
                trouble_copy(&i->trouble, trouble);
                issuance_end(i);
                return;
        }
        r = issuance_order_resume(i);
        if (r < 0)
                issuance_fail_errno(i, r, "order");
        else if (r > 0)
                issuance_open_order(i);
        else
                issuance_look_ahead(i);
}

/* --- life ------------------------------------------------------------------------------------- */

static int issuance_add_sources(Issuance *i)
{
        int r = sd_event_add_time(
                        i->event, &i->timer, CLOCK_BOOTTIME, 0, USEC_PER_MSEC, on_timer, i);

        if (r < 0)
                return r;
        (void) sd_event_source_set_description(i->timer, "issuance-wait");
        (void) sd_event_source_set_enabled(i->timer, SD_EVENT_OFF);
        r = sd_event_add_defer(i->event, &i->end, on_end, i);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(i->end, "issuance-end");
        return sd_event_source_set_enabled(i->end, SD_EVENT_OFF);
}

static int issuance_set_replaces(Issuance *i, const IssuanceOptions *options)
{
        if (!options->replaces || !options->replaces_account)
                return 0;
        i->replaces = strdup(options->replaces);
        i->replaces_account = strdup(options->replaces_account);
        return i->replaces && i->replaces_account ? 0 : -ENOMEM;
}

int issuance_start(
                const IssuanceOptions *options, IssuanceDone done, void *userdata, Issuance **ret)
{
        Issuance *i = calloc(1, sizeof(*i));
        int r;

        if (!i)
                return -ENOMEM;
        *i = (Issuance){
                .event = options->event,
                .store = options->store,
                .ca = ca_ref(options->ca),
                .config = config_ref(options->config),
                .section = options->section,
                .listener = options->listener,
                .http = options->http,
                .findings = options->findings,
                .done = done,
                .userdata = userdata,
        };
        r = issuance_add_sources(i);
        if (r >= 0)
                r = issuance_set_replaces(i, options);
        if (r >= 0 && i->section->webroot)
                r = webroot_new(i->section->webroot, &i->webroot);
        if (r < 0) {
                issuance_free(i);
                return r;
        }
        ca_wait(i->ca, &i->waiter, on_account_ready, i);
        *ret = i;
        return 0;
}

Issuance *issuance_free(Issuance *i)
{
        if (!i)
                return NULL;
        ca_wait_cancel(&i->waiter);
        ca_request_cancel(&i->request);
        preflight_free(i->preflight);
        key_job_free(i->key_job);
        if (i->order)
                issuance_order_give_up(i->order, issuance_solver(i));
        renew_order_free(i->order);
        store_order_done(&i->stored);
        challenge_solver_free(i->webroot);
        sd_event_source_disable_unref(i->timer);
        sd_event_source_disable_unref(i->end);
        trouble_done(&i->trouble);
        free(i->generation);
        free(i->replaces);
        free(i->replaces_account);
        ca_unref(i->ca);
        config_unref(i->config);
        free(i);
        return NULL;
}
