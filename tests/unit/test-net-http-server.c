/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HTTP server on real sockets: what honest clients get, and what the others cannot do. */

#include "net-util.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "base/text.h"
#include "net/http-server.h"

typedef struct Fixture {
        sd_event *event;
        HttpServer *server;
        unsigned port;
        char *path; /* of a Unix socket */

        unsigned n_requests;
        bool keep; /* suspend instead of answering */
        HttpExchange *kept;
        unsigned n_gone;
        HttpPeer peer;
} Fixture;

static void on_gone(HttpExchange *x, void *userdata)
{
        Fixture *f = userdata;

        assert_ptr_equal(x, f->kept);
        f->kept = NULL;
        f->n_gone++;
}

/* Says what it saw, so that a test can see that the right thing came through. */
static void on_request(HttpExchange *x, void *userdata)
{
        Fixture *f = userdata;
        _cleanup_free_ char *text = NULL;
        const char *body, *path = http_exchange_path(x);
        size_t size;

        f->n_requests++;
        f->peer = *http_exchange_peer(x);
        if (f->keep) {
                f->kept = x;
                http_exchange_suspend(x, on_gone, f);
                return;
        }
        if (streq(path, "/silent"))
                return;
        if (streq(path, "/large")) {
                static const char large[16 * 1024 * 1024]; /* more than any socket buffer */

                assert_int_equal(http_exchange_reply(x, 200, NULL, large, sizeof(large), NULL), 0);
                return;
        }
        if (streq(path, "/moved")) {
                assert_int_equal(http_exchange_reply(x, 308, NULL, NULL, 0, "a\r\nX-Evil: 1"),
                                -EINVAL);
                assert_int_equal(http_exchange_reply(x, 308, NULL, NULL, 0, "https://there/"), 0);
                return;
        }
        body = http_exchange_body(x, &size);
        text = text_format("%s %s %s %zu", http_exchange_method(x), path, http_exchange_target(x),
                        size);
        assert_int_equal(http_exchange_reply(x, 200, "text/plain", text, strlen(text), NULL), 0);
        assert_int_equal(strlen(body), size);
}

static Fixture *fixture_new(int fd, const HttpServerOptions *options)
{
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        assert_true(fd >= 0);
        assert_int_equal(sd_event_new(&f->event), 0);
        assert_int_equal(http_server_new(f->event, fd, options, on_request, f, &f->server), 0);
        return f;
}

static const HttpServerOptions roomy = {
        .description = "test",
        .max_connections = 300,
        .max_body = 1000,
        .deadline_usec = PATIENCE,
};

static Fixture *fixture_tcp(const HttpServerOptions *options)
{
        int fd = listen_tcp("127.0.0.1", 0);
        unsigned port;
        Fixture *f;

        assert_true(fd >= 0);
        port = port_of(fd);
        f = fixture_new(fd, options);
        f->port = port;
        return f;
}

static void fixture_free(Fixture *f)
{
        http_server_free(f->server);
        sd_event_unref(f->event);
        if (f->path)
                (void) unlink(f->path);
        free(f->path);
        free(f);
}

/* One request on a connection of its own, which the client asks to close. */
static char *ask(Fixture *f, const char *request)
{
        _cleanup_close_ int fd = connect_to("127.0.0.1", f->port);

        send_text(fd, request);
        return read_to_end(f->event, fd);
}

static void test_keep_alive(void **state)
{
        Fixture *f = fixture_tcp(&roomy);
        _cleanup_close_ int fd = connect_to("127.0.0.1", f->port);

        for (unsigned i = 0; i < 5; i++) {
                _cleanup_free_ char *answer = NULL;

                send_text(fd, "GET /a%20b?c=d%0a HTTP/1.1\r\nHost: x\r\n\r\n");
                answer = read_answer(f->event, fd, false);
                assert_starts(answer, "HTTP/1.1 200 OK\r\n");
                assert_contains(answer, "\r\n\r\nGET /a b /a%20b?c=d%0a 0");
                assert_contains(answer, "X-Content-Type-Options: nosniff\r\n");
                assert_lacks(answer, "Date:");
                assert_lacks(answer, "Server:");
        }
        assert_int_equal(f->n_requests, 5);
        fixture_free(f);
}

static void test_head(void **state)
{
        Fixture *f = fixture_tcp(&roomy);
        _cleanup_free_ char *answer = ask(
                        f, "HEAD /h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        assert_starts(answer, "HTTP/1.1 200 OK\r\n");
        assert_contains(answer, "Content-Length: 12\r\n");
        assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
        fixture_free(f);
}

static void test_location(void **state)
{
        Fixture *f = fixture_tcp(&roomy);
        _cleanup_free_ char *answer = ask(
                        f, "GET /moved HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        assert_starts(answer, "HTTP/1.1 308 ");
        assert_contains(answer, "\r\nLocation: https://there/\r\n");
        assert_lacks(answer, "X-Evil");
        fixture_free(f);
}

static void test_unanswered_closes(void **state)
{
        Fixture *f = fixture_tcp(&roomy);
        _cleanup_free_ char *answer = ask(f, "GET /silent HTTP/1.1\r\nHost: x\r\n\r\n");

        assert_string_equal(answer, "");
        assert_int_equal(f->n_requests, 1);
        fixture_free(f);
}

static void test_body(void **state)
{
        Fixture *f = fixture_tcp(&roomy);
        char request[2000];

        for (size_t size = 999; size <= 1001; size++) {
                _cleanup_free_ char *answer = NULL;
                int n = snprintf(request, sizeof(request),
                                "POST /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                "Content-Length: %zu\r\n\r\n",
                                size);

                memset(request + n, 'b', size);
                request[(size_t) n + size] = '\0';
                answer = ask(f, request);
                if (size <= 1000) {
                        char expected[40];

                        (void) snprintf(expected, sizeof(expected), "\r\n\r\nPOST /p /p %zu", size);
                        assert_contains(answer, expected);
                } else
                        assert_starts(answer, "HTTP/1.1 413 ");
        }
        assert_int_equal(f->n_requests, 2);
        fixture_free(f);
}

static void test_body_refused_closes(void **state)
{
        static const char *const requests[] = {
                /* none of them has its body sent: the answer has to come all the same */
                "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000000\r\n\r\n",
                "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: "
                "18446744073709551614\r\n\r\n",
                "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
                "GET /p HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                "GET /p HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: "
                "100-continue\r\n\r\n",
        };
        Fixture *f = fixture_tcp(&roomy);

        for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
                _cleanup_free_ char *answer = ask(f, requests[i]);

                assert_starts(answer, "HTTP/1.1 4");
                assert_int_equal(f->n_requests, 0);
        }
        fixture_free(f);
}

static void test_no_body_at_all(void **state)
{
        HttpServerOptions options = roomy;
        Fixture *f;

        options.max_body = 0;
        f = fixture_tcp(&options);
        for (unsigned i = 0; i < 2; i++) {
                _cleanup_free_ char *answer = ask(
                                f, i == 0 ? "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                            "Content-Length: 0\r\n\r\n"
                                          : "GET / HTTP/1.1\r\nHost: x\r\n"
                                            "Content-Length: 1\r\n\r\nb");

                assert_starts(answer, i == 0 ? "HTTP/1.1 200 " : "HTTP/1.1 413 ");
        }
        fixture_free(f);
}

/* Nothing of a request may come back, whatever is wrong with it. */
static void test_malformed(void **state)
{
        static const char *const requests[] = {
                "EVIL\r\n\r\n",
                "GET /EVIL\r\n\r\n",
                "GET /EVIL HTTP/9.9\r\nEVIL: EVIL\r\n\r\n",
                "GET /EVIL HTTP/1.1\r\n\r\n",
                "GET /EVIL HTTP/1.1\r\nHost: EVIL\r\nEVIL\r\n\r\n",
                "GET /EVIL HTTP/1.1\r\nHost: x\r\nContent-Length: EVIL\r\n\r\n",
                "GET /EVIL HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        };
        HttpServerOptions options = roomy;
        Fixture *f;

        options.deadline_usec = USEC_PER_SEC / 2; /* some only wait for more */
        f = fixture_tcp(&options);
        f->keep = false;
        for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
                _cleanup_free_ char *answer = ask(f, requests[i]);

                if (!strstr(answer, " 200 ")) /* what MHD finds good enough is the handler's to
                                                 judge */
                        assert_lacks(answer, "EVIL");
        }
        fixture_free(f);
}

static void test_large_head(void **state)
{
        Fixture *f = fixture_tcp(&roomy);
        Buffer url = BUFFER_INIT(20000), headers = BUFFER_INIT(40000);
        _cleanup_free_ char *answer = NULL;

        assert_int_equal(buffer_append_string(&url, "GET /"), 0);
        for (unsigned i = 0; i < 1500; i++)
                assert_int_equal(buffer_append_string(&url, "EVILEVIL"), 0);
        assert_int_equal(buffer_append_string(&url, " HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
        answer = ask(f, url.data); /* 414, unless the reset for what was not read overtakes it */
        assert_lacks(answer, "EVIL");
        free(TAKE_PTR(answer));

        assert_int_equal(buffer_append_string(&headers, "GET / HTTP/1.1\r\nHost: x\r\n"), 0);
        for (unsigned i = 0; i < 2000; i++)
                assert_int_equal(buffer_append_format(&headers, "EVIL%u: c\r\n", i), 0);
        assert_int_equal(buffer_append_string(&headers, "\r\n"), 0);
        answer = ask(f, headers.data);
        assert_lacks(answer, "EVIL");
        assert_int_equal(f->n_requests, 0);
        buffer_done(&url);
        buffer_done(&headers);
        fixture_free(f);
}

static void test_nul_in_path(void **state)
{
        Fixture *f = fixture_tcp(&roomy);
        _cleanup_free_ char *answer = ask(
                        f, "GET /token%00/../x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        assert_contains(answer, "\r\n\r\nGET /token%00/../x /token%00/../x 0");
        fixture_free(f);
}

/* A client that sends a byte now and then is closed at the deadline, and others do not notice it.
 */
static void test_slow_client(void **state)
{
        HttpServerOptions options = roomy;
        uint64_t start, worst = 0;
        unsigned n_served = 0;
        Buffer slow = BUFFER_INIT(1000);
        int fd;
        Fixture *f;

        options.deadline_usec = USEC_PER_SEC;
        f = fixture_tcp(&options);
        fd = connect_to("127.0.0.1", f->port);
        send_text(fd, "GET / HTTP/1.1\r\nX: ");
        start = clock_monotonic_usec();
        while (!take_bytes(fd, &slow)) {
                uint64_t asked = clock_monotonic_usec();
                _cleanup_free_ char *answer = ask(
                                f, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

                assert_starts(answer, "HTTP/1.1 200 ");
                worst = MAX(worst, clock_monotonic_usec() - asked);
                n_served++;
                (void) send(fd, "x", 1, MSG_NOSIGNAL);
                loop_for(f->event, 20 * USEC_PER_MSEC);
                assert_true(clock_monotonic_usec() - start < PATIENCE);
        }
        assert_true(clock_monotonic_usec() - start >= options.deadline_usec * 9 / 10);
        assert_int_equal(slow.size, 0);
        assert_true(n_served >= 3);
        assert_true(worst < options.deadline_usec);
        buffer_done(&slow);
        (void) close_fd(fd);
        fixture_free(f);
}

/* A client that never reads its answer is closed as well. */
static void test_slow_reader(void **state)
{
        HttpServerOptions options = roomy;
        Fixture *f;
        int fd, error = 0;

        options.deadline_usec = USEC_PER_SEC / 2;
        f = fixture_tcp(&options);
        fd = connect_to("127.0.0.1", f->port);
        send_text(fd, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
        loop_until(f->event, f->n_requests == 1);
        /* The server's end is gone when the kernel refuses what we still send. */
        loop_until(f->event, send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
                                             (error = errno) != EAGAIN);
        assert_true(error == EPIPE || error == ECONNRESET);
        (void) close_fd(fd);
        fixture_free(f);
}

static unsigned count_open(sd_event *event, const int *fds, size_t n)
{
        unsigned n_open = 0;

        loop_for(event, 300 * USEC_PER_MSEC);
        for (size_t i = 0; i < n; i++) {
                Buffer b = BUFFER_INIT(1000);

                n_open += !take_bytes(fds[i], &b);
                buffer_done(&b);
        }
        return n_open;
}

static void test_cap_for_each_address(void **state)
{
        HttpServerOptions options = roomy;
        _cleanup_free_ char *answer = NULL;
        int fds[200], other;
        Fixture *f;

        options.max_per_address = 16;
        f = fixture_tcp(&options);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fds[i] = connect_to("127.0.0.1", f->port);
        assert_int_equal(count_open(f->event, fds, ELEMENTSOF(fds)), 16);

        /* Another address is served meanwhile. */
        other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_return_code(bind(other,
                                           (struct sockaddr *) &(struct sockaddr_in){
                                                           .sin_family = AF_INET,
                                                           .sin_addr.s_addr = htonl(0x7f000002) },
                                           sizeof(struct sockaddr_in)),
                        errno);
        assert_return_code(
                        connect(other,
                                        (struct sockaddr *) &(struct sockaddr_in){
                                                        .sin_family = AF_INET,
                                                        .sin_port = htons((uint16_t) f->port),
                                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
                                        sizeof(struct sockaddr_in)),
                        errno);
        send_text(other, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        answer = read_answer(f->event, other, false);
        assert_starts(answer, "HTTP/1.1 200 ");
        (void) close_fd(other);

        /* Room is free again when they leave. */
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                (void) close_fd(fds[i]);
        loop_for(f->event, 100 * USEC_PER_MSEC);
        free(answer);
        answer = ask(f, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_starts(answer, "HTTP/1.1 200 ");
        fixture_free(f);
}

/* Beyond the ceiling a connection waits in the kernel's queue until another one is late. */
static void test_cap_for_all(void **state)
{
        HttpServerOptions options = roomy;
        _cleanup_free_ char *answer = NULL;
        Fixture *f;
        int fds[10];

        options.max_connections = 10;
        options.deadline_usec = USEC_PER_SEC;
        f = fixture_tcp(&options);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fds[i] = connect_to("127.0.0.1", f->port);
        loop_for(f->event, 100 * USEC_PER_MSEC);
        answer = ask(f, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_starts(answer, "HTTP/1.1 200 ");
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                (void) close_fd(fds[i]);
        fixture_free(f);
}

static void test_suspended(void **state)
{
        HttpServerOptions options = roomy;
        _cleanup_free_ char *answer = NULL, *other = NULL;
        Fixture *f;
        int fd;

        options.deadline_usec = USEC_PER_SEC / 4;
        f = fixture_tcp(&options);
        f->keep = true;
        fd = connect_to("127.0.0.1", f->port);
        send_text(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
        loop_until(f->event, f->kept);
        f->keep = false;
        loop_for(f->event, USEC_PER_SEC / 2); /* no deadline meanwhile */
        other = ask(f, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_starts(other, "HTTP/1.1 200 ");
        assert_non_null(f->kept);

        assert_string_equal(http_exchange_path(f->kept), "/later");
        assert_int_equal(http_exchange_reply(f->kept, 202, "text/plain", "late", 4, NULL), 0);
        f->kept = NULL;
        answer = read_answer(f->event, fd, false);
        assert_starts(answer, "HTTP/1.1 202 ");
        assert_contains(answer, "\r\n\r\nlate");
        assert_int_equal(f->n_gone, 0);

        /* The connection is as good as before. */
        free(answer);
        send_text(fd, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
        answer = read_answer(f->event, fd, false);
        assert_contains(answer, "\r\n\r\nGET /next /next 0");
        (void) close_fd(fd);
        fixture_free(f);
}

static void test_suspended_peer_leaves(void **state)
{
        Fixture *f = fixture_tcp(&roomy);
        int fd = connect_to("127.0.0.1", f->port);

        f->keep = true;
        send_text(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
        loop_until(f->event, f->kept);
        (void) close_fd(fd);
        loop_until(f->event, f->n_gone == 1);
        loop_for(f->event, 100 * USEC_PER_MSEC);
        assert_int_equal(f->n_gone, 1);
        fixture_free(f);
}

static void test_free_with_suspended(void **state)
{
        Fixture *f = fixture_tcp(&roomy);
        int fd = connect_to("127.0.0.1", f->port);

        f->keep = true;
        send_text(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
        loop_until(f->event, f->kept);
        f->server = http_server_free(f->server);
        assert_int_equal(f->n_gone, 1);
        (void) close_fd(fd);
        fixture_free(f);
}

static Fixture *fixture_unix(void)
{
        char *path = text_format("/tmp/renewd-test-%d.sock", (int) getpid());
        Fixture *f = fixture_new(listen_unix(path, 0660), &roomy);

        f->path = path;
        return f;
}

static void test_unix_peer(void **state)
{
        Fixture *f = fixture_unix();
        _cleanup_close_ int fd = connect_to_path(f->path);
        _cleanup_free_ char *answer = NULL;
        gid_t groups[64];
        int n = getgroups(64, groups);

        send_text(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        answer = read_answer(f->event, fd, false);
        assert_starts(answer, "HTTP/1.1 200 ");
        assert_int_equal(f->peer.pid, getpid());
        assert_int_equal(f->peer.uid, getuid());
        assert_int_equal(f->peer.gid, getgid());
        assert_int_equal(f->peer.n_groups, n);
        assert_memory_equal(f->peer.groups, groups, (size_t) n * sizeof(gid_t));
        fixture_free(f);
}

/* Another user with more groups than we keep: the first of them are there. */
static void test_unix_peer_groups(void **state)
{
        Fixture *f;
        pid_t pid;

        if (geteuid() != 0) {
                print_message("needs root to change its groups\n");
                skip();
        }
        f = fixture_unix();
        assert_return_code(chmod(f->path, 0666), errno);
        pid = fork();
        if (pid == 0) {
                gid_t groups[100];
                int fd;

                for (size_t i = 0; i < ELEMENTSOF(groups); i++)
                        groups[i] = (gid_t) (3000 + i);
                if (setgroups(ELEMENTSOF(groups), groups) < 0 || setgid(2999) < 0 ||
                                setuid(2998) < 0)
                        _exit(1);
                fd = connect_to_path(f->path);
                send_text(fd, "GET / HTTP/1.0\r\n\r\n");
                (void) fcntl(fd, F_SETFL, 0);
                while (read(fd, groups, sizeof(groups)) > 0)
                        ;
                _exit(0);
        }
        assert_true(pid > 0);
        loop_until(f->event, f->n_requests == 1);
        assert_int_equal(f->peer.pid, pid);
        assert_int_equal(f->peer.uid, 2998);
        assert_int_equal(f->peer.gid, 2999);
        assert_int_equal(f->peer.n_groups, 64);
        assert_int_equal(f->peer.groups[0], 3000);
        assert_int_equal(f->peer.groups[63], 3063);
        loop_until(f->event, waitpid(pid, NULL, WNOHANG) == pid);
        fixture_free(f);
}

static void test_unix_suspended_peer_leaves(void **state)
{
        Fixture *f = fixture_unix();
        int fd = connect_to_path(f->path);

        f->keep = true;
        send_text(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        loop_until(f->event, f->kept);
        /* One that only ended its sending still waits for the answer. */
        assert_return_code(shutdown(fd, SHUT_WR), errno);
        loop_for(f->event, 200 * USEC_PER_MSEC);
        assert_non_null(f->kept);
        (void) close_fd(fd);
        loop_until(f->event, f->n_gone == 1);
        fixture_free(f);
}

static void test_tcp_has_no_credentials(void **state)
{
        Fixture *f = fixture_tcp(&roomy);
        _cleanup_free_ char *answer = ask(
                        f, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        assert_starts(answer, "HTTP/1.1 200 ");
        assert_int_equal(f->peer.pid, -1);
        assert_int_equal(f->peer.uid, (uid_t) -1);
        assert_int_equal(f->peer.n_groups, 0);
        fixture_free(f);
}

static void test_ipv6(void **state)
{
        int listening = listen_tcp("::1", 0);
        _cleanup_free_ char *answer = NULL;
        _cleanup_close_ int fd = -EBADF;
        HttpServerOptions options = roomy;
        unsigned port;
        Fixture *f;

        if (listening == -EAFNOSUPPORT || listening == -EADDRNOTAVAIL) {
                print_message("no IPv6 here\n");
                skip();
        }
        assert_true(listening >= 0);
        port = port_of(listening);
        options.max_per_address = 1;
        f = fixture_new(listening, &options);
        fd = connect_to("::1", port);
        send_text(fd, "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n");
        answer = read_answer(f->event, fd, false);
        assert_starts(answer, "HTTP/1.1 200 ");
        fixture_free(f);
}

static void test_free_with_connections(void **state)
{
        Fixture *f = fixture_tcp(&roomy);
        int idle = connect_to("127.0.0.1", f->port), half = connect_to("127.0.0.1", f->port);

        send_text(half, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
        loop_for(f->event, 100 * USEC_PER_MSEC);
        f->server = http_server_free(f->server);
        (void) close_fd(idle);
        (void) close_fd(half);
        fixture_free(f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keep_alive),
                cmocka_unit_test(test_head),
                cmocka_unit_test(test_location),
                cmocka_unit_test(test_unanswered_closes),
                cmocka_unit_test(test_body),
                cmocka_unit_test(test_body_refused_closes),
                cmocka_unit_test(test_no_body_at_all),
                cmocka_unit_test(test_malformed),
                cmocka_unit_test(test_large_head),
                cmocka_unit_test(test_nul_in_path),
                cmocka_unit_test(test_slow_client),
                cmocka_unit_test(test_slow_reader),
                cmocka_unit_test(test_cap_for_each_address),
                cmocka_unit_test(test_cap_for_all),
                cmocka_unit_test(test_suspended),
                cmocka_unit_test(test_suspended_peer_leaves),
                cmocka_unit_test(test_free_with_suspended),
                cmocka_unit_test(test_unix_peer),
                cmocka_unit_test(test_unix_peer_groups),
                cmocka_unit_test(test_unix_suspended_peer_leaves),
                cmocka_unit_test(test_tcp_has_no_credentials),
                cmocka_unit_test(test_ipv6),
                cmocka_unit_test(test_free_with_connections),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
