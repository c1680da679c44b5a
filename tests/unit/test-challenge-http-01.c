/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The challenge port on real sockets: exact tokens get their answer, others all get the same. */

#include "net-util.h"

#include <sys/prctl.h>

#include "base/limits.h"
#include "base/random.h"
#include "base/text.h"
#include "challenge/http-01.h"
#include "net/listen.h"
#include "scratch.h"

#define WELL_KNOWN "/.well-known/acme-challenge/"
#define TOKEN      "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define ANSWER     TOKEN ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"

typedef struct Fixture {
        Scratch scratch;
        sd_event *event;
        Http01 *http01;
        ChallengeSolver *solver;
        ConfigListen listens[4];
        ConfigDaemon config;
        unsigned port; /* of the inherited socket */
        unsigned n_seen;
        char *seen;
} Fixture;

static void on_seen(const char *token, void *userdata)
{
        Fixture *f = userdata;

        f->n_seen++;
        free(f->seen);
        f->seen = strdup(token);
}

static char *literal(const char *s)
{
        return (char *) (uintptr_t) s;
}

static Fixture *fixture_new(void)
{
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        scratch_open(&f->scratch);
        assert_int_equal(sd_event_new(&f->event), 0);
        assert_int_equal(http01_new(f->event, on_seen, f, &f->http01), 0);
        f->solver = http01_solver(f->http01);
        f->config.state_directory = literal("/var/lib/renewd");
        f->config.http_listen = f->listens;
        return f;
}

/* Listens; fails when there is a problem. */
static void assert_listens(Fixture *f, int expected)
{
        char *problem = NULL;

        assert_int_equal(http01_listen(f->http01, &f->config, &problem), expected);
        if (problem)
                fail_msg("%s", problem);
}

static int setup_nothing(void **state)
{
        *state = fixture_new();
        return 0;
}

static int setup(void **state)
{
        Fixture *f = fixture_new();
        int fd = listen_tcp("127.0.0.1", 0);

        assert_true(fd >= 0);
        f->port = port_of(fd);
        assert_int_equal(http01_add_socket(f->http01, fd), 0);
        assert_listens(f, 1);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(f->listens); i++) {
                free(f->listens[i].text);
                free(f->listens[i].host);
                free(f->listens[i].path);
        }
        http01_free(f->http01);
        sd_event_unref(f->event);
        scratch_close(&f->scratch);
        free(f->seen);
        free(f);
        return 0;
}

/* A port of the address that nobody listens on. */
static unsigned free_port(const char *host)
{
        _cleanup_close_ int fd = listen_tcp(host, 0);

        assert_true(fd >= 0);
        return port_of(fd);
}

static void configure_tcp(Fixture *f, const char *host, unsigned port)
{
        ConfigListen *l = &f->listens[f->config.n_http_listen++];

        l->text = text_format(strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
        l->host = strdup(host);
        l->port = port;
}

static void configure_unix(Fixture *f, const char *path)
{
        ConfigListen *l = &f->listens[f->config.n_http_listen++];

        l->text = strdup(path);
        l->path = strdup(path);
}

static void unconfigure(Fixture *f, size_t i)
{
        free(f->listens[i].text);
        free(f->listens[i].host);
        free(f->listens[i].path);
        f->listens[i] = f->listens[--f->config.n_http_listen];
        f->listens[f->config.n_http_listen] = (ConfigListen){ 0 };
}

static RenewChallenge challenge(const char *token, const char *key_authorization)
{
        return (RenewChallenge){
                .type = "http-01", .token = token, .key_authorization = key_authorization
        };
}

static void present(Fixture *f, const char *token, const char *key_authorization)
{
        RenewChallenge c = challenge(token, key_authorization);
        char *reason = NULL;

        if (challenge_present(f->solver, &c, &reason) < 0)
                fail_msg("%s", reason);
        assert_null(reason);
}

static void retract(Fixture *f, const char *token, const char *key_authorization)
{
        RenewChallenge c = challenge(token, key_authorization);

        challenge_retract(f->solver, &c);
}

static char *ask_on(Fixture *f, int fd, const char *request)
{
        send_text(fd, request);
        return read_to_end(f->event, fd);
}

/* One request on a connection of its own; the caller frees the answer. */
static char *ask(Fixture *f, const char *request)
{
        _cleanup_close_ int fd = connect_to("127.0.0.1", f->port);

        return ask_on(f, fd, request);
}

/* GET without a Host header that could matter, as sent; the caller frees the answer. */
static char *get(Fixture *f, const char *target)
{
        _cleanup_free_ char *request = text_format(
                        "GET %s HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", target);

        return ask(f, request);
}

static void assert_status(Fixture *f, const char *target, const char *status)
{
        _cleanup_free_ char *answer = get(f, target), *start = text_format("HTTP/1.1 %s", status);

        if (!has_prefix(answer, start))
                fail_msg("GET %s: %s", target, answer);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void test_answer(void **state)
{
        static const char *const hosts[] = { "Host: a.example\r\n", "Host: b.example:8080\r\n",
                "Host: 127.0.0.1\r\n", "Host: <script>\r\n", "Host: \r\n" };
        static const char *const parts[] = { "\r\nConnection: close\r\n",
                "\r\nContent-Length: 87\r\n", "\r\nX-Content-Type-Options: nosniff\r\n",
                "\r\nContent-Type: application/octet-stream\r\n", "\r\n\r\n" ANSWER };
        Fixture *f = *state;
        _cleanup_free_ char *old = NULL, *head = NULL;

        assert_string_equal(f->solver->vtable->name, "listener");
        present(f, TOKEN, ANSWER);
        for (size_t i = 0; i < ELEMENTSOF(hosts); i++) {
                _cleanup_free_ char *request = text_format(
                                "GET " WELL_KNOWN TOKEN " HTTP/1.1\r\n%sConnection: close\r\n\r\n",
                                hosts[i]);
                _cleanup_free_ char *answer = ask(f, request);

                /* these, in whatever order, and no other header */
                assert_starts(answer, "HTTP/1.1 200 OK\r\n");
                for (size_t n = 0; n < ELEMENTSOF(parts); n++)
                        assert_contains(answer, parts[n]);
                assert_int_equal(strlen(answer),
                                strlen("HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                       "Content-Length: 87\r\n"
                                       "X-Content-Type-Options: nosniff\r\n"
                                       "Content-Type: application/octet-stream\r\n\r\n" ANSWER));
                assert_int_equal(f->n_seen, i + 1);
                assert_string_equal(f->seen, TOKEN);
        }
        old = ask(f, "GET " WELL_KNOWN TOKEN " HTTP/1.0\r\n\r\n");
        assert_contains(old, " 200 OK\r\n");
        assert_contains(old, "\r\n\r\n" ANSWER);
        head = ask(f, "HEAD " WELL_KNOWN TOKEN " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_starts(head, "HTTP/1.1 200 OK\r\n");
        assert_contains(head, "Content-Length: 87\r\n");
        assert_lacks(head, ANSWER);
}

/* Nothing but the very bytes of the path. */
static void test_only_the_token(void **state)
{
        static const char *const targets[] = {
                WELL_KNOWN,
                WELL_KNOWN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-o",
                WELL_KNOWN TOKEN "A",
                WELL_KNOWN TOKEN "/",
                WELL_KNOWN TOKEN ".",
                WELL_KNOWN TOKEN "?",
                WELL_KNOWN TOKEN "?a=b",
                WELL_KNOWN TOKEN ";a",
                WELL_KNOWN TOKEN "#a",
                WELL_KNOWN TOKEN "%00",
                WELL_KNOWN TOKEN "%00A",
                WELL_KNOWN TOKEN "%0a",
                WELL_KNOWN TOKEN "%20",
                WELL_KNOWN "%65vaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA",
                WELL_KNOWN "EVAGXFADS6PSRB2LAV9IZF17DT3JUXGJ-PCT92WR-OA",
                WELL_KNOWN "evagxfads6psrb2lav9izf17dt3juxgj-pct92wr-oa",
                WELL_KNOWN "/" TOKEN,
                WELL_KNOWN "./" TOKEN,
                WELL_KNOWN "../acme-challenge/" TOKEN,
                "/" WELL_KNOWN TOKEN,
                "/.well-known//acme-challenge/" TOKEN,
                "/.well-known/acme-challenge%2f" TOKEN,
                "/%2ewell-known/acme-challenge/" TOKEN,
                "/.Well-Known/acme-challenge/" TOKEN,
                "/.well-known/acme-challenge" TOKEN,
                "/a" WELL_KNOWN TOKEN,
                "/" TOKEN,
                "/",
                "*",
                TOKEN,
                "http://a.example/",
                WELL_KNOWN ANSWER,
        };
        Fixture *f = *state;
        _cleanup_free_ char *constant = NULL;

        present(f, TOKEN, ANSWER);
        constant = get(f, "/");
        assert_starts(constant, "HTTP/1.1 404 Not Found\r\n");
        for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
                _cleanup_free_ char *answer = get(f, targets[i]);

                if (!streq(answer, constant))
                        fail_msg("%s: %s", targets[i], answer);
        }
        assert_int_equal(f->n_seen, 0);
        assert_status(f, WELL_KNOWN TOKEN, "200");
        assert_int_equal(f->n_seen, 1);
}

static void test_methods(void **state)
{
        static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS", "TRACE",
                "PROPFIND", "get" };
        Fixture *f = *state;

        present(f, TOKEN, ANSWER);
        for (size_t i = 0; i < ELEMENTSOF(methods); i++) {
                _cleanup_free_ char *request = text_format("%s " WELL_KNOWN TOKEN " HTTP/1.1\r\n"
                                                           "Host: a\r\nConnection: close\r\n\r\n",
                                methods[i]);
                _cleanup_free_ char *answer = ask(f, request);

                assert_lacks(answer, TOKEN);
                assert_starts(answer, "HTTP/1.1 4");
        }
        assert_int_equal(f->n_seen, 0);
}

/* 10,000 paths that nobody presented: one answer for all of them. */
static void test_nothing_is_reflected(void **state)
{
        static const char characters[] =
                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~!$&'()*"
                        "+,;=:@/%?<>\"\\^`{|}[]";
        Fixture *f = *state;
        _cleanup_free_ char *constant = NULL;
        _cleanup_close_ int fd = connect_to("127.0.0.1", f->port);

        present(f, TOKEN, ANSWER);
        send_text(fd, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        constant = read_answer(f->event, fd, false);
        for (unsigned i = 0; i < 10000; i++) {
                char path[200] = "";
                size_t size = 1 + random_u64() % (sizeof(path) - 1);
                _cleanup_free_ char *request = NULL, *answer = NULL;

                for (size_t n = 0; n < size - 1; n++)
                        path[n] = characters[random_u64() % (sizeof(characters) - 1)];
                request = text_format("GET %s%s HTTP/1.1\r\nHost: %s\r\nX: %s\r\n\r\n",
                                i % 2 ? WELL_KNOWN : "/", path, i % 3 ? "a.example" : path, path);
                send_text(fd, request);
                answer = read_answer(f->event, fd, false);
                if (!streq(answer, constant))
                        fail_msg("%s: %s", request, answer);
        }
        assert_int_equal(f->n_seen, 0);
}

/* --- redirects -------------------------------------------------------------------------------- */

static void test_redirect(void **state)
{
        static const struct {
                const char *target, *host, *location; /* NULL: 404 */
        } cases[] = {
                { "/", "a.example", "https://a.example/" },
                { "/a?b=c&d=%20%0d%0a", "a.example", "https://a.example/a?b=c&d=%20%0d%0a" },
                { "/", "a.example:80", "https://a.example/" },
                { "/", "A.Example:8080", "https://A.Example/" },
                { "/", "192.0.2.1", "https://192.0.2.1/" },
                { "/", "[2001:db8::1]:80", "https://[2001:db8::1]/" },
                { "/", "[2001:db8::1]", "https://[2001:db8::1]/" },
                { "//evil.example/", "a.example", "https://a.example//evil.example/" },
                { "/.well-known/", "a.example", "https://a.example/.well-known/" },
                /* never for challenges */
                { WELL_KNOWN, "a.example", NULL },
                { WELL_KNOWN "unknown", "a.example", NULL },
                /* no host that could stand in a URL as it is */
                { "/", "", NULL },
                { "/", "a.example/evil", NULL },
                { "/", "a.example:80:80", NULL },
                { "/", "a.example:", NULL },
                { "/", "a.example:99999", NULL },
                { "/", "a.example:evil", NULL },
                { "/", "a@evil.example", NULL },
                { "/", "a example", NULL },
                { "/", "a.example, b.example", NULL },
                { "/", "a\texample", NULL },
                { "/", "-a", NULL },
                { "/", ".a", NULL },
                { "/", "<script>", NULL },
                { "/", "a\"b", NULL },
                { "/", "a%0d%0aX-Evil:1", NULL },
                { "/",
                                "b\xc3\xbc"
                                "cher",
                                NULL },
                { "/", "[", NULL },
                { "/", "[]", NULL },
                { "/", "[::1", NULL },
                { "/", "[::1]evil", NULL },
                { "/", "[evil]", NULL },
                { "/", "[1.2.3.4]", NULL },
                { "http://evil.example/", "a.example", NULL },
                { "*", "a.example", NULL },
                { "/\xff", "a.example", NULL },
        };
        Fixture *f = *state;
        _cleanup_free_ char *constant = get(f, "/"), *none = NULL, *two = NULL, *post = NULL;
        char host[LIMIT_DNS_NAME + 2];

        f->config.http_fallback = CONFIG_FALLBACK_REDIRECT;
        assert_listens(f, 1); /* a reload says so to the listener that is there */
        present(f, TOKEN, ANSWER);
        assert_status(f, WELL_KNOWN TOKEN, "200");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *request = text_format(
                                "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                                cases[i].target, cases[i].host);
                _cleanup_free_ char *answer = ask(f, request), *location = NULL;

                if (!cases[i].location) {
                        if (!streq(answer, constant))
                                fail_msg("%s: %s", request, answer);
                        continue;
                }
                assert_starts(answer, "HTTP/1.1 308 Permanent Redirect\r\n");
                location = text_format("\r\nLocation: %s\r\n", cases[i].location);
                assert_contains(answer, location);
                assert_contains(answer, "\r\nContent-Length: 0\r\n");
        }
        none = ask(f, "GET / HTTP/1.0\r\n\r\n");
        assert_contains(none, " 404 Not Found\r\n");
        two = ask(f, "GET / HTTP/1.1\r\nHost: a.example\r\n\tX-Evil: 1\r\nConnection: "
                     "close\r\n\r\n");
        assert_lacks(two, "Evil");
        post = ask(f, "POST / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
        assert_string_equal(post, constant);
        /* the longest name, and one more */
        for (unsigned i = 0; i < 2; i++) {
                _cleanup_free_ char *request = NULL, *answer = NULL;

                memset(host, 'a', LIMIT_DNS_NAME + i);
                host[LIMIT_DNS_NAME + i] = '\0';
                request = text_format(
                                "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
                answer = ask(f, request);
                assert_starts(answer, i == 0 ? "HTTP/1.1 308" : "HTTP/1.1 404");
        }
        f->config.http_fallback = CONFIG_FALLBACK_NOT_FOUND;
        assert_listens(f, 1);
        assert_status(f, "/", "404");
}

/* --- tokens ----------------------------------------------------------------------------------- */

static void test_retract(void **state)
{
        Fixture *f = *state;

        retract(f, TOKEN, ANSWER);
        present(f, TOKEN, ANSWER);
        present(f, "another", "another.x");
        for (unsigned i = 0; i < 3; i++) /* kept, however often it is read */
                assert_status(f, WELL_KNOWN TOKEN, "200");
        retract(f, TOKEN, ANSWER);
        assert_status(f, WELL_KNOWN TOKEN, "404");
        assert_status(f, WELL_KNOWN "another", "200");
        retract(f, TOKEN, ANSWER);
        present(f, TOKEN, ANSWER);
        assert_status(f, WELL_KNOWN TOKEN, "200");
        retract(f, TOKEN, NULL); /* after a crash nobody knows the answer */
        assert_status(f, WELL_KNOWN TOKEN, "404");
}

/* Two orders that share a pending authorization: it stays until both are done. */
static void test_shared(void **state)
{
        Fixture *f = *state;

        present(f, TOKEN, ANSWER);
        present(f, TOKEN, ANSWER);
        retract(f, TOKEN, ANSWER);
        assert_status(f, WELL_KNOWN TOKEN, "200");
        retract(f, TOKEN, ANSWER);
        assert_status(f, WELL_KNOWN TOKEN, "404");
}

/* One token for two accounts: the last one counts, and the end of the first takes nothing away. */
static void test_replaced(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *answer = NULL;

        present(f, TOKEN, ANSWER);
        present(f, TOKEN, TOKEN ".other");
        retract(f, TOKEN, ANSWER);
        answer = get(f, WELL_KNOWN TOKEN);
        assert_contains(answer, "\r\n\r\n" TOKEN ".other");
        retract(f, TOKEN, TOKEN ".other");
        assert_status(f, WELL_KNOWN TOKEN, "404");
}

static void test_bad_tokens(void **state)
{
        static const char *const bad[] = { "", "a b", "../a", "a/b", "a%20", "a=", "é", "a\r\nb" };
        Fixture *f = *state;
        char longest[LIMIT_TOKEN + 2];
        char *reason = NULL;
        RenewChallenge c;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                c = challenge(bad[i], "x");
                assert_int_equal(challenge_present(f->solver, &c, &reason), -EINVAL);
                assert_contains(reason, "token");
                free(reason);
        }
        memset(longest, 'a', sizeof(longest) - 1);
        longest[LIMIT_TOKEN + 1] = '\0';
        c = challenge(longest, "x");
        assert_int_equal(challenge_present(f->solver, &c, &reason), -EINVAL);
        free(reason);
        longest[LIMIT_TOKEN] = '\0';
        present(f, longest, "x");
}

static void test_many_tokens(void **state)
{
        Fixture *f = *state;

        for (unsigned i = 0; i < 1000; i++) {
                _cleanup_free_ char *token = text_format("token-%u", i);
                _cleanup_free_ char *key_authorization = text_format("%s.x", token);

                present(f, token, key_authorization);
        }
        for (unsigned i = 0; i < 1000; i += 37) {
                _cleanup_free_ char *target = text_format(WELL_KNOWN "token-%u", i);
                _cleanup_free_ char *answer = get(f, target);
                _cleanup_free_ char *end = text_format("\r\n\r\ntoken-%u.x", i);

                assert_contains(answer, end);
        }
}

/* --- sockets ---------------------------------------------------------------------------------- */

/* A web server in front of us brings more visitors than any other address may. */
static void test_many_over_loopback(void **state)
{
        enum {
                N = LIMIT_HTTP_01_PER_ADDRESS + 50,
        };
        Fixture *f = *state;
        int fds[N];

        present(f, TOKEN, ANSWER);
        for (size_t i = 0; i < N; i++) {
                fds[i] = connect_to("127.0.0.1", f->port);
                loop_turn(f->event);
        }
        for (size_t i = 0; i < N; i++) {
                _cleanup_free_ char *answer = ask_on(f, fds[i],
                                "GET " WELL_KNOWN TOKEN " HTTP/1.1\r\nHost: a\r\nConnection: "
                                "close\r\n\r\n");

                assert_starts(answer, "HTTP/1.1 200 OK");
                (void) close_fd(fds[i]);
        }
}

static int connect_from(const char *source, unsigned port)
{
        struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(inet_pton(AF_INET, source, &from.sin_addr), 1);
        assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &to.sin_addr), 1);
        to.sin_port = htons((uint16_t) port);
        assert_return_code(bind(fd, (struct sockaddr *) &from, sizeof(from)), errno);
        assert_return_code(connect(fd, (struct sockaddr *) &to, sizeof(to)), errno);
        return fd;
}

/* One address cannot take all connections; the others are answered. */
static void test_one_address_has_its_share(void **state)
{
        Fixture *f = *state;
        int fds[LIMIT_HTTP_01_PER_ADDRESS], more, other;
        _cleanup_free_ char *answer = NULL;
        Buffer b = BUFFER_INIT(1000);

        f->port = free_port("0.0.0.0");
        configure_tcp(f, "0.0.0.0", f->port);
        assert_listens(f, 1);
        present(f, TOKEN, ANSWER);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                fds[i] = connect_from("127.0.0.77", f->port);
                loop_turn(f->event);
        }
        more = connect_from("127.0.0.77", f->port);
        loop_until(f->event, take_bytes(more, &b));
        assert_int_equal(b.size, 0);
        other = connect_from("127.0.0.78", f->port);
        answer = ask_on(f, other,
                        "GET " WELL_KNOWN TOKEN " HTTP/1.1\r\nHost: a\r\nConnection: "
                        "close\r\n\r\n");
        assert_starts(answer, "HTTP/1.1 200 OK");
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                (void) close_fd(fds[i]);
        (void) close_fd(more);
        (void) close_fd(other);
        buffer_done(&b);
}

static void test_nothing_listens(void **state)
{
        Fixture *f = *state;
        RenewChallenge c = challenge(TOKEN, ANSWER);
        char *reason = NULL;

        assert_int_equal(challenge_present(f->solver, &c, &reason), -EADDRNOTAVAIL);
        assert_non_null(reason);
        free(reason);
        retract(f, TOKEN, ANSWER);
}

/* Port 80 taken is the usual case: who has it, and three ways out with lines to paste. */
static void test_taken(void **state)
{
        static const char *const parts[] = { "(1) free the port", "systemctl disable --now",
                "renewctl reload", "(2) ", "'HttpListen=127.0.0.1:8402'",
                "'location /.well-known/acme-challenge/ { proxy_pass http://127.0.0.1:8402; }'",
                "(3) ", "'Webroot=/var/lib/renewd/webroot'",
                "'location /.well-known/acme-challenge/ { alias /var/lib/renewd/webroot/; }'" };
        Fixture *f = *state;
        int taken = listen_tcp("127.0.0.1", 0);
        _cleanup_free_ char *start = NULL, *problem = NULL, *reason = NULL;
        RenewChallenge c = challenge(TOKEN, ANSWER);
        char name[16] = "";

        assert_true(taken >= 0);
        f->port = port_of(taken);
        configure_tcp(f, "127.0.0.1", f->port);
        assert_int_equal(http01_listen(f->http01, &f->config, &problem), 0);
        assert_non_null(problem);
        /* it is this very program */
        assert_return_code(prctl(PR_GET_NAME, name), errno);
        start = text_format("cannot listen on 127.0.0.1:%u: it is taken by %s (pid %d). Three ways "
                            "out: ",
                        f->port, name, (int) getpid());
        assert_starts(problem, start);
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                assert_contains(problem, parts[i]);
        assert_int_equal(challenge_present(f->solver, &c, &reason), -EADDRNOTAVAIL);
        assert_string_equal(reason, problem);

        /* the port is free again, and a reload is all that it takes */
        (void) close_fd(taken);
        assert_listens(f, 1);
        present(f, TOKEN, ANSWER);
        assert_status(f, WELL_KNOWN TOKEN, "200");
}

/* One address that fails is no reason to fail for the others; each failure is told. */
static void test_one_of_several(void **state)
{
        Fixture *f = *state;
        int taken = listen_tcp("127.0.0.1", 0);
        _cleanup_free_ char *problem = NULL, *second = NULL;

        configure_tcp(f, "127.0.0.1", port_of(taken));
        f->port = free_port("127.0.0.1");
        configure_tcp(f, "127.0.0.1", f->port);
        configure_unix(f, "/nowhere/to/be/found.sock");
        assert_int_equal(http01_listen(f->http01, &f->config, &problem), 1);
        assert_contains(problem, "it is taken by ");
        assert_contains(problem, "; cannot listen on /nowhere/to/be/found.sock: No such file");
        present(f, TOKEN, ANSWER);
        assert_status(f, WELL_KNOWN TOKEN, "200");
        assert_int_equal(http01_listen(f->http01, &f->config, &second), 1);
        assert_string_equal(second, problem);
        (void) close_fd(taken);
}

static void test_families(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *path = text_format("%s/http.sock", f->scratch.path);
        _cleanup_free_ char *a = NULL, *b = NULL, *c = NULL;
        int fds[3];

        f->port = free_port("127.0.0.1");
        configure_tcp(f, "127.0.0.1", f->port);
        configure_tcp(f, "::1", f->port);
        configure_unix(f, path);
        assert_listens(f, 3);
        assert_int_equal(scratch_mode(f->scratch.fd, "http.sock"), 0666);
        present(f, TOKEN, ANSWER);
        fds[0] = connect_to("127.0.0.1", f->port);
        fds[1] = connect_to("::1", f->port);
        fds[2] = connect_to_path(path);
        a = ask_on(f, fds[0], "GET " WELL_KNOWN TOKEN " HTTP/1.0\r\n\r\n");
        b = ask_on(f, fds[1], "GET " WELL_KNOWN TOKEN " HTTP/1.0\r\n\r\n");
        c = ask_on(f, fds[2], "GET " WELL_KNOWN TOKEN " HTTP/1.0\r\n\r\n");
        assert_contains(a, ANSWER);
        assert_string_equal(b, a);
        assert_string_equal(c, a);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                (void) close_fd(fds[i]);
        /* the socket's name goes with its listener */
        unconfigure(f, 2);
        assert_listens(f, 2);
        assert_false(scratch_exists(f->scratch.fd, "http.sock"));
}

/* A reload touches what changed and nothing else: connections of the others go on. */
static void test_reload(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *one = NULL, *two = NULL, *three = NULL;
        unsigned other = free_port("127.0.0.1");
        int kept, dropped;
        Buffer b = BUFFER_INIT(10000);

        f->port = free_port("127.0.0.2");
        configure_tcp(f, "127.0.0.1", other);
        configure_tcp(f, "127.0.0.2", f->port);
        assert_listens(f, 2);
        present(f, TOKEN, ANSWER);
        kept = connect_to("127.0.0.2", f->port);
        dropped = connect_to("127.0.0.1", other);
        send_text(kept, "GET " WELL_KNOWN TOKEN " HTTP/1.1\r\nHost: a\r\n\r\n");
        one = read_answer(f->event, kept, false);
        send_text(kept, "GET " WELL_KNOWN TOKEN " HT"); /* in the middle of a request */
        loop_for(f->event, 10 * USEC_PER_MSEC);

        unconfigure(f, 0);
        configure_tcp(f, "127.0.0.3", f->port);
        assert_listens(f, 2);
        loop_until(f->event, take_bytes(dropped, &b));
        assert_int_equal(b.size, 0);
        send_text(kept, "TP/1.1\r\nHost: a\r\n\r\n");
        two = read_answer(f->event, kept, false);
        assert_string_equal(two, one); /* and the token, too */
        (void) close_fd(dropped);
        dropped = connect_to("127.0.0.3", f->port);
        three = ask_on(f, dropped, "GET " WELL_KNOWN TOKEN " HTTP/1.0\r\n\r\n");
        assert_contains(three, ANSWER);
        (void) close_fd(dropped);
        (void) close_fd(kept);
        buffer_done(&b);
}

/* Sockets of systemd: used where no address is written or theirs is, kept while others are, never
 * bound twice. */
static void test_inherited(void **state)
{
        Fixture *f = *state;
        unsigned inherited = f->port, own = free_port("127.0.0.1");
        int early = connect_to("127.0.0.1", inherited);
        _cleanup_free_ char *answer = NULL;
        Buffer b = BUFFER_INIT(1000);

        present(f, TOKEN, ANSWER);
        /* its own address, written down: the same listener */
        configure_tcp(f, "127.0.0.1", inherited);
        assert_listens(f, 1);
        answer = ask_on(f, early, "GET " WELL_KNOWN TOKEN " HTTP/1.0\r\n\r\n");
        assert_contains(answer, ANSWER);
        (void) close_fd(early);
        /* another one: nobody answers there, and whoever comes waits in its queue */
        unconfigure(f, 0);
        configure_tcp(f, "127.0.0.1", own);
        assert_listens(f, 1);
        f->port = own;
        assert_status(f, WELL_KNOWN TOKEN, "200");
        early = connect_to("127.0.0.1", inherited);
        send_text(early, "GET " WELL_KNOWN TOKEN " HTTP/1.0\r\n\r\n");
        loop_for(f->event, 50 * USEC_PER_MSEC);
        assert_false(take_bytes(early, &b));
        /* and back */
        unconfigure(f, 0);
        assert_listens(f, 1);
        loop_until(f->event, take_bytes(early, &b));
        assert_contains(b.data, ANSWER);
        (void) close_fd(early);
        buffer_done(&b);
}

/* A blocking one, as systemd gives them by default; and of each family. */
static void test_inherited_kinds(void **state)
{
        Fixture *f = *state;
        _cleanup_free_ char *path = text_format("%s/inherited.sock", f->scratch.path);
        _cleanup_free_ char *a = NULL, *b = NULL;
        int fds[] = { listen_tcp("::1", 0), listen_unix(path, 0600) }, six, un;
        unsigned port = port_of(fds[0]);

        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                assert_true(fds[i] >= 0);
                assert_int_equal(fcntl(fds[i], F_SETFL, 0), 0);
                assert_int_equal(http01_add_socket(f->http01, fds[i]), 0);
        }
        assert_int_equal(http01_add_socket(f->http01, open("/dev/null", O_RDONLY)), -ENOTSOCK);
        assert_listens(f, 3);
        present(f, TOKEN, ANSWER);
        six = connect_to("::1", port);
        un = connect_to_path(path);
        a = ask_on(f, six, "GET " WELL_KNOWN TOKEN " HTTP/1.0\r\n\r\n");
        b = ask_on(f, un, "GET " WELL_KNOWN TOKEN " HTTP/1.0\r\n\r\n");
        assert_contains(a, ANSWER);
        assert_string_equal(a, b);
        (void) close_fd(six);
        (void) close_fd(un);
        /* its name is systemd's */
        configure_tcp(f, "127.0.0.1", f->port);
        assert_listens(f, 1);
        assert_true(scratch_exists(f->scratch.fd, "inherited.sock"));
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define N(test) cmocka_unit_test_setup_teardown(test, setup_nothing, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_answer),
                T(test_only_the_token),
                T(test_methods),
                T(test_nothing_is_reflected),
                T(test_redirect),
                T(test_retract),
                T(test_shared),
                T(test_replaced),
                T(test_bad_tokens),
                T(test_many_tokens),
                T(test_many_over_loopback),
                N(test_one_address_has_its_share),
                N(test_nothing_listens),
                N(test_taken),
                N(test_one_of_several),
                N(test_families),
                N(test_reload),
                T(test_inherited),
                T(test_inherited_kinds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
