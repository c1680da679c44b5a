/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RenewSession: one CA as we know it. Shared by reference: the engine holds one for each CA, each
 * order another.
 *
 *     FETCHING-DIRECTORY --> FINDING-ACCOUNT --> CREATING-ACCOUNT
 *              |                    |                    |
 *              | account known      +------> SAVING <----+
 *              v                               |
 *            READY <---------------------------+        any --> FAILED
 *
 * An account is looked for by its key before one is created, so that a lost file costs a question
 * and not an account. A directory that is a day old is fetched again; if that fails, the old one
 * serves on.
 */

#include "acme/session.h"

#include "acme/account.h"
#include "acme/header.h"
#include "acme/json-util.h"
#include "acme/problem.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/timestamp.h"

#define DIRECTORY_LIFETIME USEC_PER_DAY
#define DIRECTORY_RETRY    USEC_PER_HOUR

typedef enum SessionState {
        SESSION_FETCHING_DIRECTORY,
        SESSION_FINDING_ACCOUNT,
        SESSION_CREATING_ACCOUNT,
        SESSION_SAVING,
        SESSION_READY,
        SESSION_FAILED,
} SessionState;

#define TO(state) (1U << SESSION_##state)
static const unsigned session_edges[] = {
        [SESSION_FETCHING_DIRECTORY] = TO(FINDING_ACCOUNT) | TO(READY) | TO(FAILED),
        [SESSION_FINDING_ACCOUNT] = TO(CREATING_ACCOUNT) | TO(SAVING) | TO(FAILED) |
                                    TO(FETCHING_DIRECTORY),
        [SESSION_CREATING_ACCOUNT] = TO(SAVING) | TO(FAILED) | TO(FETCHING_DIRECTORY),
        [SESSION_SAVING] = TO(READY) | TO(FETCHING_DIRECTORY),
        [SESSION_READY] = TO(FETCHING_DIRECTORY),
        [SESSION_FAILED] = TO(FETCHING_DIRECTORY),
};
#undef TO

struct RenewSession {
        unsigned n_ref;
        SessionState state;

        /* what the operator wants */
        char *directory_url;
        char *user_agent;
        bool terms_agreed;
        bool reregister;
        bool plain_http;

        /* what is known of the CA */
        Directory directory;
        RenewUsec directory_fetched; /* 0: not yet, or to be fetched again */
        NoncePool nonces;

        /* what it knows of us */
        RenewKey *key;
        Account account;
        bool forgotten; /* there was an account, and the CA does not know it any more */
        RenewUsec account_since;

        Exchange exchange;
        Exchange inquiry; /* the last request for renewal information */
        char *saved;      /* text of the SAVE that is wanted */
        RenewProblem *problem;
};

static void session_set_state(RenewSession *s, SessionState state)
{
        assert(s->state == state || session_edges[s->state] & 1U << state);
        s->state = state;
}

/* --- its life --------------------------------------------------------------------------------- */

static RenewSession *session_free(RenewSession *s)
{
        if (!s)
                return NULL;
        exchange_done(&s->exchange);
        exchange_done(&s->inquiry);
        account_done(&s->account);
        directory_done(&s->directory);
        nonce_pool_done(&s->nonces);
        (void) renew_key_unref(s->key);
        (void) problem_free(s->problem);
        free(s->saved);
        free(s->directory_url);
        free(s->user_agent);
        free(s);
        return NULL;
}
DEFINE_CLEANUP(RenewSession, session_free)

static int session_init_account(RenewSession *s, const RenewSessionOptions *options)
{
        int r = 0;

        for (const char *const *c = options->contacts; r == 0 && c && *c; c++)
                r = account_add_contact(&s->account, *c);
        if (r == 0 && options->eab_key_id && options->eab_hmac_key)
                r = account_set_binding(&s->account, options->eab_key_id, options->eab_hmac_key);
        if (r == 0 && options->state)
                r = account_load(&s->account, s->directory_url, s->plain_http, options->state);
        return r;
}

RENEW_PUBLIC int renew_session_new(const RenewSessionOptions *options, RenewKey *account_key,
                RenewSession **ret_session)
{
        _cleanup_(session_freep) RenewSession *s = NULL;
        int r;

        if (!url_is_usable(options->directory_url, options->allow_plain_http))
                return -EINVAL;
        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->n_ref = 1;
        s->key = renew_key_ref(account_key);
        s->terms_agreed = options->terms_agreed;
        s->reregister = options->reregister;
        s->plain_http = options->allow_plain_http;
        s->directory_url = strdup(options->directory_url);
        s->user_agent = strdup(options->user_agent);
        if (!s->directory_url || !s->user_agent)
                return -ENOMEM;
        r = session_init_account(s, options);
        if (r != 0)
                return r;
        *ret_session = TAKE_PTR(s);
        return 0;
}

RENEW_PUBLIC RenewSession *renew_session_ref(RenewSession *session)
{
        assert(session->n_ref > 0);
        session->n_ref++;
        return session;
}

RENEW_PUBLIC RenewSession *renew_session_unref(RenewSession *session)
{
        if (session && --session->n_ref == 0)
                (void) session_free(session);
        return NULL;
}

/* --- failing and beginning anew --------------------------------------------------------------- */

static int session_fail(RenewSession *s, RenewProblem *problem_take)
{
        if (!problem_take)
                return -ENOMEM;
        (void) problem_free(s->problem);
        s->problem = problem_take;
        exchange_done(&s->exchange);
        session_set_state(s, SESSION_FAILED);
        return 0;
}

static void session_begin(RenewSession *s)
{
        exchange_done(&s->exchange);
        s->problem = problem_free(s->problem);
        session_set_state(s, SESSION_FETCHING_DIRECTORY);
}

RENEW_PUBLIC void renew_session_restart(RenewSession *session)
{
        session->directory_fetched = 0;
        session_begin(session);
}

void session_forget_account(RenewSession *s)
{
        free(s->account.url);
        s->account.url = NULL;
        s->forgotten = true;
        s->account_since = 0;
        session_begin(s);
}

/* --- the directory ---------------------------------------------------------------------------- */

static bool session_directory_is_fresh(const RenewSession *s, RenewUsec now)
{
        return s->directory_fetched > 0 && usec_sub(now, s->directory_fetched) < DIRECTORY_LIFETIME;
}

static void session_on_directory_known(RenewSession *s)
{
        session_set_state(s, s->account.url ? SESSION_READY : SESSION_FINDING_ACCOUNT);
}

static int session_on_no_directory(RenewSession *s, RenewUsec now, RenewProblem *problem_take)
{
        if (!s->directory.new_order || !s->account.url)
                return session_fail(s, problem_take);
        /* What is due is not to wait for a fresh copy of URLs that hardly ever change. */
        (void) problem_free(problem_take);
        s->directory_fetched = usec_sub(now, DIRECTORY_LIFETIME - DIRECTORY_RETRY);
        session_on_directory_known(s);
        return 0;
}

static int session_on_directory(RenewSession *s, RenewUsec now, const RenewResponse *response)
{
        RenewProblem *problem = NULL;
        int r = directory_read(response, now, s->plain_http, &s->directory, &problem);

        if (r < 0)
                return r;
        if (r > 0)
                return session_on_no_directory(s, now, problem);
        s->directory_fetched = now;
        session_on_directory_known(s);
        return 0;
}

/* --- the account ------------------------------------------------------------------------------ */

static int session_save(RenewSession *s)
{
        free(s->saved);
        s->saved = NULL;
        session_set_state(s, SESSION_SAVING);
        return account_save(&s->account, s->directory_url, &s->saved);
}

static int session_on_account(RenewSession *s, RenewUsec now, const RenewResponse *response)
{
        const char *location = header_find(response, "Location");
        _cleanup_json_ json_t *object = NULL;
        const char *status;

        if (json_from_response(response, &object) == -ENOMEM)
                return -ENOMEM;
        status = json_object_string(object, "status");
        if (status && !streq(status, "valid"))
                return session_fail(s,
                                problem_new(RENEW_PROBLEM_CONFIGURATION, "newAccount",
                                                "the account of this key is '%s' at the CA: move "
                                                "its directory below accounts/ away to have a new "
                                                "one made",
                                                status));
        if (!location || !url_is_usable(location, s->plain_http))
                return session_fail(
                                s, problem_new(RENEW_PROBLEM_BAD_RESPONSE, "newAccount",
                                                   "the CA gave the account no URL (Location)"));
        if (replace_string(&s->account.url, location) < 0)
                return -ENOMEM;
        if (s->state == SESSION_CREATING_ACCOUNT) {
                if (s->directory.terms && replace_string(&s->account.terms, s->directory.terms) < 0)
                        return -ENOMEM;
                s->account.agreed_at = now;
                account_wipe_binding(&s->account); /* good for one account only */
        }
        s->forgotten = false;
        s->account_since = now;
        return session_save(s);
}

/* What the operator must have said before an account may be made; NULL in *ret when all is there.
 */
static int session_find_obstacle(const RenewSession *s, RenewProblem **ret)
{
        const Directory *d = &s->directory;

        *ret = NULL;
        if (s->forgotten && !s->reregister)
                *ret = problem_new(RENEW_PROBLEM_ACCOUNT_DOES_NOT_EXIST, "account",
                                "the CA does not know our account any more; if a new one is "
                                "wanted, move its directory below accounts/ away");
        else if (d->terms && !s->terms_agreed)
                *ret = problem_new(RENEW_PROBLEM_TERMS, "newAccount",
                                "the CA's terms of service need your consent: read %s and set "
                                "AgreeToTerms=yes",
                                d->terms);
        else if (d->account_binding_required && !s->account.eab_key_id)
                *ret = problem_new(RENEW_PROBLEM_EXTERNAL_ACCOUNT_REQUIRED, "newAccount",
                                "the CA wants the account bound to one of its customers: set "
                                "EabKeyId= and EabKeyFile= to what it gave you");
        else
                return 0;
        return *ret ? 0 : -ENOMEM;
}

static int session_create_account(RenewSession *s)
{
        RenewProblem *obstacle;
        int r = session_find_obstacle(s, &obstacle);

        if (r < 0)
                return r;
        if (obstacle)
                return session_fail(s, obstacle);
        session_set_state(s, SESSION_CREATING_ACCOUNT);
        return 0;
}

/* Refusals of an account are not the network's and not the validation's: somebody must act. */
static int session_on_refused(RenewSession *s, RenewProblem *problem_take)
{
        if (problem_take->type == RENEW_PROBLEM_UNAUTHORIZED ||
                        problem_take->type == RENEW_PROBLEM_UNKNOWN)
                problem_take->type = RENEW_PROBLEM_CONFIGURATION;
        return session_fail(s, problem_take);
}

/* CAs differ in how they say that there is none, above all those that want an external binding. */
static bool says_no_account(const RenewProblem *p)
{
        return p->type == RENEW_PROBLEM_ACCOUNT_DOES_NOT_EXIST ||
               p->type == RENEW_PROBLEM_EXTERNAL_ACCOUNT_REQUIRED;
}

static int session_on_account_answer(RenewSession *s, RenewUsec now, const RenewResponse *response)
{
        _cleanup_(problem_freep) RenewProblem *problem = NULL;

        if (response->status == 200 || response->status == 201)
                return session_on_account(s, now, response);
        if (response->status < 400)
                return session_fail(s, problem_new(RENEW_PROBLEM_BAD_RESPONSE, "newAccount",
                                                       "the CA answered with status %u instead of "
                                                       "200 or 201",
                                                       response->status));
        problem = problem_from_response(response, now, "newAccount");
        if (!problem)
                return -ENOMEM;
        if (s->state == SESSION_FINDING_ACCOUNT && says_no_account(problem))
                return session_create_account(s);
        return session_on_refused(s, TAKE_PTR(problem));
}

/* --- steps and events ------------------------------------------------------------------------- */

ExchangePeer session_peer(RenewSession *s)
{
        return (ExchangePeer){
                .user_agent = s->user_agent,
                .new_nonce_url = s->directory.new_nonce,
                .key = s->key,
                .kid = s->account.url,
                .nonces = &s->nonces,
        };
}

static int session_prepare(RenewSession *s)
{
        _cleanup_free_ char *payload = NULL;
        int r;

        switch (s->state) {
        case SESSION_FETCHING_DIRECTORY:
                return exchange_get(&s->exchange, s->directory_url);
        case SESSION_FINDING_ACCOUNT:
                return exchange_post(
                                &s->exchange, s->directory.new_account, account_find_payload());
        case SESSION_CREATING_ACCOUNT:
                r = account_create_payload(
                                &s->account, &s->directory, s->key, s->terms_agreed, &payload);
                return r < 0 ? r : exchange_post(&s->exchange, s->directory.new_account, payload);
        case SESSION_SAVING:
        case SESSION_READY:
        case SESSION_FAILED:
                break;
        }
        assert_not_reached();
}

RENEW_PUBLIC int renew_session_step(RenewSession *session, RenewUsec now, RenewStep *ret_step)
{
        ExchangePeer peer = session_peer(session);
        int r;

        if (session->state == SESSION_READY && !session_directory_is_fresh(session, now))
                session_begin(session);
        if (session->state == SESSION_FETCHING_DIRECTORY && exchange_is_idle(&session->exchange) &&
                        session_directory_is_fresh(session, now))
                session_on_directory_known(session);
        switch (session->state) {
        case SESSION_FETCHING_DIRECTORY:
        case SESSION_FINDING_ACCOUNT:
        case SESSION_CREATING_ACCOUNT:
                break;
        case SESSION_SAVING:
                *ret_step = (RenewStep){ .action = RENEW_ACTION_SAVE, .state = session->saved };
                return 0;
        case SESSION_READY:
                *ret_step = (RenewStep){ .action = RENEW_ACTION_DONE };
                return 0;
        case SESSION_FAILED:
                *ret_step = (RenewStep){ .action = RENEW_ACTION_FAILED };
                return 0;
        }
        if (exchange_is_idle(&session->exchange)) {
                r = session_prepare(session);
                if (r < 0)
                        return r;
        }
        return exchange_step(&session->exchange, &peer, now, ret_step);
}

static const char *session_where(const RenewSession *s)
{
        return s->state == SESSION_FETCHING_DIRECTORY ? "directory" : "newAccount";
}

static int session_on_failure(RenewSession *s, RenewUsec now, RenewProblem *problem_take)
{
        return s->state == SESSION_FETCHING_DIRECTORY
                               ? session_on_no_directory(s, now, problem_take)
                               : session_fail(s, problem_take);
}

RENEW_PUBLIC int renew_session_feed_response(
                RenewSession *session, RenewUsec now, const RenewResponse *response)
{
        ExchangePeer peer = session_peer(session);
        RenewProblem *problem = NULL;
        int r = exchange_feed_response(
                        &session->exchange, &peer, now, session_where(session), response, &problem);

        if (r < 0)
                return r;
        if (r == EXCHANGE_E_AGAIN)
                return 0;
        if (r == EXCHANGE_E_FAILED)
                return session_on_failure(session, now, problem);
        return session->state == SESSION_FETCHING_DIRECTORY
                               ? session_on_directory(session, now, response)
                               : session_on_account_answer(session, now, response);
}

RENEW_PUBLIC int renew_session_feed_failure(
                RenewSession *session, RenewUsec now, const char *reason)
{
        RenewProblem *problem = NULL;
        int r = exchange_feed_failure(
                        &session->exchange, now, session_where(session), reason, &problem);

        if (r == EXCHANGE_E_FAILED)
                return session_on_failure(session, now, problem);
        return r == EXCHANGE_E_AGAIN ? 0 : r;
}

RENEW_PUBLIC int renew_session_feed_saved(RenewSession *session)
{
        if (session->state != SESSION_SAVING)
                return -EINVAL;
        session_set_state(session, SESSION_READY);
        return 0;
}

void session_refresh(RenewSession *s, RenewUsec now)
{
        /* Unless another order has just said the same. */
        if (session_is_ready(s, now))
                renew_session_restart(s);
}

/* --- what others may know --------------------------------------------------------------------- */

bool session_is_ready(const RenewSession *s, RenewUsec now)
{
        return s->state == SESSION_READY && session_directory_is_fresh(s, now);
}

const Directory *session_directory(const RenewSession *s)
{
        return &s->directory;
}

const RenewKey *session_key(const RenewSession *s)
{
        return s->key;
}

bool session_takes_plain_http(const RenewSession *s)
{
        return s->plain_http;
}

RenewUsec session_account_since(const RenewSession *s)
{
        return s->account_since;
}

RENEW_PUBLIC const RenewProblem *renew_session_problem(const RenewSession *session)
{
        return session->problem;
}

RENEW_PUBLIC const char *renew_session_account_url(const RenewSession *session)
{
        return session->account.url;
}

RENEW_PUBLIC const char *renew_session_terms_url(const RenewSession *session)
{
        return session->directory.terms;
}

RENEW_PUBLIC bool renew_session_has_renewal_info(const RenewSession *session)
{
        return session->directory.renewal_info != NULL;
}

RENEW_PUBLIC int renew_session_renewal_info_request(
                RenewSession *session, const char *ari_id, const RenewRequest **ret_request)
{
        const char *base = session->directory.renewal_info;
        const ExchangePeer peer = { .user_agent = session->user_agent };
        _cleanup_free_ char *url = NULL;
        RenewStep step;
        int r;

        if (!base)
                return -ENOTSUP;
        url = text_format("%s%s%s", base, base[strlen(base) - 1] == '/' ? "" : "/", ari_id);
        r = url ? exchange_get(&session->inquiry, url) : -ENOMEM;
        if (r >= 0)
                r = exchange_step(&session->inquiry, &peer, 0, &step);
        if (r < 0)
                return r;
        *ret_request = step.request;
        return 0;
}

RENEW_PUBLIC bool renew_session_has_profile(const RenewSession *session, const char *profile)
{
        return strv_contains(session->directory.profiles, profile);
}
