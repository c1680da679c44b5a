/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a good configuration comes to: files, sections, defaults, each key. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <config.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/strv.h"
#include "config-util.h"

#define CA "[CA letsencrypt]\nAgreeToTerms=yes\n"

static const ConfigCertificate *get(const Fixture *f, const char *name)
{
        const ConfigCertificate *c = config_find_certificate(f->config, name);

        assert_non_null(c);
        return c;
}

static void check_list(char *const *list, const char *expected)
{
        _cleanup_free_ char *joined = strv_join(list, " ");

        assert_string_equal(joined, expected);
}

/* The example of the manual. */
static void test_smallest(void **state)
{
        Fixture f;
        const ConfigCertificate *c;

        fixture_open(&f);
        fixture_good(&f, "[CA letsencrypt]\n"
                         "Contact=ops@example.com\n"
                         "AgreeToTerms=yes\n"
                         "\n"
                         "[Certificate example.com]\n"
                         "Names=example.com www.example.com\n"
                         "Reload=nginx.service\n");
        assert_string_equal(f.config->path, f.path);
        assert_int_equal(f.config->n_cas, 1);
        assert_int_equal(f.config->n_certificates, 1);
        c = get(&f, "example.com");
        assert_ptr_equal(c, f.config->certificates[0]);
        check_list(c->names, "example.com www.example.com");
        check_list(c->reload, "nginx.service");
        assert_string_equal(c->file, f.path);
        assert_int_equal(c->line, 5);
        assert_ptr_equal(c->ca, f.config->cas[0]);
        assert_string_equal(c->ca->name, "letsencrypt");
        assert_string_equal(c->ca->directory, "https://acme-v02.api.letsencrypt.org/directory");
        assert_true(c->ca->preset);
        assert_true(c->ca->agree_to_terms);
        check_list(c->ca->contacts, "ops@example.com");
        assert_null(config_find_certificate(f.config, "example.org"));
        fixture_close(&f);
}

static void test_defaults(void **state)
{
        Fixture f;
        const ConfigCertificate *c;
        const ConfigDaemon *d;

        fixture_open(&f);
        fixture_good(&f, CA "[Certificate Example.COM]\n");
        d = &f.config->daemon;
        assert_string_equal(d->state_directory, RENEWD_STATE_DIRECTORY);
        assert_string_equal(d->control_socket, RENEWD_RUNTIME_DIRECTORY "/control.sock");
        assert_int_equal(d->n_http_listen, 0);
        assert_int_equal(d->http_fallback, CONFIG_FALLBACK_NOT_FOUND);
        assert_int_equal(d->max_parallel_orders, 4);
        assert_int_equal(d->settle_usec, 2000000);
        assert_null(d->user_agent);
        assert_null(d->dns_server);
        assert_true(d->preflight);
        c = get(&f, "Example.COM");
        check_list(c->names, "example.com");
        assert_int_equal(c->key, RENEW_KEY_ECDSA_P256);
        assert_false(c->reuse_key);
        assert_int_equal(c->renew_before.percent, 0);
        assert_int_equal(c->renew_before.span, 0);
        assert_null(c->webroot);
        assert_true(c->preflight);
        assert_int_equal(c->ca->validation_port, 80);
        assert_null(c->reload);
        assert_null(c->run);
        assert_int_equal(c->ca->account_key, RENEW_KEY_ECDSA_P256);
        assert_null(c->ca->trust_file);
        assert_null(c->ca->eab_key_id);
        assert_null(c->ca->eab_hmac_key);
        assert_null(c->ca->preferred_chain);
        fixture_close(&f);
}

static void test_daemon(void **state)
{
        Fixture f;
        const ConfigDaemon *d;

        fixture_open(&f);
        fixture_good(&f, "[Daemon]\n"
                         "StateDirectory=/srv/renewd\n"
                         "ControlSocket=/run/r/c.sock\n"
                         "HttpListen=[::]:80 127.0.0.1:5002\n"
                         "HttpListen=/run/x.sock unix:/run/y.sock [0:0::0:1]:65535\n"
                         "HttpFallback=redirect\n"
                         "MaxParallelOrders=100\n"
                         "SettleTime=1min 500ms\n"
                         "UserAgent=acme/1 (x)\n");
        d = &f.config->daemon;
        assert_string_equal(d->state_directory, "/srv/renewd");
        assert_string_equal(d->control_socket, "/run/r/c.sock");
        assert_int_equal(d->n_http_listen, 5);
        assert_string_equal(d->http_listen[0].text, "[::]:80");
        assert_string_equal(d->http_listen[0].host, "::");
        assert_int_equal(d->http_listen[0].port, 80);
        assert_null(d->http_listen[0].path);
        assert_string_equal(d->http_listen[1].text, "127.0.0.1:5002");
        assert_string_equal(d->http_listen[1].host, "127.0.0.1");
        assert_int_equal(d->http_listen[1].port, 5002);
        assert_string_equal(d->http_listen[2].path, "/run/x.sock");
        assert_null(d->http_listen[2].host);
        assert_string_equal(d->http_listen[3].path, "/run/y.sock");
        assert_string_equal(d->http_listen[3].text, "/run/y.sock");
        assert_string_equal(d->http_listen[4].text, "[::1]:65535");
        assert_int_equal(d->http_fallback, CONFIG_FALLBACK_REDIRECT);
        assert_int_equal(d->max_parallel_orders, 100);
        assert_int_equal(d->settle_usec, 60500000);
        assert_string_equal(d->user_agent, "acme/1 (x)");
        assert_int_equal(f.config->n_certificates, 0);
        fixture_close(&f);
}

static void test_certificate(void **state)
{
        Fixture f;
        const ConfigCertificate *c;

        fixture_open(&f);
        fixture_good(&f, "[Certificate a]\n"
                         "Names=b.example A.example. b.EXAMPLE\n"
                         "Names=192.0.2.1 2001:DB8::0:1\n"
                         "CA=own\n"
                         "Key=rsa-3072\n"
                         "ReuseKey=true\n"
                         "RenewBefore=33%\n"
                         "Challenge=http-01\n"
                         "Webroot=/var/lib/renewd/webroot\n"
                         "Reload=nginx.service postfix@-.service\n"
                         "Reload=nginx.service haproxy.service\n"
                         "Run=/usr/local/bin/hook --name  a\n"
                         "[CA own]\n"
                         "Directory=https://localhost:14000/dir\n"
                         "Contact=mailto:a@b.example c@d.example\n"
                         "AgreeToTerms=1\n"
                         "TrustFile=/etc/ssl/own.pem\n"
                         "AccountKey=ecdsa-p384\n"
                         "PreferredChain=Own Root X1\n"
                         "[Certificate b]\n"
                         "CA=own\n"
                         "RenewBefore=1w 3d 1h\n");
        c = get(&f, "a");
        check_list(c->names, "b.example a.example 192.0.2.1 2001:db8::1");
        assert_string_equal(c->ca->name, "own");
        assert_int_equal(c->key, RENEW_KEY_RSA_3072);
        assert_true(c->reuse_key);
        assert_int_equal(c->renew_before.percent, 33);
        assert_string_equal(c->webroot, "/var/lib/renewd/webroot");
        check_list(c->reload, "nginx.service postfix@-.service haproxy.service");
        assert_int_equal(strv_length(c->run), 3);
        check_list(c->run, "/usr/local/bin/hook --name a");
        assert_false(c->ca->preset);
        assert_string_equal(c->ca->directory, "https://localhost:14000/dir");
        check_list(c->ca->contacts, "mailto:a@b.example c@d.example");
        assert_string_equal(c->ca->trust_file, "/etc/ssl/own.pem");
        assert_int_equal(c->ca->account_key, RENEW_KEY_ECDSA_P384);
        assert_string_equal(c->ca->preferred_chain, "Own Root X1");
        c = get(&f, "b");
        check_list(c->names, "b");
        assert_int_equal(c->renew_before.percent, 0);
        assert_int_equal(c->renew_before.span, UINT64_C(867600) * 1000000);
        fixture_close(&f);
}

/* An empty value takes a key back to its default; of a scalar the last one counts. */
static void test_reset(void **state)
{
        Fixture f;
        const ConfigCertificate *c;

        fixture_open(&f);
        fixture_good(&f, "[Daemon]\nMaxParallelOrders=7\nMaxParallelOrders=\nHttpListen=[::]:80\n"
                         "HttpListen=\nHttpListen=127.0.0.1:1\nSettleTime=9\nSettleTime=\n"
                         "HttpFallback=redirect\nHttpFallback=\nStateDirectory=/x\n"
                         "StateDirectory=\nUserAgent=x\nUserAgent=\n"
                         "[CA letsencrypt]\nAgreeToTerms=no\nAgreeToTerms=yes\n"
                         "Directory=https://x.example/\nDirectory=\nContact=a@b.c\nContact=\n"
                         "EabKeyId=x\nEabKeyId=\nEabKeyFile=/nonexistent\nEabKeyFile=\n"
                         "[Certificate a]\nNames=x y\nNames=\nNames=z\nCA=nobody\nCA=\n"
                         "Key=rsa-2048\nKey=rsa-4096\nReuseKey=yes\nReuseKey=\nRenewBefore=30d\n"
                         "RenewBefore=\nWebroot=/w\nWebroot=\nReload=a.service\nReload=\n"
                         "Run=/bin/true\nRun=/bin/false x\nChallenge=\n"
                         "[Certificate b]\nRun=/bin/true\nRun=\nKey=rsa-2048\nKey=\n");
        assert_int_equal(f.config->daemon.max_parallel_orders, 4);
        assert_int_equal(f.config->daemon.n_http_listen, 1);
        assert_int_equal(f.config->daemon.settle_usec, 2000000);
        assert_int_equal(f.config->daemon.http_fallback, CONFIG_FALLBACK_NOT_FOUND);
        assert_string_equal(f.config->daemon.state_directory, RENEWD_STATE_DIRECTORY);
        assert_null(f.config->daemon.user_agent);
        c = get(&f, "a");
        assert_true(c->ca->preset);
        assert_null(c->ca->contacts);
        assert_null(c->ca->eab_key_id);
        check_list(c->names, "z");
        assert_int_equal(c->key, RENEW_KEY_RSA_4096);
        assert_false(c->reuse_key);
        assert_int_equal(c->renew_before.span, 0);
        assert_null(c->webroot);
        assert_null(c->reload);
        check_list(c->run, "/bin/false x");
        c = get(&f, "b");
        assert_null(c->run);
        assert_int_equal(c->key, RENEW_KEY_ECDSA_P256);
        fixture_close(&f);
}

/* Files are read in the order of their names; what is no *.conf is not. */
static void test_files(void **state)
{
        Fixture f;

        fixture_open(&f);
        fixture_write(&f, "conf.d/20-b.conf", "[Certificate b]\n[CA letsencrypt]\nContact=b@x.y\n");
        fixture_write(&f, "conf.d/10-a.conf", "[Certificate a]\n[Daemon]\nSettleTime=3s\n");
        fixture_write(&f, "conf.d/30-c.conf~", "[Nonsense]\n");
        fixture_write(&f, "conf.d/.hidden.conf", "[Nonsense]\n");
        fixture_write(&f, "conf.d/README", "Nonsense\n");
        fixture_write(&f, "elsewhere", "[Certificate d]\n");
        assert_int_equal(symlinkat("../elsewhere", f.scratch.fd, "conf.d/40-d.conf"), 0);
        fixture_good(&f, CA "Contact=a@x.y\n[Daemon]\nSettleTime=1s\nMaxParallelOrders=9\n");
        assert_int_equal(f.config->n_files, 4);
        assert_int_equal(strv_length(f.config->files), 4);
        assert_int_equal(f.config->n_certificates, 3);
        assert_string_equal(f.config->certificates[0]->name, "a");
        assert_string_equal(f.config->certificates[1]->name, "b");
        assert_string_equal(f.config->certificates[2]->name, "d");
        assert_int_equal(f.config->daemon.settle_usec, 3000000);
        assert_int_equal(f.config->daemon.max_parallel_orders, 9);
        check_list(f.config->cas[0]->contacts, "a@x.y b@x.y");
        assert_string_equal(f.config->cas[0]->file, f.path);
        assert_int_equal(f.config->cas[0]->line, 1);
        fixture_close(&f);
}

static void test_references(void **state)
{
        Fixture f;
        Config *held;

        fixture_open(&f);
        fixture_good(&f, CA "[Certificate a]\n");
        held = config_ref(f.config);
        f.config = config_unref(f.config);
        assert_null(f.config);
        assert_string_equal(held->certificates[0]->name, "a");
        assert_null(config_unref(held));
        assert_null(config_unref(NULL));
        fixture_close(&f);
}

/* Numeric, with its port, as c-ares wants it. */
static void test_dns_server(void **state)
{
        static const char *const table[][2] = {
                { "192.0.2.53", "192.0.2.53:53" },
                { "192.0.2.53:5353", "192.0.2.53:5353" },
                { "2001:DB8::0:53", "[2001:db8::53]:53" },
                { "::1", "[::1]:53" },
                { "[::1]", "[::1]:53" },
                { "[::1]:65535", "[::1]:65535" },
        };
        Fixture f;

        fixture_open(&f);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_free_ char *text = text_format("[Daemon]\nDnsServer=%s\n", table[i][0]);

                fixture_good(&f, text);
                assert_string_equal(f.config->daemon.dns_server, table[i][1]);
        }
        fixture_good(&f, "[Daemon]\nDnsServer=192.0.2.53\nDnsServer=\n");
        assert_null(f.config->daemon.dns_server);
        fixture_close(&f);
}

/* A certificate's own word counts, else that of [Daemon], wherever it stands. */
static void test_preflight(void **state)
{
        static const char certificates[] = CA
                        "ValidationPort=8080\n"
                        "[Certificate default]\n[Certificate no]\nPreflight=off\n"
                        "[Certificate yes]\nPreflight=1\n[Certificate "
                        "reset]\nPreflight=no\nPreflight=\n";
        Fixture f;

        fixture_open(&f);
        for (unsigned off = 0; off < 2; off++) {
                _cleanup_free_ char *text = text_format(
                                "%s[Daemon]\nPreflight=%s\n", certificates, off ? "no" : "yes");

                fixture_good(&f, text);
                assert_int_equal(get(&f, "default")->preflight, !off);
                assert_int_equal(get(&f, "reset")->preflight, !off);
                assert_false(get(&f, "no")->preflight);
                assert_true(get(&f, "yes")->preflight);
                assert_int_equal(get(&f, "no")->ca->validation_port, 8080);
        }
        fixture_close(&f);
}

static void check_same(Fixture *f, const char *a, const char *b, bool expected)
{
        assert_int_equal(config_certificate_same_order(get(f, a), get(f, b)), expected);
        assert_int_equal(config_certificate_same_order(get(f, b), get(f, a)), expected);
}

static void test_same_order(void **state)
{
        Fixture f;

        fixture_open(&f);
        fixture_good(&f, CA "[CA google]\nAgreeToTerms=yes\n"
                            "[Certificate a]\nNames=x y\n"
                            "[Certificate b]\nNames=y X\nReload=x.service\nRenewBefore=20%\n"
                            "[Certificate c]\nNames=x\n"
                            "[Certificate d]\nNames=x y\nKey=rsa-2048\n"
                            "[Certificate e]\nNames=x y\nCA=google\n");
        check_same(&f, "a", "a", true);
        check_same(&f, "a", "b", true);
        check_same(&f, "a", "c", false);
        check_same(&f, "a", "d", false);
        check_same(&f, "a", "e", false);
        fixture_close(&f);
}

/* --- secrets */

static void load_eab(Fixture *f, const char *file)
{
        _cleanup_free_ char *text = text_format("[CA zerossl]\nAgreeToTerms=yes\nEabKeyId=kid\n"
                                                "EabKeyFile=%s\n[Certificate a]\nCA=zerossl\n",
                        file);

        fixture_good(f, text);
}

static void test_eab(void **state)
{
        _cleanup_free_ char *path = NULL;
        Fixture f;

        fixture_open(&f);
        path = text_format("%s/eab", f.scratch.path);
        fixture_write(&f, "eab",
                        " \n zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDk==\r\n");
        load_eab(&f, path);
        assert_string_equal(f.config->cas[0]->eab_key_id, "kid");
        assert_string_equal(f.config->cas[0]->eab_hmac_key,
                        "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDk==");
        fixture_write(&f, "zerossl", "abc_-");
        assert_int_equal(setenv("CREDENTIALS_DIRECTORY", f.scratch.path, 1), 0);
        load_eab(&f, "credential:zerossl");
        assert_string_equal(f.config->cas[0]->eab_hmac_key, "abc_-");
        assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
        fixture_close(&f);
}

/* renewd-deploy is none of those who know the key; its file may well be gone. */
static void test_without_secrets(void **state)
{
        Fixture f;

        fixture_open(&f);
        fixture_write(&f, "renewd.conf",
                        "[CA zerossl]\nAgreeToTerms=yes\nEabKeyId=kid\n"
                        "EabKeyFile=/nonexistent/eab\n[Certificate a]\nCA=zerossl\n");
        assert_int_equal(config_load_without_secrets(f.path, &f.problems, &f.config), 0);
        assert_int_equal(f.problems.n, 0);
        assert_null(f.config->cas[0]->eab_hmac_key);
        assert_int_equal(fixture_load(&f), -EINVAL);
        fixture_close(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_smallest),
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_daemon),
                cmocka_unit_test(test_certificate),
                cmocka_unit_test(test_reset),
                cmocka_unit_test(test_files),
                cmocka_unit_test(test_references),
                cmocka_unit_test(test_dns_server),
                cmocka_unit_test(test_preflight),
                cmocka_unit_test(test_same_order),
                cmocka_unit_test(test_eab),
                cmocka_unit_test(test_without_secrets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
