/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine of a simulation: chance, configuration, the engine's start and end, and what of the
 * engine's surroundings only has to be there: the challenge port, deployment, the key's maker. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/random.h"
#include "base/strv.h"
#include "engine/key-job.h"
#include "ca.h"
#include "unit/config-util.h"

static uint64_t chance;
static sd_event *event;
static Manager *manager;
static Fixture config;

/* --- chance ----------------------------------------------------------------------------------- */

/* splitmix64 */
uint64_t random_u64(void)
{
        uint64_t z = chance += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

uint64_t sim_chance(uint64_t n)
{
        return random_u64() % n;
}

/* --- the machine ------------------------------------------------------------------------------ */

void sim_begin(uint64_t seed)
{
        const char *wish = getenv("SIM_SEED");

        chance = wish ? strtoull(wish, NULL, 0) : seed;
        print_message("seed %llu\n", (unsigned long long) chance);
        log_open("sim", getenv("SIM_LOG") ? LOG_DEBUG : LOG_EMERG);
        sim_event_reset();
        ca_reset();
        sim_forget_seen();
        sim_forget_orders();
        assert_int_equal(sd_event_new(&event), 0);
        fixture_open(&config);
}

void sim_end(void)
{
        sim_stop();
        sim_disk_wipe();
        sim_set_faulty(NULL);
        sim_forget_seen();
        event = sd_event_unref(event);
        fixture_close(&config);
}

void sim_configure(const char *text)
{
        /* There is no net below to look ahead in. */
        _cleanup_free_ char *whole = text_format("[Daemon]\nPreflight=no\n"
                                                 "[CA letsencrypt]\n"
                                                 "AgreeToTerms=yes\n%s",
                        text);

        assert_non_null(whole);
        fixture_good(&config, whole);
        if (manager)
                assert_int_equal(manager_reload(manager, config.config), 0);
}

void sim_reload(void)
{
        assert_int_equal(fixture_load(&config), 0);
        assert_int_equal(manager_reload(manager, config.config), 0);
}

char *sim_sections(const char *prefix, unsigned n, const char *ca)
{
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        for (unsigned i = 0; i < n; i++)
                (void) fprintf(f, "[Certificate %s-%05u]\nNames=%s-%05u.example.org\nCA=%s\n",
                                prefix, i, prefix, i, ca ? ca : "letsencrypt");
        assert_int_equal(fclose(f), 0);
        return text;
}

void sim_start(void)
{
        Store *store;

        assert_null(manager);
        assert_int_equal(sim_store_open(&store), 0);
        assert_int_equal(manager_new(event, config.config, store, "/nowhere", &manager), 0);
        assert_int_equal(manager_start(manager), 0);
}

void sim_stop(void)
{
        manager = manager_free(manager);
}

Manager *sim_manager(void)
{
        return manager;
}

Certificate *sim_certificate(const char *name)
{
        Certificate *c = manager_find(manager, name);

        assert_non_null(c);
        return c;
}

void sim_run(uint64_t span_usec)
{
        sim_run_loop(event, span_usec);
}

/* --- the challenge port ----------------------------------------------------------------------- */

struct Http01 {
        ChallengeSolver solver;
        Http01Seen seen;
        void *userdata;
};

static char **presented; /* tokens */
static Http01 *http01;

static int present(ChallengeSolver *s, const RenewChallenge *challenge, char **ret_reason)
{
        return strv_add(&presented, challenge->token);
}

static void retract(ChallengeSolver *s, const RenewChallenge *challenge)
{
        char **rest = NULL;

        STRV_FOREACH (token, presented)
                if (!streq(*token, challenge->token))
                        assert_int_equal(strv_add(&rest, *token), 0);
        strv_free(presented);
        presented = rest;
}

bool sim_is_presented(const char *token)
{
        return strv_contains(presented, token);
}

void sim_read_token(const char *token)
{
        if (sim_is_presented(token))
                http01->seen(token, http01->userdata);
}

size_t sim_n_presented(void)
{
        return strv_length(presented);
}

static ChallengeSolver *solver_free(ChallengeSolver *s)
{
        return NULL;
}

static const ChallengeVtable vtable = { "listener", present, retract, solver_free };

int http01_new(sd_event *e, Http01Seen seen, void *userdata, Http01 **ret)
{
        http01 = calloc(1, sizeof(*http01));
        assert_non_null(http01);
        *http01 = (Http01){ { &vtable }, seen, userdata };
        *ret = http01;
        return 0;
}

ChallengeSolver *http01_solver(Http01 *h)
{
        return &h->solver;
}

/* Tokens of a listener vanish with it. */
Http01 *http01_free(Http01 *h)
{
        presented = strv_free(presented);
        free(h);
        return NULL;
}

int http01_add_socket(Http01 *h, int fd_take)
{
        return 0;
}

int http01_listen(Http01 *h, const ConfigDaemon *daemon, char **ret_problem)
{
        return 1;
}

bool http01_problem_may_pass(const Http01 *h)
{
        return false;
}

/* --- deployment: no certificate here has anything to be done ---------------------------------- */

struct Deploy {
        uint64_t settle_usec;
};

int deploy_new(sd_event *e, const char *socket, uint64_t settle_usec, DeployHandler handler,
                void *userdata, Deploy **ret)
{
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

Deploy *deploy_free(Deploy *d)
{
        free(d);
        return NULL;
}

void deploy_set_settle(Deploy *d, uint64_t settle_usec)
{
        d->settle_usec = settle_usec;
}

int deploy_request(Deploy *d, const char *certificate)
{
        fail_msg("a deployment of %s is asked for", certificate);
        return 0;
}

void deploy_forget(Deploy *d, const char *certificate)
{
}

/* --- keys are made at once; the answer comes from the loop ------------------------------------ */

struct KeyJob {
        sd_event_source *source;
        RenewKeyType type;
        KeyJobDone done;
        void *userdata;
};

static int on_key(sd_event_source *s, void *userdata)
{
        KeyJob *j = userdata;
        RenewKey *key = NULL;
        int r = renew_key_new(j->type, &key);

        j->done(r, key, j->userdata);
        return 0;
}

int key_job_start(sd_event *e, RenewKeyType type, KeyJobDone done, void *userdata, KeyJob **ret)
{
        KeyJob *j = calloc(1, sizeof(*j));

        assert_non_null(j);
        *j = (KeyJob){ .type = type, .done = done, .userdata = userdata };
        *ret = j;
        return sd_event_add_defer(e, &j->source, on_key, j);
}

KeyJob *key_job_free(KeyJob *j)
{
        if (j)
                sd_event_source_disable_unref(j->source);
        free(j);
        return NULL;
}
