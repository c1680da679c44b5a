/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* preflight-judge: what was seen, as a sentence that names the mend, or nothing when all is well. */

#include <arpa/inet.h>
#include <inttypes.h>

#include "base/text.h"
#include "base/timestamp.h"
#include "engine/preflight-internal.h"

/* A clock that is further off makes fresh certificates "not yet valid" (CAs backdate an hour), and
 * validations and nonces expire early. */
#define CLOCK_TOLERANCE (5 * USEC_PER_MIN)

/* A generation is 20 kB at most, and is written beside the one in force. */
#define DISK_BYTES (UINT64_C(1024) * 1024)
#define DISK_FILES UINT64_C(32)

/* --- addresses -------------------------------------------------------------------------------- */

static AddressKind kind_of_v4(uint32_t a)
{
        static const struct {
                uint32_t network, mask;
                AddressKind kind;
        } table[] = {
                { 0x00000000, 0xff000000, ADDRESS_NONE },    /* 0.0.0.0/8 */
                { 0x0a000000, 0xff000000, ADDRESS_PRIVATE }, /* 10.0.0.0/8 */
                { 0x64400000, 0xffc00000, ADDRESS_PRIVATE }, /* 100.64.0.0/10 */
                { 0x7f000000, 0xff000000, ADDRESS_PRIVATE }, /* 127.0.0.0/8 */
                { 0xa9fe0000, 0xffff0000, ADDRESS_PRIVATE }, /* 169.254.0.0/16 */
                { 0xac100000, 0xfff00000, ADDRESS_PRIVATE }, /* 172.16.0.0/12 */
                { 0xc0a80000, 0xffff0000, ADDRESS_PRIVATE }, /* 192.168.0.0/16 */
                { 0xe0000000, 0xe0000000, ADDRESS_NONE },    /* multicast, reserved, broadcast */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if ((a & table[i].mask) == table[i].network)
                        return table[i].kind;
        return ADDRESS_PUBLIC;
}

AddressKind preflight_address_kind(const char *address)
{
        struct in6_addr six;
        struct in_addr four;

        if (inet_pton(AF_INET, address, &four) == 1)
                return kind_of_v4(ntohl(four.s_addr));
        if (inet_pton(AF_INET6, address, &six) != 1)
                return ADDRESS_NONE;
        if (IN6_IS_ADDR_UNSPECIFIED(&six) || IN6_IS_ADDR_MULTICAST(&six) ||
                        IN6_IS_ADDR_V4MAPPED(&six))
                return ADDRESS_NONE;
        if (IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_LINKLOCAL(&six) ||
                        (six.s6_addr[0] & 0xfe) == 0xfc) /* fc00::/7 */
                return ADDRESS_PRIVATE;
        return ADDRESS_PUBLIC;
}

static bool is_nothing(LookupOutcome o)
{
        return o == LOOKUP_NO_DATA || o == LOOKUP_NO_NAME;
}

static const char *lookup_mend(LookupOutcome o)
{
        switch (o) {
        case LOOKUP_BOGUS:
                return "; CAs check them and refuse: sign the zone anew, or correct its DS record";
        case LOOKUP_SERVFAIL:
        case LOOKUP_BAD_ANSWER:
                return "; a CA that sees the same refuses: look after the zone's name servers";
        case LOOKUP_REFUSED:
        case LOOKUP_TIMEOUT:
        case LOOKUP_UNREACHABLE:
                return "; if that is so on this machine only, name another server in DnsServer=";
        case LOOKUP_ANSWER:
        case LOOKUP_NO_DATA:
        case LOOKUP_NO_NAME:
                return "";
        }
        assert_not_reached();
}

static char *describe_failed(const char *what, LookupOutcome o)
{
        return text_format("%s cannot be looked up: %s%s", what, lookup_outcome_to_sentence(o),
                        lookup_mend(o));
}

char *preflight_judge_addresses(LookupOutcome a, LookupOutcome aaaa, bool *ret_failed)
{
        bool a_failed = a != LOOKUP_ANSWER && !is_nothing(a);
        bool aaaa_failed = aaaa != LOOKUP_ANSWER && !is_nothing(aaaa);

        *ret_failed = a_failed && aaaa_failed;
        if (*ret_failed)
                return describe_failed("its addresses", a);
        if (a_failed)
                return describe_failed("its A records", a);
        if (aaaa_failed)
                return describe_failed("its AAAA records", aaaa);
        if (a == LOOKUP_ANSWER || aaaa == LOOKUP_ANSWER)
                return NULL;
        if (a == LOOKUP_NO_NAME)
                return strdup("the name does not exist; give it an A or AAAA record with the "
                              "address of this machine");
        return strdup("it has no address; give it an A or AAAA record with the one of this "
                      "machine");
}

/* --- our own answer --------------------------------------------------------------------------- */

/* RFC 8555 section 8.3: white space at the end does not count. */
static bool is_expected(const HttpClientResponse *r, const char *expected)
{
        const char *body = r->body;
        size_t n = r->body_size;

        while (n > 0 && strchr(" \t\r\n", body[n - 1]) && body[n - 1])
                n--;
        return r->status == 200 && n == strlen(expected) && memcmp(body, expected, n) == 0;
}

static const char *find_header(const HttpClientResponse *r, const char *name)
{
        for (size_t i = 0; i < r->n_headers; i++)
                if (strcasecmp(r->headers[i].name, name) == 0)
                        return r->headers[i].value;
        return NULL;
}

/* "port 80 of 192.0.2.1" */
static char *place(const ProbeFacts *f)
{
        return text_format("port %u of %s", f->port, f->address);
}

/* What is to be done where another server has the port. */
static char *way_out(const ProbeFacts *f)
{
        if (f->webroot)
                return text_format("show %s there as /.well-known/acme-challenge/", f->webroot);
        return strdup("let it pass /.well-known/acme-challenge/ on to HttpListen=, or use "
                      "Webroot=, or correct the address");
}

static char *describe_failure(const ProbeFacts *f, const char *where)
{
        bool six = strchr(f->address, ':');

        return text_format("from here, %s does not give renewd's answer: %s; let it in there, or "
                           "correct the %s record%s",
                        where, f->failure, six ? "AAAA" : "A", six ? " (CAs try IPv6 first)" : "");
}

static char *describe_redirect(const ProbeFacts *f, const char *where)
{
        const char *location = find_header(f->response, "Location");
        _cleanup_free_ char *shown = location ? text_escape(location, strlen(location),
                                                                LIMIT_PEER_TEXT)
                                              : NULL;

        if (!location)
                return text_format(
                                "%s redirects (status %u) to nowhere", where, f->response->status);
        if (f->response->status == 303 || f->response->status == 300)
                return text_format("%s redirects with status %u, which CAs do not follow; let it "
                                   "answer /.well-known/acme-challenge/ itself",
                                where, f->response->status);
        return text_format("%s redirects to %s: the CA will follow and must find the file there, "
                           "where renewd does not look; if it fails, take "
                           "/.well-known/acme-challenge/ out of the redirection",
                        where, shown ? shown : "another place");
}

static char *describe_other(const ProbeFacts *f, const char *where)
{
        _cleanup_free_ char *mend = way_out(f);
        unsigned status = f->response->status;

        if (!mend)
                return NULL;
        if (status == 200)
                return text_format("%s is answered by another web server, with another content; %s",
                                where, mend);
        if (status >= 502 && status <= 504)
                return text_format(
                                "%s is answered by a web server that cannot reach what is behind "
                                "it (status %u); compare its proxy_pass with HttpListen=",
                                where, status);
        return text_format("%s is answered by another web server, with status %u; %s", where,
                        status, mend);
}

char *preflight_judge_probe(const ProbeFacts *f)
{
        _cleanup_free_ char *where = place(f);

        if (!where)
                return NULL;
        if (f->failure)
                return describe_failure(f, where);
        if (is_expected(f->response, f->expected))
                return NULL;
        if (f->response->status >= 300 && f->response->status < 400)
                return describe_redirect(f, where);
        return describe_other(f, where);
}

/* --- the machine ------------------------------------------------------------------------------ */

char *preflight_judge_clock(uint64_t now, uint64_t ca_now, const char *ca)
{
        uint64_t off = now > ca_now ? now - ca_now : ca_now - now;
        char span[TIMESTAMP_MAX];

        if (ca_now == 0 || off <= CLOCK_TOLERANCE)
                return NULL;
        return text_format("the clock of this machine is %s %s that of %s; set it, and keep it "
                           "right with systemd-timesyncd or another NTP client",
                        timespan_format(span, off), now > ca_now ? "ahead of" : "behind", ca);
}

char *preflight_judge_disk(const DiskFacts *f)
{
        if (f->error != 0)
                return text_format("StateDirectory=%s cannot be written: %s; the new certificate "
                                   "could not be kept",
                                f->path, strerror(f->error));
        if (f->read_only)
                return text_format("StateDirectory=%s is on a file system that is mounted "
                                   "read-only; the new certificate could not be kept",
                                f->path);
        if (f->free_bytes < DISK_BYTES)
                return text_format("StateDirectory=%s has %" PRIu64 " kB left; make room, or the "
                                   "new certificate cannot be kept",
                                f->path, f->free_bytes / 1024);
        if (f->counts_files && f->free_files < DISK_FILES)
                return text_format("the file system of StateDirectory=%s has room for %" PRIu64
                                   " more files (inodes); remove some, or the new certificate "
                                   "cannot be kept",
                                f->path, f->free_files);
        return NULL;
}
