/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lookup-answer: a DNS message becomes addresses and CAA records. Addresses are read by c-ares,
 * which follows aliases to them. Whatever is in a message, nothing beyond the ceilings comes out.
 */

#define CARES_NO_DEPRECATED /* see lookup.c */

#include <ares.h>
#include <arpa/inet.h>

#include "net/lookup-internal.h"

LookupOutcome lookup_outcome_of_status(int status)
{
        switch (status) {
        case ARES_SUCCESS:
                return LOOKUP_ANSWER;
        case ARES_ENODATA:
                return LOOKUP_NO_DATA;
        case ARES_ETIMEOUT:
                return LOOKUP_TIMEOUT;
        case ARES_ECONNREFUSED:
        case ARES_ENOMEM:
                return LOOKUP_UNREACHABLE;
        default:
                return LOOKUP_BAD_ANSWER;
        }
}

void lookup_answer_done(LookupAnswer *a)
{
        for (size_t i = 0; i < a->n_caa; i++) {
                free(a->caa[i].tag);
                free(a->caa[i].value);
        }
        a->n_caa = 0;
}

static void add_address(LookupAnswer *a, int family, const void *address)
{
        /* The text of an address always fits. */
        (void) inet_ntop(family, address, a->addresses[a->n_addresses++], INET6_ADDRSTRLEN);
}

static LookupOutcome read_a(LookupAnswer *a, const unsigned char *data, int size)
{
        struct ares_addrttl found[LIMIT_DNS_ADDRESSES];
        int n = ELEMENTSOF(found), status = ares_parse_a_reply(data, size, NULL, found, &n);

        for (int i = 0; status == ARES_SUCCESS && i < n; i++)
                add_address(a, AF_INET, &found[i].ipaddr);
        return status == ARES_SUCCESS && n == 0 ? LOOKUP_NO_DATA : lookup_outcome_of_status(status);
}

static LookupOutcome read_aaaa(LookupAnswer *a, const unsigned char *data, int size)
{
        struct ares_addr6ttl found[LIMIT_DNS_ADDRESSES];
        int n = ELEMENTSOF(found), status = ares_parse_aaaa_reply(data, size, NULL, found, &n);

        for (int i = 0; status == ARES_SUCCESS && i < n; i++)
                add_address(a, AF_INET6, &found[i].ip6addr);
        return status == ARES_SUCCESS && n == 0 ? LOOKUP_NO_DATA : lookup_outcome_of_status(status);
}

/* Adds one record: flags, length of the tag, tag, value (RFC 8659 section 4.1). Return: 0, -EBADMSG,
 * -ENOMEM. */
static int caa_add(LookupAnswer *a, const unsigned char *data, size_t size)
{
        LookupCaa *c = &a->caa[a->n_caa];

        if (a->n_caa == LIMIT_DNS_CAA || size < 2 || data[1] == 0 || data[1] > size - 2)
                return -EBADMSG;
        *c = (LookupCaa){
                .flags = data[0],
                .tag = strndup((const char *) data + 2, data[1]),
                .size = size - 2 - data[1],
        };
        c->value = calloc(1, c->size + 1);
        a->n_caa++;
        if (!c->tag || !c->value)
                return -ENOMEM;
        memcpy(c->value, data + 2 + data[1], c->size);
        return 0;
}

/* What is left of a message. */
typedef struct Reader {
        const unsigned char *data, *at;
        int size;
} Reader;

/* The next octets, or NULL when there are not so many. */
static const unsigned char *reader_take(Reader *r, size_t size)
{
        const unsigned char *p = r->at;

        if (size > (size_t) (r->data + r->size - p))
                return NULL;
        r->at += size;
        return p;
}

static bool reader_skip_name(Reader *r)
{
        char *name = NULL;
        long n = 0;

        if (ares_expand_name(r->at, r->data, r->size, &name, &n) != ARES_SUCCESS)
                return false;
        ares_free_string(name);
        return reader_take(r, (size_t) n);
}

static unsigned get_u16(const unsigned char *p)
{
        return (unsigned) p[0] << 8 | p[1];
}

/* Return: 0, -EBADMSG, -ENOMEM. */
static int caa_read_record(LookupAnswer *a, Reader *r)
{
        const unsigned char *head = reader_skip_name(r) ? reader_take(r, 10) : NULL;
        const unsigned char *data = head ? reader_take(r, get_u16(head + 8)) : NULL;

        if (!data)
                return -EBADMSG;
        return get_u16(head) == TYPE_CAA ? caa_add(a, data, get_u16(head + 8)) : 0;
}

/*
 * Not by ares_parse_caa_reply(): to 1.18 an empty value, which permits nobody, is an error of the
 * whole answer. Half of the records would permit or forbid what the whole does not: all of them or
 * none.
 */
static LookupOutcome read_caa(LookupAnswer *a, const unsigned char *data, int size)
{
        Reader reader = { data, data + HEADER_SIZE, size };
        bool well = true;

        for (unsigned i = get_u16(data + 4); i > 0 && well; i--)
                well = reader_skip_name(&reader) && reader_take(&reader, 4);
        for (unsigned i = get_u16(data + 6); i > 0 && well; i--)
                well = caa_read_record(a, &reader) >= 0;
        if (well)
                return a->n_caa > 0 ? LOOKUP_ANSWER : LOOKUP_NO_DATA; /* none: an alias alone */
        lookup_answer_done(a);
        return LOOKUP_BAD_ANSWER;
}

LookupOutcome lookup_answer_read(
                LookupAnswer *a, LookupType type, const unsigned char *data, int size)
{
        switch (type) {
        case LOOKUP_A:
                return read_a(a, data, size);
        case LOOKUP_AAAA:
                return read_aaaa(a, data, size);
        case LOOKUP_CAA:
                return read_caa(a, data, size);
        }
        assert_not_reached();
}

const char *lookup_outcome_to_sentence(LookupOutcome outcome)
{
        switch (outcome) {
        case LOOKUP_ANSWER:
                return "there are records";
        case LOOKUP_NO_DATA:
                return "there are none";
        case LOOKUP_NO_NAME:
                return "the name does not exist";
        case LOOKUP_BOGUS:
                return "its DNSSEC signatures are wrong";
        case LOOKUP_SERVFAIL:
                return "the zone's name servers are broken or cannot be reached (SERVFAIL)";
        case LOOKUP_REFUSED:
                return "the name server asked refuses the question";
        case LOOKUP_BAD_ANSWER:
                return "the name server's answer makes no sense";
        case LOOKUP_TIMEOUT:
                return "no answer from the name server in time";
        case LOOKUP_UNREACHABLE:
                return "no name server can be reached";
        }
        assert_not_reached();
}
