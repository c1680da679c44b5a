/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attempts without librenew, behind engine/issuance.h: the order of events of the real one (order
 * on disk, CA, generation, switch, order removed) and its rules for what stays on disk when it
 * fails, without keys, signatures and JSON. Hundreds of thousands of them take seconds. The account
 * is a real one at the CA of ca.c, which also says when it wants certificates renewed.
 *
 * A certificate "90d-…" lives for 90 days. Its validity is counted from the truth, as a CA does,
 * and judged by the machine's clock, as librenew does. The CA's own TLS certificate is two months
 * old and has ninety days left: a machine whose clock is outside of that reaches no CA.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/strv.h"
#include "base/text.h"
#include "crypto/chain.h"
#include "engine/issuance.h"
#include "seen.h"

#define CA_TLS_FROM (60 * (int64_t) USEC_PER_DAY)
#define CA_TLS_TO   (90 * (int64_t) USEC_PER_DAY)

struct Issuance {
        Store *store;
        Ca *ca;
        Config *config;
        const ConfigCertificate *section;
        CaWaiter waiter;
        sd_event_source *timer;
        uint64_t ordered; /* truth; 0: not yet */
        char *generation;
        Trouble trouble;
        IssuanceDone done;
        void *userdata;
};

static SimFaulty is_faulty;
static RenewKey *the_key;
static unsigned n_serials;

void sim_set_faulty(SimFaulty faulty)
{
        is_faulty = faulty;
}

bool sim_network_is_down(const char *ca, const char *certificate, SimFault *ret)
{
        *ret = (SimFault){ .type = RENEW_PROBLEM_TRANSPORT };
        return true;
}

/* --- the CA ----------------------------------------------------------------------------------- */

/* "90d-00017": 90 days. */
static uint64_t lifetime_of(const char *name)
{
        _cleanup_free_ char *span = strndup(name, strcspn(name, "-"));
        uint64_t lifetime;

        assert_int_equal(timespan_parse(span, &lifetime), 0);
        return lifetime;
}

/* As public CAs do: to the second, and valid since an hour before, or less where life is short. */
static RenewChain *make_chain(const ConfigCertificate *section, uint64_t at)
{
        RenewChain *c = calloc(1, sizeof(*c));
        uint64_t lifetime = lifetime_of(section->name);
        uint64_t from = at - MIN(USEC_PER_HOUR, lifetime / 60);

        assert_non_null(c);
        c->not_before = from - from % USEC_PER_SEC;
        c->not_after = c->not_before + lifetime;
        c->serial = text_format("%08x", ++n_serials);
        c->fingerprint = strdup(c->serial);
        /* The CA of ca.c finds the certificate's validity in this. */
        c->ari_id = text_format("%llu.%llu", (unsigned long long) (c->not_before / USEC_PER_SEC),
                        (unsigned long long) (lifetime / USEC_PER_SEC));
        c->top_issuer = strdup("Simulated Root");
        c->n_identifiers = strv_length(section->names);
        c->identifiers = calloc(c->n_identifiers, sizeof(*c->identifiers));
        assert_non_null(c->identifiers);
        for (size_t i = 0; i < c->n_identifiers; i++)
                c->identifiers[i] = (RenewIdentifier){ RENEW_IDENTIFIER_DNS,
                        strdup(section->names[i]) };
        return c;
}

static bool tls_is_valid(void)
{
        return sim_clock_error() > -CA_TLS_FROM && sim_clock_error() < CA_TLS_TO;
}

static bool find_fault(const Issuance *i, bool after_order, SimFault *ret)
{
        if (!tls_is_valid())
                return sim_network_is_down(NULL, NULL, ret);
        return is_faulty && is_faulty(ca_name(i->ca), i->section->name, ret) &&
               (after_order || !ret->after_order);
}

/* --- an attempt ------------------------------------------------------------------------------- */

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata);

static void again(Issuance *i, uint64_t from_usec, uint64_t to_usec)
{
        (void) sd_event_source_set_time_relative(
                        i->timer, from_usec + sim_chance(to_usec - from_usec));
        (void) sd_event_source_set_enabled(i->timer, SD_EVENT_ONESHOT);
}

static void attempt_end(Issuance *i)
{
        i->done(i->generation, i->generation ? NULL : &i->trouble, i->userdata);
}

/* Where the CA said no the order is over; where it could not be reached, or where only the clocks
 * disagree, it may go on. */
static void attempt_fail(Issuance *i, const SimFault *fault, bool over)
{
        RenewProblem problem = {
                .type = fault->type,
                .detail = (char *) (uintptr_t) "simulated",
                .where = (char *) (uintptr_t) "simulation",
        };

        if (fault->retry_after_usec > 0)
                problem.not_before = clock_realtime_usec() + fault->retry_after_usec;
        trouble_from_problem(&i->trouble, &problem);
        if (over)
                (void) store_order_remove(i->store, i->section->name);
        seen_failure(i->section->name);
        attempt_end(i);
}

/* CAs forget their orders after a week. */
static bool can_resume(const Issuance *i, const StoreOrder *stored)
{
        return streq(stored->ca, ca_name(i->ca)) &&
               strv_equal_set(stored->names, i->section->names) &&
               strtoull(stored->state, NULL, 10) + 7 * USEC_PER_DAY > sim_truth();
}

/* An order of before goes on, if there is one. */
static void resume(Issuance *i)
{
        StoreOrder stored = {};

        if (store_order_load(i->store, i->section->name, &stored) == 0 && can_resume(i, &stored))
                i->ordered = strtoull(stored.state, NULL, 10);
        store_order_done(&stored);
}

static void order(Issuance *i)
{
        _cleanup_free_ char *state = text_format("%llu", (unsigned long long) sim_truth());
        StoreOrder o = {
                .key = the_key,
                .state = state,
                .ca = (char *) (uintptr_t) ca_name(i->ca),
                .account = (char *) (uintptr_t) "account",
                .names = i->section->names,
        };

        assert_int_equal(store_order_begin(i->store, i->section->name, &o), 0);
        seen_order(i->section->name);
        i->ordered = sim_truth();
}

static void finish(Issuance *i)
{
        const char *name = i->section->name;
        RenewChain *chain = make_chain(i->section, i->ordered);
        uint64_t now = clock_realtime_usec();

        if (chain->not_before <= now + USEC_PER_HOUR && chain->not_after > now) {
                assert_int_equal(store_generation_write(i->store, name, chain, the_key, now,
                                                 &i->generation),
                                0);
                assert_int_equal(store_generation_switch(i->store, name, i->generation), 0);
                (void) store_order_remove(i->store, name);
                attempt_end(i);
        } else {
                attempt_fail(i, &(SimFault){ .type = RENEW_PROBLEM_BAD_CERTIFICATE },
                                chain->not_after <= sim_truth());
        }
        renew_chain_free(chain);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        Issuance *i = userdata;
        SimFault fault;

        if (find_fault(i, i->ordered > 0, &fault)) {
                attempt_fail(i, &fault, fault.type != RENEW_PROBLEM_TRANSPORT);
        } else if (i->ordered == 0) {
                resume(i);
                if (i->ordered == 0)
                        order(i);
                again(i, 2 * USEC_PER_SEC, 20 * USEC_PER_SEC);
        } else {
                finish(i);
        }
        return 0;
}

static void on_account_ready(const Trouble *trouble, void *userdata)
{
        Issuance *i = userdata;

        assert_null(trouble);
        again(i, USEC_PER_SEC / 10, 3 * USEC_PER_SEC);
}

int issuance_start(
                const IssuanceOptions *options, IssuanceDone done, void *userdata, Issuance **ret)
{
        Issuance *i = calloc(1, sizeof(*i));

        assert_non_null(i);
        if (!the_key)
                assert_int_equal(renew_key_new(RENEW_KEY_ECDSA_P256, &the_key), 0);
        *i = (Issuance){
                .store = options->store,
                .ca = ca_ref(options->ca),
                .config = config_ref(options->config),
                .section = options->section,
                .done = done,
                .userdata = userdata,
        };
        assert_int_equal(sd_event_add_time_relative(options->event, &i->timer, CLOCK_BOOTTIME, 0, 0,
                                         on_timer, i),
                        0);
        (void) sd_event_source_set_enabled(i->timer, SD_EVENT_OFF);
        ca_wait(i->ca, &i->waiter, on_account_ready, i);
        seen_attempt(i->section->name);
        *ret = i;
        return 0;
}

Issuance *issuance_free(Issuance *i)
{
        if (!i)
                return NULL;
        seen_attempt_end();
        ca_wait_cancel(&i->waiter);
        sd_event_source_disable_unref(i->timer);
        trouble_done(&i->trouble);
        free(i->generation);
        ca_unref(i->ca);
        config_unref(i->config);
        free(i);
        return NULL;
}

const ConfigCertificate *issuance_section(const Issuance *i)
{
        return i->section;
}

void issuance_validation_seen(Issuance *i, const char *token)
{
}

const char *issuance_order_url(const Issuance *i)
{
        return NULL;
}

const char *issuance_order_state(const Issuance *i)
{
        return "simulated";
}
