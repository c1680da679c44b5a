/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-dns: any bytes as a DNS server's answer. Addresses come out as addresses, CAA records whole
 * and within their ceiling, and whatever they say is judged in a sentence that can be shown.
 */

#include <arpa/inet.h>

#include "base/text.h"
#include "engine/caa.h"
#include "fuzz.h"
#include "net/lookup-internal.h"

static void check_addresses(const LookupAnswer *a, int family)
{
        unsigned char address[sizeof(struct in6_addr)];

        check(a->n_addresses <= LIMIT_DNS_ADDRESSES);
        for (size_t i = 0; i < a->n_addresses; i++)
                check(inet_pton(family, a->addresses[i], address) == 1);
}

static void check_verdict(const LookupAnswer *a, const char *name)
{
        static const char *const identities[] = { "ca.example", "other.example", NULL };
        CaaQuestion question = { .name = name,
                .identities = identities,
                .account_url = "https://ca.example/acct/1",
                .method = "http-01" };
        CaaClimb climb;

        caa_climb_init(&climb, &question);
        caa_climb_feed(&climb, a);
        check(!climb.at == (a->outcome != LOOKUP_NO_DATA && a->outcome != LOOKUP_NO_NAME));
        check(!climb.reason == (climb.verdict == CAA_PERMITTED));
        if (climb.reason)
                check(text_printable(climb.reason, strlen(climb.reason)) == strlen(climb.reason));
        caa_climb_done(&climb);
}

static void check_answer(LookupType type, const unsigned char *data, int size)
{
        LookupAnswer a = {};

        a.outcome = lookup_answer_read(&a, type, data, size);
        check((a.outcome == LOOKUP_ANSWER) == (a.n_addresses + a.n_caa > 0));
        check(a.n_caa <= LIMIT_DNS_CAA);
        check_addresses(&a, type == LOOKUP_A ? AF_INET : AF_INET6);
        for (size_t i = 0; i < a.n_caa; i++)
                check(a.caa[i].tag && a.caa[i].value[a.caa[i].size] == '\0');
        if (type == LOOKUP_CAA) {
                check_verdict(&a, "www.example.com");
                check_verdict(&a, "*.example.com");
        }
        lookup_answer_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size < HEADER_SIZE || size > UINT16_MAX) /* c-ares hands on nothing shorter */
                return 0;
        check_answer(LOOKUP_A, data, (int) size);
        check_answer(LOOKUP_AAAA, data, (int) size);
        check_answer(LOOKUP_CAA, data, (int) size);
        return 0;
}
