/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lookup: c-ares on an sd-event loop.
 *
 * c-ares tells us which sockets to watch (on_socket_state) and when it wants to act again
 * (ares_timeout); each socket is one IO source, the time one timer. Queries are built and answers
 * read here rather than by ares_query(): that way the response code arrives as it was sent
 * (ARES_FLAG_NOCHECKRESP), where c-ares makes "connection refused" of a SERVFAIL, and the CD bit
 * can be set.
 *
 * A validating server says SERVFAIL for wrong DNSSEC signatures and for dead servers alike. The
 * same question with the CD bit (RFC 4035 section 3.2.2: do not check) tells them apart: what is
 * answered then was held back for its signatures.
 *
 * c-ares cannot cancel one query of several. So what it holds is a Query, which outlives a Lookup
 * that was cancelled or has run out of time, and knows its Lookup no more; it ends by c-ares'
 * own count of tries. Handlers are called from a `deliver` source, one for each turn of the loop,
 * and never within c-ares, which does not survive that its channel is destroyed in a callback.
 *
 * Ownership: the resolver owns look-ups and queries; it belongs to its maker.
 */

#define CARES_NO_DEPRECATED /* the functions that 1.18 has; newer ones have others besides */

#include <ares.h>
#include <arpa/inet.h>
#include <sys/epoll.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/timestamp.h"
#include "net/lookup-internal.h"

/* UDP gets lost: asked again after one second, and after two more. */
#define TRY_MSEC 1000
#define N_TRIES  3

typedef struct Query {
        Lookup *lookup; /* NULL: nobody waits any more */
} Query;

struct Lookup {
        Resolver *resolver;
        Lookup *prev, *next;                   /* Resolver.lookups */
        Lookup *finished_prev, *finished_next; /* Resolver.finished */
        bool finished;                         /* it is in that list */
        bool delivering;
        char *name;
        LookupType type;
        LookupHandler handler;
        void *userdata;

        Query *query;           /* what c-ares works at; owned by its callback */
        bool unchecked;         /* the second question: SERVFAIL was the answer to the first */
        sd_event_source *limit; /* the end of its time */

        LookupAnswer answer;
};

typedef struct ResolverSocket {
        struct ResolverSocket *prev, *next;
        int fd;
        sd_event_source *source;
} ResolverSocket;

struct Resolver {
        sd_event *event;
        ares_channel channel;
        bool library;
        uint64_t limit_usec;
        sd_event_source *timer;   /* c-ares' */
        sd_event_source *deliver; /* calls handlers of what is finished */
        ResolverSocket *sockets;
        Lookup *lookups, *finished;
};

/* --- look-ups --------------------------------------------------------------------------------- */

static Lookup *lookup_free(Lookup *l)
{
        if (!l)
                return NULL;
        if (l->query)
                l->query->lookup = NULL;
        lookup_answer_done(&l->answer);
        sd_event_source_disable_unref(l->limit);
        free(l->name);
        free(l);
        return NULL;
}

/* Hands a look-up that ended, in whatever way, to the deliver source. */
static void lookup_finish(Lookup *l, LookupOutcome outcome)
{
        Resolver *r = l->resolver;

        if (l->query)
                l->query->lookup = NULL;
        l->query = NULL;
        l->answer.outcome = outcome;
        l->finished = true;
        (void) sd_event_source_set_enabled(l->limit, SD_EVENT_OFF);
        DL_APPEND2(r->finished, l, finished_prev, finished_next);
        (void) sd_event_source_set_enabled(r->deliver, SD_EVENT_ONESHOT);
}

static int on_deliver(sd_event_source *s, void *userdata)
{
        Resolver *r = userdata;
        Lookup *l = r->finished;

        if (!l)
                return 0;
        DL_DELETE2(r->finished, l, finished_prev, finished_next);
        if (r->finished)
                (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        /* The handler may free the resolver and all that is in it; the look-up is ours by now. */
        DL_DELETE(r->lookups, l);
        l->delivering = true;
        l->handler(&l->answer, l->userdata);
        lookup_free(l);
        return 0;
}

static int on_limit(sd_event_source *s, uint64_t usec, void *userdata)
{
        Lookup *l = userdata;

        lookup_finish(l, l->unchecked ? LOOKUP_SERVFAIL : LOOKUP_TIMEOUT);
        return 0;
}

Lookup *lookup_cancel(Lookup *l)
{
        /* From within its own handler: it ends there anyway. */
        if (!l || l->delivering)
                return NULL;
        if (l->finished)
                DL_DELETE2(l->resolver->finished, l, finished_prev, finished_next);
        DL_DELETE(l->resolver->lookups, l);
        return lookup_free(l);
}

/* --- answers ---------------------------------------------------------------------------------- */

static int lookup_ask(Lookup *l);

static void lookup_on_answer(Lookup *l, const unsigned char *data, int size)
{
        LookupOutcome outcome;

        switch (data[3] & RCODE_MASK) {
        case RCODE_OK:
                outcome = l->unchecked ? LOOKUP_BOGUS
                                       : lookup_answer_read(&l->answer, l->type, data, size);
                break;
        case RCODE_NXDOMAIN:
                outcome = l->unchecked ? LOOKUP_BOGUS : LOOKUP_NO_NAME;
                break;
        case RCODE_SERVFAIL:
                if (!l->unchecked) {
                        l->unchecked = true;
                        if (lookup_ask(l) >= 0)
                                return;
                }
                outcome = LOOKUP_SERVFAIL;
                break;
        default:
                outcome = l->unchecked ? LOOKUP_SERVFAIL : LOOKUP_REFUSED;
                break;
        }
        lookup_finish(l, outcome);
}

/* c-ares calls this once for each query, whatever becomes of it. */
static void on_query(void *userdata, int status, int timeouts, unsigned char *data, int size)
{
        Query *q = userdata;
        Lookup *l = q->lookup;

        free(q);
        if (!l)
                return;
        l->query = NULL;
        if (status == ARES_SUCCESS && data && size >= HEADER_SIZE)
                lookup_on_answer(l, data, size);
        else
                lookup_finish(l, l->unchecked ? LOOKUP_SERVFAIL : lookup_outcome_of_status(status));
}

/* --- questions -------------------------------------------------------------------------------- */

static int query_type(LookupType type)
{
        switch (type) {
        case LOOKUP_A:
                return TYPE_A;
        case LOOKUP_AAAA:
                return TYPE_AAAA;
        case LOOKUP_CAA:
                return TYPE_CAA;
        }
        assert_not_reached();
}

/* Sends one query; it may be answered within. Return: 0, -ENOMEM, -EINVAL for a bad name. */
static int lookup_ask(Lookup *l)
{
        unsigned char *packet = NULL;
        int size, status;
        Query *q;

        status = ares_create_query(l->name, CLASS_IN, query_type(l->type),
                        (unsigned short) random_u64(), 1, &packet, &size, 0);
        if (status != ARES_SUCCESS)
                return status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
        if (l->unchecked)
                packet[3] |= BIT_CD;
        q = calloc(1, sizeof(*q));
        if (q) {
                q->lookup = l;
                l->query = q;
                ares_send(l->resolver->channel, packet, size, on_query, q);
        }
        ares_free_string(packet);
        return q ? 0 : -ENOMEM;
}

/* --- the loop --------------------------------------------------------------------------------- */

static void resolver_arm(Resolver *r)
{
        struct timeval tv;

        if (!ares_timeout(r->channel, NULL, &tv)) {
                (void) sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
                return;
        }
        (void) sd_event_source_set_time_relative(
                        r->timer, (uint64_t) tv.tv_sec * USEC_PER_SEC + (uint64_t) tv.tv_usec);
        (void) sd_event_source_set_enabled(r->timer, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
        Resolver *r = userdata;
        bool failed = events & (EPOLLERR | EPOLLHUP);

        ares_process_fd(r->channel, events & EPOLLIN || failed ? fd : ARES_SOCKET_BAD,
                        events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
        resolver_arm(r);
        return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        Resolver *r = userdata;

        ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        resolver_arm(r);
        return 0;
}

static ResolverSocket *socket_add(Resolver *r, int fd)
{
        ResolverSocket *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        s->fd = fd;
        if (sd_event_add_io(r->event, &s->source, fd, 0, on_io, r) < 0) {
                free(s);
                return NULL;
        }
        (void) sd_event_source_set_description(s->source, "lookup-socket");
        DL_APPEND(r->sockets, s);
        return s;
}

static void socket_drop(Resolver *r, ResolverSocket *s)
{
        DL_DELETE(r->sockets, s);
        sd_event_source_disable_unref(s->source);
        free(s);
}

/* A socket that cannot be watched (no memory) is one whose server is silent. */
static void on_socket_state(void *userdata, ares_socket_t fd, int readable, int writable)
{
        Resolver *r = userdata;
        ResolverSocket *s;

        DL_SEARCH_SCALAR(r->sockets, s, fd, fd);
        if (!readable && !writable) {
                if (s)
                        socket_drop(r, s); /* before it is closed */
                return;
        }
        if (!s)
                s = socket_add(r, fd);
        if (s)
                (void) sd_event_source_set_io_events(
                                s->source, (readable ? (uint32_t) EPOLLIN : 0) |
                                                           (writable ? (uint32_t) EPOLLOUT : 0));
}

/* --- life ------------------------------------------------------------------------------------- */

static int resolver_add_sources(Resolver *r)
{
        int n = sd_event_add_time(
                        r->event, &r->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_timer, r);

        if (n < 0)
                return n;
        (void) sd_event_source_set_description(r->timer, "lookup-timer");
        n = sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
        if (n < 0)
                return n;
        n = sd_event_add_defer(r->event, &r->deliver, on_deliver, r);
        if (n < 0)
                return n;
        (void) sd_event_source_set_description(r->deliver, "lookup-deliver");
        return sd_event_source_set_enabled(r->deliver, SD_EVENT_OFF);
}

static int resolver_open_channel(Resolver *r, const char *server)
{
        struct ares_options options = {
                .flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
                .timeout = TRY_MSEC,
                .tries = N_TRIES,
                .sock_state_cb = on_socket_state,
                .sock_state_cb_data = r,
        };
        int status = ares_library_init(ARES_LIB_INIT_ALL);

        r->library = status == ARES_SUCCESS;
        if (status == ARES_SUCCESS)
                status = ares_init_options(&r->channel, &options,
                                ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                                ARES_OPT_SOCK_STATE_CB);
        if (status == ARES_SUCCESS && server)
                status = ares_set_servers_ports_csv(r->channel, server);
        switch (status) {
        case ARES_SUCCESS:
                return 0;
        case ARES_ENOMEM:
                return -ENOMEM;
        case ARES_EFILE: /* resolv.conf cannot be read */
                return -EIO;
        default:
                return -EINVAL;
        }
}

int resolver_new(sd_event *event, const char *server, uint64_t limit_usec, Resolver **ret)
{
        _cleanup_(resolver_freep) Resolver *r = calloc(1, sizeof(*r));
        int n;

        if (!r)
                return -ENOMEM;
        r->event = sd_event_ref(event);
        r->limit_usec = limit_usec;
        n = resolver_add_sources(r);
        if (n >= 0)
                n = resolver_open_channel(r, server);
        if (n < 0)
                return n;
        *ret = TAKE_PTR(r);
        return 0;
}

Resolver *resolver_free(Resolver *r)
{
        Lookup *l, *next;
        ResolverSocket *s, *next_socket;

        if (!r)
                return NULL;
        DL_FOREACH_SAFE (r->lookups, l, next)
                lookup_free(l);
        /* Calls on_query() for what is under way, and on_socket_state(). */
        if (r->channel)
                ares_destroy(r->channel);
        DL_FOREACH_SAFE (r->sockets, s, next_socket)
                socket_drop(r, s);
        if (r->library)
                ares_library_cleanup();
        sd_event_source_disable_unref(r->timer);
        sd_event_source_disable_unref(r->deliver);
        sd_event_unref(r->event);
        free(r);
        return NULL;
}

static int lookup_add_limit(Lookup *l)
{
        Resolver *r = l->resolver;
        int n = sd_event_add_time(r->event, &l->limit, CLOCK_MONOTONIC,
                        usec_add(clock_monotonic_usec(), r->limit_usec), USEC_PER_MSEC, on_limit,
                        l);

        if (n >= 0)
                (void) sd_event_source_set_description(l->limit, "lookup-limit");
        return n;
}

int lookup_start(Resolver *r, const char *name, LookupType type, LookupHandler handler,
                void *userdata, Lookup **ret)
{
        Lookup *l = calloc(1, sizeof(*l));
        int n;

        if (!l)
                return -ENOMEM;
        *l = (Lookup){ .resolver = r, .type = type, .handler = handler, .userdata = userdata };
        l->name = strdup(name);
        n = l->name ? lookup_add_limit(l) : -ENOMEM;
        DL_APPEND(r->lookups, l);
        if (n >= 0)
                n = lookup_ask(l);
        if (n < 0) {
                DL_DELETE(r->lookups, l);
                lookup_free(l);
                return n;
        }
        resolver_arm(r);
        *ret = l;
        return 0;
}
