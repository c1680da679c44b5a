/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The look ahead: what each thing that may be seen comes to in words; and the whole against a DNS
 * server and web servers of the test's own, given up at every moment.
 */

#include "dns-util.h"

#include "base/strv.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "engine/preflight-internal.h"

/* --- sentences -------------------------------------------------------------------------------- */

static void check_sentence(char *sentence_take, const char *part)
{
        _cleanup_free_ char *s = sentence_take;

        if (!part)
                assert_null(s);
        else {
                assert_non_null(s);
                assert_contains(s, part);
        }
}

static void test_address_kinds(void **state)
{
        static const struct {
                const char *address;
                AddressKind kind;
        } table[] = {
                { "192.0.2.1", ADDRESS_PUBLIC },
                { "8.8.8.8", ADDRESS_PUBLIC },
                { "9.255.255.255", ADDRESS_PUBLIC },
                { "11.0.0.0", ADDRESS_PUBLIC },
                { "172.15.255.255", ADDRESS_PUBLIC },
                { "172.32.0.0", ADDRESS_PUBLIC },
                { "100.63.255.255", ADDRESS_PUBLIC },
                { "223.255.255.255", ADDRESS_PUBLIC },
                { "2001:db8::1", ADDRESS_PUBLIC },
                { "fe00::1", ADDRESS_PUBLIC },
                { "10.1.2.3", ADDRESS_PRIVATE },
                { "100.64.0.1", ADDRESS_PRIVATE },
                { "127.0.0.1", ADDRESS_PRIVATE },
                { "169.254.169.254", ADDRESS_PRIVATE },
                { "172.16.0.1", ADDRESS_PRIVATE },
                { "172.31.255.255", ADDRESS_PRIVATE },
                { "192.168.255.255", ADDRESS_PRIVATE },
                { "::1", ADDRESS_PRIVATE },
                { "fe80::1", ADDRESS_PRIVATE },
                { "fc00::1", ADDRESS_PRIVATE },
                { "fdff::1", ADDRESS_PRIVATE },
                { "0.0.0.0", ADDRESS_NONE },
                { "224.0.0.1", ADDRESS_NONE },
                { "240.0.0.1", ADDRESS_NONE },
                { "255.255.255.255", ADDRESS_NONE },
                { "::", ADDRESS_NONE },
                { "ff02::1", ADDRESS_NONE },
                { "::ffff:127.0.0.1", ADDRESS_NONE },
                { "localhost", ADDRESS_NONE },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (preflight_address_kind(table[i].address) != table[i].kind)
                        fail_msg("%s", table[i].address);
}

static void test_addresses(void **state)
{
        static const struct {
                LookupOutcome a, aaaa;
                const char *part;
                bool failed;
        } table[] = {
                { LOOKUP_ANSWER, LOOKUP_ANSWER, NULL, false },
                { LOOKUP_ANSWER, LOOKUP_NO_DATA, NULL, false },
                { LOOKUP_NO_DATA, LOOKUP_ANSWER, NULL, false },
                { LOOKUP_NO_DATA, LOOKUP_NO_DATA, "it has no address; give it", false },
                { LOOKUP_NO_NAME, LOOKUP_NO_NAME, "the name does not exist; give it", false },
                { LOOKUP_BOGUS, LOOKUP_BOGUS, "DNSSEC signatures are wrong; CAs check them", true },
                { LOOKUP_SERVFAIL, LOOKUP_SERVFAIL, "its addresses cannot be looked up", true },
                { LOOKUP_TIMEOUT, LOOKUP_TIMEOUT, "name another server in DnsServer=", true },
                { LOOKUP_ANSWER, LOOKUP_SERVFAIL, "its AAAA records cannot be", false },
                { LOOKUP_REFUSED, LOOKUP_ANSWER, "its A records cannot be looked up", false },
                { LOOKUP_NO_DATA, LOOKUP_TIMEOUT, "its AAAA records cannot be", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                bool failed = !table[i].failed;

                check_sentence(preflight_judge_addresses(table[i].a, table[i].aaaa, &failed),
                                table[i].part);
                assert_int_equal(failed, table[i].failed);
        }
}

static void check_body(const char *body, size_t size, bool well)
{
        HttpClientResponse response = { .status = 200, .body = body, .body_size = size };
        ProbeFacts facts = { .address = "192.0.2.1",
                .port = 80,
                .expected = "token.answer",
                .response = &response };

        check_sentence(preflight_judge_probe(&facts), well ? NULL : "with another content");
}

/* RFC 8555 section 8.3: white space at the end is all that may be different. */
static void test_bodies(void **state)
{
        check_body("token.answer", 12, true);
        check_body("token.answer\r\n", 14, true);
        check_body("token.answer \t\n\n", 16, true);
        check_body("", 0, false);
        check_body("\n", 1, false);
        check_body("token.answer\0", 13, false);
        check_body(" token.answer", 13, false);
        check_body("token.answe", 11, false);
        check_body("token.answerX", 13, false);
}

static void test_clock(void **state)
{
        const uint64_t now = UINT64_C(1790000000) * USEC_PER_SEC;

        check_sentence(preflight_judge_clock(now, 0, "lab"), NULL); /* unknown */
        check_sentence(preflight_judge_clock(now, now, "lab"), NULL);
        check_sentence(preflight_judge_clock(now, now + 5 * USEC_PER_MIN, "lab"), NULL);
        check_sentence(preflight_judge_clock(now, now - 5 * USEC_PER_MIN, "lab"), NULL);
        check_sentence(preflight_judge_clock(now, now + 6 * USEC_PER_MIN, "lab"),
                        "is 6 min behind that of lab");
        check_sentence(preflight_judge_clock(now, now - 2 * USEC_PER_HOUR, "lab"),
                        "is 2 h ahead of that of lab");
        check_sentence(preflight_judge_clock(0, now, "lab"), "behind that of lab");
}

static void test_disk(void **state)
{
        const DiskFacts well = {
                .path = "/s", .free_bytes = 1024 * 1024, .free_files = 32, .counts_files = true
        };
        DiskFacts f = well;

        check_sentence(preflight_judge_disk(&f), NULL);
        f.free_files = 31;
        check_sentence(preflight_judge_disk(&f), "has room for 31 more files (inodes)");
        f.counts_files = false; /* btrfs */
        check_sentence(preflight_judge_disk(&f), NULL);
        f = well;
        f.free_bytes--;
        check_sentence(preflight_judge_disk(&f), "StateDirectory=/s has 1023 kB left; make room");
        f = well;
        f.read_only = true;
        check_sentence(preflight_judge_disk(&f), "mounted read-only");
        f.error = EACCES;
        check_sentence(preflight_judge_disk(&f), "cannot be written: Permission denied");
}

/* --- the whole -------------------------------------------------------------------------------- */

typedef struct World {
        sd_event *event;
        DnsServer dns;
        HttpClient *http;
        ChallengeSolver solver;
        Config config; /* of which nobody has a real one here */
        ConfigCa ca;
        ConfigCertificate section;
        int presented; /* what is presented now */
        Preflight *preflight;
        unsigned n_done;
        PreflightFindings findings;
} World;

static World *solver_world(ChallengeSolver *s)
{
        return (World *) (void *) ((char *) s - offsetof(World, solver));
}

static int world_present(ChallengeSolver *s, const RenewChallenge *challenge, char **ret_reason)
{
        assert_true(text_is_base64url(challenge->token));
        assert_starts(challenge->key_authorization, challenge->token);
        solver_world(s)->presented++;
        return 0;
}

static void world_retract(ChallengeSolver *s, const RenewChallenge *challenge)
{
        solver_world(s)->presented--;
}

static int refuse_present(ChallengeSolver *s, const RenewChallenge *challenge, char **ret_reason)
{
        *ret_reason = strdup("it cannot be shown");
        return -EROFS;
}

static const ChallengeVtable world_vtable = { "test", world_present, world_retract, NULL };
static const ChallengeVtable refusing_vtable = { "test", refuse_present, world_retract, NULL };

static void respond(DnsServer *s, const DnsMessage *q, bool tcp, DnsMessage *a)
{
        char name[256];
        unsigned type = dns_question(q, name, sizeof(name));

        dns_begin(a, q, 0);
        if (has_prefix(name, "silent"))
                a->size = 0;
        else if (has_prefix(name, "hostile") && type == 1) {
                dns_add_a(a, NULL, "0.0.0.0");
                dns_add_a(a, NULL, "255.255.255.255");
                dns_add_a(a, NULL, "169.254.169.254");
        } else if (type == 1)
                dns_add_a(a, NULL, "127.0.0.1");
        else if (type == 257 && has_prefix(name, "forbidden"))
                dns_add_caa(a, 0, "issue", ";", 1);
}

static void world_open(World *w, const char *const *names)
{
        *w = (World){ .solver.vtable = &world_vtable };
        assert_true(sd_event_new(&w->event) >= 0);
        dns_open(&w->dns, w->event, respond, NULL);
        assert_int_equal(http_client_new(w->event, &w->http), 0);
        w->config.n_ref = 1;
        w->config.daemon.dns_server = w->dns.address;
        w->ca = (ConfigCa){ .name = (char *) (uintptr_t) "lab", .validation_port = 1 };
        w->section = (ConfigCertificate){ .names = (char **) (uintptr_t) names, .ca = &w->ca };
}

static void world_close(World *w)
{
        assert_null(preflight_free(w->preflight));
        assert_int_equal(w->presented, 0);
        assert_int_equal(w->config.n_ref, 1);
        preflight_findings_done(&w->findings);
        http_client_free(w->http);
        dns_close(&w->dns);
        sd_event_unref(w->event);
}

static void on_done(const PreflightFindings *findings, void *userdata)
{
        World *w = userdata;

        w->n_done++;
        assert_int_equal(preflight_findings_copy(findings, &w->findings), 0);
        w->preflight = preflight_free(w->preflight);
}

static void world_start(World *w)
{
        static const char *const identities[] = { "ca.example", NULL };
        PreflightOptions options = {
                .event = w->event,
                .http = w->http,
                .solver = &w->solver,
                .config = &w->config,
                .section = &w->section,
                .state_directory = "/tmp",
                .caa_identities = identities,
                .now_usec = USEC_PER_DAY,
        };

        assert_int_equal(preflight_start(&options, on_done, w, &w->preflight), 0);
        assert_int_equal(w->n_done, 0); /* never from within */
}

static unsigned count_findings(const World *w, const char *check, const char *part)
{
        unsigned n = 0;

        for (size_t i = 0; i < w->findings.n; i++)
                n += streq(w->findings.items[i].check, check) &&
                     strstr(w->findings.items[i].detail, part);
        return n;
}

static void test_whole(void **state)
{
        static const char *const names[] = { "a.example", "forbidden.example", "127.0.0.1",
                "hostile.example", NULL };
        World w;

        world_open(&w, names);
        world_start(&w);
        assert_int_equal(w.presented, 1);
        loop_until(w.event, w.n_done > 0);
        assert_int_equal(w.presented, 0);
        /* Port 1 of loopback is nobody's. */
        assert_int_equal(count_findings(&w, "port", "port 1 of 127.0.0.1"), 3);
        assert_int_equal(count_findings(&w, "caa", "forbidden.example"), 1);
        assert_int_equal(count_findings(&w, "address", "none that anybody could connect to"), 2);
        world_close(&w);
}

/* A public CA cannot reach a private address, and nobody knocks there. */
static void test_public_ca(void **state)
{
        static const char *const names[] = { "a.example", "hostile.example", NULL };
        World w;

        world_open(&w, names);
        w.ca.preset = true;
        world_start(&w);
        loop_until(w.event, w.n_done > 0);
        assert_int_equal(count_findings(&w, "address", "127.0.0.1 is a private one"), 1);
        assert_int_equal(count_findings(&w, "address", "169.254.169.254 is a private one"), 1);
        assert_int_equal(count_findings(&w, "port", ""), 0);
        world_close(&w);
}

static void test_nothing_can_be_shown(void **state)
{
        static const char *const names[] = { "a.example", NULL };
        World w;

        world_open(&w, names);
        w.solver.vtable = &refusing_vtable;
        world_start(&w);
        loop_until(w.event, w.n_done > 0);
        assert_int_equal(w.findings.n, 1);
        assert_int_equal(count_findings(&w, "challenge", "it cannot be shown"), 1);
        world_close(&w);
}

/* More than are looked at together; findings have a ceiling. */
static void test_many_names(void **state)
{
        _cleanup_strv_ char **names = NULL;
        World w;

        for (unsigned i = 0; i < 100; i++) {
                _cleanup_free_ char *name = text_format("n%u.example", i);

                assert_int_equal(strv_add(&names, name), 0);
        }
        world_open(&w, (const char *const *) names);
        world_start(&w);
        loop_until(w.event, w.n_done > 0);
        assert_int_equal(w.n_done, 1);
        assert_int_equal(w.findings.n, LIMIT_PREFLIGHT_FINDINGS);
        assert_true(w.dns.n_udp >= 100 * 4); /* A, AAAA, CAA of two names */
        world_close(&w);
}

/* Names that are over before they began, all of them. */
static void test_nothing_to_ask(void **state)
{
        _cleanup_strv_ char **names = NULL;
        World w;

        for (unsigned i = 0; i < LIMIT_NAMES; i++) {
                _cleanup_free_ char *name = text_format("0.0.%u.%u", i / 256, i % 256);

                assert_int_equal(strv_add(&names, name), 0);
        }
        world_open(&w, (const char *const *) names);
        world_start(&w);
        loop_until(w.event, w.n_done > 0);
        loop_for(w.event, 20 * USEC_PER_MSEC);
        assert_int_equal(w.n_done, 1);
        world_close(&w);
}

static void test_given_up_at_every_moment(void **state)
{
        static const char *const names[] = { "a.example", "forbidden.example", "127.0.0.1",
                "silent.example", NULL };

        for (unsigned turns = 0; turns < 40; turns++) {
                World w;

                world_open(&w, names);
                world_start(&w);
                for (unsigned i = 0; i < turns; i++)
                        assert_true(sd_event_run(w.event, USEC_PER_MSEC) >= 0);
                assert_int_equal(w.presented, w.n_done == 0); /* one name is silent */
                world_close(&w);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_address_kinds),
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_bodies),
                cmocka_unit_test(test_clock),
                cmocka_unit_test(test_disk),
                cmocka_unit_test(test_whole),
                cmocka_unit_test(test_public_ca),
                cmocka_unit_test(test_nothing_can_be_shown),
                cmocka_unit_test(test_many_names),
                cmocka_unit_test(test_nothing_to_ask),
                cmocka_unit_test(test_given_up_at_every_moment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
