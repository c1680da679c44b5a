/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Look-ups against a DNS server of the test's own: every outcome, answers that are too large for
 * UDP, hostile ones, silence, and an end at every moment. The first label of a name says what
 * becomes of its question.
 */

#include "dns-util.h"

#include "base/text.h"
#include "net/lookup.h"

/* What must come comes within PATIENCE; what must not come is given up after this. */
#define SHORT (150 * USEC_PER_MSEC)

typedef struct World {
        sd_event *event;
        DnsServer dns;
        Resolver *resolver;
} World;

typedef struct Outcome {
        unsigned n_calls;
        LookupAnswer answer;
        char tag[8][32], value[8][128]; /* of the first CAA records */
} Outcome;

static void on_answer(const LookupAnswer *answer, void *userdata)
{
        Outcome *o = userdata;

        o->n_calls++;
        o->answer = *answer;
        for (size_t i = 0; i < MIN(answer->n_caa, ELEMENTSOF(o->tag)); i++) {
                (void) snprintf(o->tag[i], sizeof(o->tag[i]), "%s", answer->caa[i].tag);
                (void) snprintf(o->value[i], sizeof(o->value[i]), "%s", answer->caa[i].value);
        }
}

static void respond(DnsServer *s, const DnsMessage *q, bool tcp, DnsMessage *a)
{
        char name[256];
        unsigned type = dns_question(q, name, sizeof(name));

        dns_begin(a, q, 0);
        if (has_prefix(name, "plain.") || has_prefix(name, "localhost")) {
                if (type == 1)
                        dns_add_a(a, NULL, "192.0.2.1");
                else if (type == 28)
                        dns_add_a(a, NULL, "2001:db8::1");
                else {
                        dns_add_caa(a, 0, "issue", "ca.example", 10);
                        dns_add_caa(a, 128, "iodef", "mailto:a@b", 10);
                        dns_add_caa(a, 1, "issuewild", "", 0);
                        dns_add_caa(a, 0, "odd", "a\0b", 3);
                }
        } else if (has_prefix(name, "alias.")) {
                dns_add_cname(a, NULL, "other.example");
                if (type == 1)
                        dns_add_a(a, "other.example", "192.0.2.2");
        } else if (has_prefix(name, "none."))
                ;
        else if (has_prefix(name, "missing."))
                dns_begin(a, q, 3);
        else if (has_prefix(name, "broken."))
                dns_begin(a, q, 2);
        else if (has_prefix(name, "bogus."))
                dns_begin(a, q, dns_is_unchecked(q) ? 0 : 2);
        else if (has_prefix(name, "bogus-missing."))
                dns_begin(a, q, dns_is_unchecked(q) ? 3 : 2);
        else if (has_prefix(name, "broken-then-refused."))
                dns_begin(a, q, dns_is_unchecked(q) ? 5 : 2);
        else if (has_prefix(name, "broken-then-silent.")) {
                dns_begin(a, q, 2);
                if (dns_is_unchecked(q))
                        a->size = 0;
        } else if (has_prefix(name, "refused."))
                dns_begin(a, q, 5);
        else if (has_prefix(name, "unknown."))
                dns_begin(a, q, 4);
        else if (has_prefix(name, "many.")) {
                if (!tcp)
                        a->data[2] |= 0x02; /* TC */
                for (unsigned i = 0; tcp && i < 60; i++) {
                        _cleanup_free_ char *address = text_format("192.0.2.%u", i);

                        dns_add_a(a, NULL, address);
                }
        } else if (has_prefix(name, "full.") || has_prefix(name, "overfull.")) {
                if (!tcp)
                        a->data[2] |= 0x02;
                for (unsigned i = 0; tcp && i < LIMIT_DNS_CAA + (name[0] == 'o'); i++)
                        dns_add_caa(a, 0, "issue", "ca.example", 10);
        } else if (has_prefix(name, "hangup.")) {
                a->data[2] |= 0x02;
                if (tcp)
                        a->size = 0;
        } else
                a->size = 0; /* silent */
}

static void world_open(World *w, uint64_t limit)
{
        assert_true(sd_event_new(&w->event) >= 0);
        dns_open(&w->dns, w->event, respond, NULL);
        assert_int_equal(resolver_new(w->event, w->dns.address, limit, &w->resolver), 0);
}

static void world_close(World *w)
{
        resolver_free(w->resolver);
        dns_close(&w->dns);
        sd_event_unref(w->event);
}

static Outcome ask(World *w, const char *name, LookupType type)
{
        Outcome o = {};
        Lookup *l;

        assert_int_equal(lookup_start(w->resolver, name, type, on_answer, &o, &l), 0);
        assert_int_equal(o.n_calls, 0); /* never from within */
        loop_until(w->event, o.n_calls > 0);
        return o;
}

static void test_answers(void **state)
{
        World w;
        Outcome o;

        world_open(&w, PATIENCE);
        o = ask(&w, "plain.example", LOOKUP_A);
        assert_int_equal(o.answer.outcome, LOOKUP_ANSWER);
        assert_int_equal(o.answer.n_addresses, 1);
        assert_string_equal(o.answer.addresses[0], "192.0.2.1");
        o = ask(&w, "plain.example", LOOKUP_AAAA);
        assert_int_equal(o.answer.outcome, LOOKUP_ANSWER);
        assert_string_equal(o.answer.addresses[0], "2001:db8::1");
        o = ask(&w, "plain.example", LOOKUP_CAA);
        assert_int_equal(o.answer.outcome, LOOKUP_ANSWER);
        assert_int_equal(o.answer.n_caa, 4);
        assert_string_equal(o.tag[0], "issue");
        assert_string_equal(o.value[0], "ca.example");
        assert_int_equal(o.answer.caa[0].flags, 0);
        assert_int_equal(o.answer.caa[1].flags, 128);
        assert_int_equal(o.answer.caa[2].flags, 1);
        assert_int_equal(o.answer.caa[2].size, 0);
        assert_int_equal(o.answer.caa[3].size, 3);
        o = ask(&w, "alias.example", LOOKUP_A);
        assert_int_equal(o.answer.outcome, LOOKUP_ANSWER);
        assert_string_equal(o.answer.addresses[0], "192.0.2.2");
        /* The name server's, not that of /etc/hosts. */
        o = ask(&w, "localhost", LOOKUP_A);
        assert_string_equal(o.answer.addresses[0], "192.0.2.1");
        world_close(&w);
}

static void test_no_answers(void **state)
{
        static const struct {
                const char *name;
                LookupOutcome outcome;
        } table[] = {
                { "none.example", LOOKUP_NO_DATA },
                { "missing.example", LOOKUP_NO_NAME },
                { "broken.example", LOOKUP_SERVFAIL },
                { "broken-then-refused.example", LOOKUP_SERVFAIL },
                { "bogus.example", LOOKUP_BOGUS },
                { "bogus-missing.example", LOOKUP_BOGUS },
                { "refused.example", LOOKUP_REFUSED },
                { "unknown.example", LOOKUP_REFUSED },
        };
        static const LookupType types[] = { LOOKUP_A, LOOKUP_AAAA, LOOKUP_CAA };
        World w;

        world_open(&w, PATIENCE);
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                for (size_t t = 0; t < ELEMENTSOF(types); t++) {
                        Outcome o = ask(&w, table[i].name, types[t]);

                        if (o.answer.outcome != table[i].outcome)
                                fail_msg("%s: %s", table[i].name,
                                                lookup_outcome_to_sentence(o.answer.outcome));
                        assert_int_equal(o.answer.n_addresses + o.answer.n_caa, 0);
                }
        /* An alias to a name that has none. */
        assert_int_equal(ask(&w, "alias.example", LOOKUP_AAAA).answer.outcome, LOOKUP_NO_DATA);
        assert_int_equal(ask(&w, "alias.example", LOOKUP_CAA).answer.outcome, LOOKUP_NO_DATA);
        world_close(&w);
}

static void test_silence(void **state)
{
        World w;

        world_open(&w, SHORT);
        assert_int_equal(ask(&w, "silent.example", LOOKUP_A).answer.outcome, LOOKUP_TIMEOUT);
        assert_int_equal(ask(&w, "broken-then-silent.example", LOOKUP_A).answer.outcome,
                        LOOKUP_SERVFAIL);
        world_close(&w);
}

/* A question that got lost is asked again. */
static void respond_second(DnsServer *s, const DnsMessage *q, bool tcp, DnsMessage *a)
{
        if (s->n_udp > 1)
                respond(s, q, tcp, a);
}

static void test_lost(void **state)
{
        World w;

        world_open(&w, PATIENCE);
        w.dns.respond = respond_second;
        assert_int_equal(ask(&w, "plain.example", LOOKUP_A).answer.outcome, LOOKUP_ANSWER);
        assert_true(w.dns.n_udp > 1);
        world_close(&w);
}

static void test_nobody_there(void **state)
{
        World w;
        Resolver *r = NULL;
        Outcome o = {};
        Lookup *l;
        char address[64];

        world_open(&w, PATIENCE);
        memcpy(address, w.dns.address, sizeof(address));
        dns_close(&w.dns);
        assert_int_equal(resolver_new(w.event, address, PATIENCE, &r), 0);
        assert_int_equal(lookup_start(r, "plain.example", LOOKUP_A, on_answer, &o, &l), 0);
        loop_until(w.event, o.n_calls > 0);
        assert_int_equal(o.answer.outcome, LOOKUP_UNREACHABLE);
        resolver_free(r);
        resolver_free(w.resolver);
        sd_event_unref(w.event);
}

static void test_truncated(void **state)
{
        World w;
        Outcome o;

        world_open(&w, PATIENCE);
        o = ask(&w, "many.example", LOOKUP_A);
        assert_int_equal(o.answer.outcome, LOOKUP_ANSWER);
        assert_int_equal(o.answer.n_addresses, LIMIT_DNS_ADDRESSES);
        assert_string_equal(o.answer.addresses[7], "192.0.2.7");
        assert_int_equal(w.dns.n_tcp, 1);
        o = ask(&w, "full.example", LOOKUP_CAA);
        assert_int_equal(o.answer.outcome, LOOKUP_ANSWER);
        assert_int_equal(o.answer.n_caa, LIMIT_DNS_CAA);
        o = ask(&w, "overfull.example", LOOKUP_CAA);
        assert_int_equal(o.answer.outcome, LOOKUP_BAD_ANSWER);
        assert_int_equal(o.answer.n_caa, 0);
        assert_int_equal(w.dns.n_tcp, 3);
        o = ask(&w, "hangup.example", LOOKUP_A);
        assert_true(o.answer.outcome == LOOKUP_UNREACHABLE || o.answer.outcome == LOOKUP_TIMEOUT);
        world_close(&w);
}

/* --- hostile answers -------------------------------------------------------------------------- */

typedef struct Mutation {
        size_t cut;    /* SIZE_MAX: not cut */
        uint32_t seed; /* 0: no octet changed */
} Mutation;

static uint32_t next_random(uint32_t *seed)
{
        *seed ^= *seed << 13;
        *seed ^= *seed >> 17;
        *seed ^= *seed << 5;
        return *seed;
}

static void respond_mutated(DnsServer *s, const DnsMessage *q, bool tcp, DnsMessage *a)
{
        Mutation *m = s->userdata;
        uint32_t seed = m->seed;

        respond(s, q, tcp, a);
        for (unsigned i = 0; m->seed && i < 1 + m->seed % 4; i++) {
                size_t at = 2 + next_random(&seed) % (a->size - 2);

                a->data[at] = (unsigned char) next_random(&seed);
        }
        a->size = MIN(a->size, m->cut);
}

/* Each ends in some outcome, once, and what it gives are addresses and texts. */
static void ask_mutated(World *w, Mutation m, LookupType type)
{
        Outcome o = {};
        Lookup *l;

        w->dns.userdata = &m;
        assert_int_equal(lookup_start(w->resolver, "plain.example", type, on_answer, &o, &l), 0);
        loop_until(w->event, o.n_calls > 0);
        assert_int_equal(o.n_calls, 1);
        assert_true(o.answer.outcome == LOOKUP_ANSWER ||
                        o.answer.n_addresses + o.answer.n_caa == 0);
}

static void test_hostile(void **state)
{
        static const LookupType types[] = { LOOKUP_A, LOOKUP_CAA };
        World w;

        world_open(&w, 5 * USEC_PER_MSEC); /* most of these are ignored, and end so */
        w.dns.respond = respond_mutated;
        for (size_t t = 0; t < ELEMENTSOF(types); t++) {
                for (size_t cut = 0; cut < 140; cut++)
                        ask_mutated(&w, (Mutation){ .cut = cut }, types[t]);
                for (uint32_t seed = 1; seed < 400; seed++)
                        ask_mutated(&w, (Mutation){ SIZE_MAX, seed }, types[t]);
        }
        world_close(&w);
}

static void respond_wrong(DnsServer *s, const DnsMessage *q, bool tcp, DnsMessage *a)
{
        respond(s, q, tcp, a);
        a->data[*(size_t *) s->userdata] ^= 0x55;
}

/* An answer to another question, or with another id, is none. */
static void test_forged(void **state)
{
        size_t places[] = { 0, 1, 13, 20 };
        World w;

        world_open(&w, SHORT);
        w.dns.respond = respond_wrong;
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                w.dns.userdata = &places[i];
                assert_int_equal(ask(&w, "plain.example", LOOKUP_A).answer.outcome, LOOKUP_TIMEOUT);
        }
        world_close(&w);
}

/* --- an end at every moment ------------------------------------------------------------------- */

static void test_cancel(void **state)
{
        static const char *const names[] = { "plain.example", "broken.example", "bogus.example",
                "many.example", "hangup.example", "silent.example" };
        World w;

        world_open(&w, PATIENCE);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                for (unsigned turns = 0; turns < 12; turns++) {
                        Outcome o = {}, kept = {};
                        Lookup *l, *other;

                        assert_int_equal(lookup_start(w.resolver, names[i], LOOKUP_A, on_answer, &o,
                                                         &l),
                                        0);
                        assert_int_equal(lookup_start(w.resolver, "plain.example", LOOKUP_A,
                                                         on_answer, &kept, &other),
                                        0);
                        for (unsigned t = 0; t < turns && o.n_calls == 0; t++)
                                assert_true(sd_event_run(w.event, USEC_PER_MSEC) >= 0);
                        if (o.n_calls == 0) {
                                assert_null(lookup_cancel(l));
                                loop_until(w.event, kept.n_calls > 0);
                                assert_int_equal(o.n_calls, 0);
                        }
                        loop_until(w.event, kept.n_calls > 0);
                        assert_int_equal(kept.answer.outcome, LOOKUP_ANSWER);
                }
        world_close(&w);
}

static void test_free_at_every_moment(void **state)
{
        for (unsigned turns = 0; turns < 20; turns++) {
                Outcome o[6] = {};
                Lookup *l;
                World w;

                world_open(&w, PATIENCE);
                assert_int_equal(lookup_start(w.resolver, "plain.example", LOOKUP_A, on_answer,
                                                 &o[0], &l),
                                0);
                assert_int_equal(lookup_start(w.resolver, "many.example", LOOKUP_A, on_answer,
                                                 &o[1], &l),
                                0);
                assert_int_equal(lookup_start(w.resolver, "bogus.example", LOOKUP_CAA, on_answer,
                                                 &o[2], &l),
                                0);
                assert_int_equal(lookup_start(w.resolver, "silent.example", LOOKUP_A, on_answer,
                                                 &o[3], &l),
                                0);
                for (unsigned t = 0; t < turns; t++)
                        assert_true(sd_event_run(w.event, USEC_PER_MSEC) >= 0);
                world_close(&w);
        }
}

typedef struct Ending {
        World *w;
        Lookup *self, *other;
        bool free;
        unsigned n_calls;
} Ending;

static void on_ending(const LookupAnswer *answer, void *userdata)
{
        Ending *e = userdata;

        e->n_calls++;
        assert_null(lookup_cancel(e->self)); /* from within its own handler: no harm */
        assert_null(lookup_cancel(e->other));
        if (e->free)
                e->w->resolver = resolver_free(e->w->resolver);
        assert_int_equal(answer->outcome, LOOKUP_ANSWER); /* still there */
        assert_string_equal(answer->caa[0].tag, "issue");
}

static void test_end_within_a_handler(void **state)
{
        for (unsigned i = 0; i < 2; i++) {
                Ending e = { .free = i };
                Outcome o = {};
                World w;

                world_open(&w, PATIENCE);
                e.w = &w;
                assert_int_equal(lookup_start(w.resolver, "plain.example", LOOKUP_CAA, on_ending,
                                                 &e, &e.self),
                                0);
                assert_int_equal(lookup_start(w.resolver, "plain.example", LOOKUP_A, on_answer, &o,
                                                 &e.other),
                                0);
                loop_until(w.event, e.n_calls > 0);
                loop_for(w.event, 20 * USEC_PER_MSEC);
                assert_int_equal(e.n_calls, 1);
                assert_int_equal(o.n_calls, 0);
                world_close(&w);
        }
}

/* One that ran out of time lives on in c-ares, and nobody hears of it any more. */
static void test_late_answer(void **state)
{
        World w;
        Outcome o = {};
        Lookup *l;

        world_open(&w, 1);
        assert_int_equal(lookup_start(w.resolver, "plain.example", LOOKUP_A, on_answer, &o, &l), 0);
        loop_until(w.event, o.n_calls > 0);
        loop_for(w.event, 50 * USEC_PER_MSEC);
        assert_int_equal(o.n_calls, 1);
        world_close(&w);
}

static void test_many_at_once(void **state)
{
        Outcome o[200] = {};
        Lookup *l;
        World w;

        world_open(&w, PATIENCE);
        for (size_t i = 0; i < ELEMENTSOF(o); i++)
                assert_int_equal(lookup_start(w.resolver, "plain.example", (LookupType) (i % 3),
                                                 on_answer, &o[i], &l),
                                0);
        for (size_t i = 0; i < ELEMENTSOF(o); i++) {
                loop_until(w.event, o[i].n_calls > 0);
                assert_int_equal(o[i].answer.outcome, LOOKUP_ANSWER);
                assert_int_equal(i % 3 == 2 ? o[i].answer.n_caa : o[i].answer.n_addresses,
                                i % 3 == 2 ? 4 : 1);
        }
        world_close(&w);
}

static void test_refused_arguments(void **state)
{
        static const char *const names[] = { "a..example", ".example",
                "1234567890123456789012345678901234567890123456789012345678901234.example" };
        World w;
        Lookup *l = NULL;
        Resolver *r = NULL;

        world_open(&w, PATIENCE);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_int_equal(lookup_start(w.resolver, names[i], LOOKUP_A, on_answer, NULL, &l),
                                -EINVAL);
        assert_null(l);
        assert_int_equal(resolver_new(w.event, "not an address", PATIENCE, &r), -EINVAL);
        assert_null(r);
        /* The system's: it can be made, whatever resolv.conf says. */
        assert_int_equal(resolver_new(w.event, NULL, PATIENCE, &r), 0);
        resolver_free(r);
        world_close(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_answers),
                cmocka_unit_test(test_no_answers),
                cmocka_unit_test(test_silence),
                cmocka_unit_test(test_lost),
                cmocka_unit_test(test_nobody_there),
                cmocka_unit_test(test_truncated),
                cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_forged),
                cmocka_unit_test(test_cancel),
                cmocka_unit_test(test_free_at_every_moment),
                cmocka_unit_test(test_end_within_a_handler),
                cmocka_unit_test(test_late_answer),
                cmocka_unit_test(test_many_at_once),
                cmocka_unit_test(test_refused_arguments),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
