/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with a configuration, word for word: FILE:LINE: what is wrong, what would be right.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "config-util.h"

#define CA "[CA letsencrypt]\nAgreeToTerms=yes\n" /* two lines */

/* One line in a section, after a whole CA, and the one problem that it is. */
typedef struct Case {
        const char *line;
        const char *expected; /* behind "renewd.conf:5: " */
} Case;

/* The section's header is line 4. */
static void check_table(const char *section, const Case *table, size_t n)
{
        Fixture f;

        fixture_open(&f);
        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *text = text_format(CA "\n%s\n%s\n", section, table[i].line);
                _cleanup_free_ char *expected = text_format("renewd.conf:5: %s", table[i].expected);

                fixture_bad(&f, text, expected);
        }
        fixture_close(&f);
}

static void test_daemon(void **state)
{
        static const Case table[] = {
                { "StateDirectory=var/lib", "StateDirectory=var/lib: write an absolute "
                                            "path, one that starts with /" },
                { "ControlSocket=control.sock", "ControlSocket=control.sock: write an "
                                                "absolute path, one that starts with /" },
                { "ControlSocket=/run/renewd/", "ControlSocket=/run/renewd/: write the path "
                                                "of a socket, not of a directory" },
                { "ControlSocket=/1234567890/1234567890/1234567890/1234567890/1234567890/"
                  "1234567890/1234567890/1234567890/123456789",
                                "ControlSocket=/1234567890/1234567890/1234567890/"
                                "1234567890/1234567890/1234567890/1234567890/12...: a "
                                "socket's path has at most 96 characters here" },
                { "HttpFallback=yes", "HttpFallback=yes: write not-found or redirect" },
                { "MaxParallelOrders=0", "MaxParallelOrders=0: write a number from 1 to 100" },
                { "MaxParallelOrders=101", "MaxParallelOrders=101: write a number from 1 to 100" },
                { "MaxParallelOrders=-1", "MaxParallelOrders=-1: write a number from 1 to 100" },
                { "MaxParallelOrders=4x", "MaxParallelOrders=4x: write a number from 1 to 100" },
                { "SettleTime=soon", "SettleTime=soon: write a duration like 2s, 500ms or 1min" },
                { "SettleTime=-1", "SettleTime=-1: write a duration like 2s, 500ms or 1min" },
                { "SettleTime=2 x", "SettleTime=2 x: write a duration like 2s, 500ms or 1min" },
                { "SettleTime=3601", "SettleTime=3601: write at most 1h" },
                { "SettleTime=1h 1ms", "SettleTime=1h 1ms: write at most 1h" },
                { "SettleTime=99999999999999999999w",
                                "SettleTime=99999999999999999999w: write at most 1h" },
                { "HttpListen=8402", "HttpListen=8402: a port alone; write 127.0.0.1:PORT "
                                     "behind a web server, or [::]:PORT and 0.0.0.0:PORT "
                                     "for everybody" },
                { "HttpListen=[::]", "HttpListen=[::]: the port is missing; write "
                                     "ADDRESS:PORT, like [::]:80 or 127.0.0.1:8402" },
                { "HttpListen=127.0.0.1", "HttpListen=127.0.0.1: the port is missing; write "
                                          "ADDRESS:PORT, like [::]:80 or 127.0.0.1:8402" },
                { "HttpListen=::1:80", "HttpListen=::1:80: write an IPv6 address in "
                                       "brackets, like [::1]:8402" },
                { "HttpListen=@renewd", "HttpListen=@renewd: abstract sockets have no "
                                        "permissions; write a path that starts with /" },
                { "HttpListen=unix:x.sock", "HttpListen=unix:x.sock: write unix: with an absolute "
                                            "path, like unix:/run/renewd/http.sock" },
                { "HttpListen=run/x.sock", "HttpListen=run/x.sock: write the absolute path "
                                           "of a Unix socket, or ADDRESS:PORT" },
                { "HttpListen=[fe80::1%eth0]:80",
                                "HttpListen=[fe80::1%eth0]:80: an address of one interface "
                                "(%) cannot be listened on here" },
                { "HttpListen=/1234567890/1234567890/1234567890/1234567890/1234567890/"
                  "1234567890/1234567890/1234567890/12345678901234567890",
                                "HttpListen=/1234567890/1234567890/1234567890/1234567890/"
                                "1234567890/1234567890/1234567890/12...: the path of a "
                                "Unix socket is too long" },
                { "HttpListen=[::]:80 [0::0]:80", "HttpListen=[0::0]:80: is there already" },
        };
        static const char *const others[] = { "localhost:80", "127.0.0.1:0", "127.0.0.1:65536",
                "127.0.0.1:", ":80", "[127.0.0.1]:80", "[::1:80", "[]:80", "[:80", "1.2.3:80",
                "127.0.0.1:+80" };
        Fixture f;

        check_table("[Daemon]", table, ELEMENTSOF(table));
        fixture_open(&f);
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                _cleanup_free_ char *text = text_format("[Daemon]\nHttpListen=%s\n", others[i]);
                _cleanup_free_ char *expected = text_format(
                                "renewd.conf:2: HttpListen=%s: write "
                                "ADDRESS:PORT with a numeric address and a port from 1 to 65535, "
                                "like "
                                "[::]:80 or 127.0.0.1:8402, or the path of a Unix socket",
                                others[i]);

                fixture_bad(&f, text, expected);
        }
        fixture_close(&f);
}

static void test_ca(void **state)
{
        static const char section[] =
                        "[CA own]\nAgreeToTerms=yes\nDirectory=https://ca.example/dir";
        static const Case table[] = {
                { "Directory=ca.example", "Directory=ca.example: write the URL of an ACME "
                                          "directory, which starts with https://" },
                { "Directory=http://ca.example/",
                                "Directory=http://ca.example/: write the URL of an ACME "
                                "directory, which starts with https://" },
                { "Directory=https:///dir", "Directory=https:///dir: the URL has no host" },
                { "Directory=https://a b/", "Directory=https://a b/: the URL has a "
                                            "character that no URL has" },
                { "Directory=https://b\xc3\xbc"
                  "cher/",
                                "Directory=https://b\xc3\xbc"
                                "cher/: the URL has a character that no URL has" },
                { "Directory=https://u:p@ca.example/",
                                "Directory=https://u:p@ca.example/: the URL has a user "
                                "name; ACME knows none" },
                { "Directory=https://ca.example/#x", "Directory=https://ca.example/#x: the "
                                                     "URL has a fragment (#)" },
                { "Contact=ops", "Contact=ops: write an e-mail address like "
                                 "ops@example.com" },
                { "Contact=tel:+49", "Contact=tel:+49: write an e-mail address like "
                                     "ops@example.com" },
                { "Contact=a@b.example c@d@e", "Contact=c@d@e: write an e-mail address like "
                                               "ops@example.com" },
                { "Contact=mailto:a@b?subject=x", "Contact=mailto:a@b?subject=x: write an "
                                                  "e-mail address like ops@example.com" },
                { "Contact=a@b,c@d", "Contact=a@b,c@d: write an e-mail address like "
                                     "ops@example.com" },
                { "AgreeToTerms=sure", "AgreeToTerms=sure: write yes or no" },
                { "TrustFile=own.pem", "TrustFile=own.pem: write an absolute path, one that "
                                       "starts with /" },
                { "AccountKey=rsa", "AccountKey=rsa: write ecdsa-p256, ecdsa-p384, "
                                    "rsa-2048, rsa-3072 or rsa-4096" },
                { "EabKeyFile=key", "EabKeyFile=key: write the absolute path of a file, or "
                                    "credential:NAME for one of systemd's LoadCredential=" },
                { "EabKeyFile=credential:../x", "EabKeyFile=credential:../x: a credential's "
                                                "name consists of letters, digits, '.', '_' "
                                                "and '-', and does not start with a dot" },
                { "EabKeyFile=credential:", "EabKeyFile=credential:: a credential's name "
                                            "consists of letters, digits, '.', '_' and '-', "
                                            "and does not start with a dot" },
        };

        Fixture f;

        fixture_open(&f);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_free_ char *text = text_format("%s\n%s\n", section, table[i].line);
                _cleanup_free_ char *expected = text_format("renewd.conf:4: %s", table[i].expected);

                fixture_bad(&f, text, expected);
        }
        fixture_close(&f);
}

static void test_certificate(void **state)
{
        static const Case table[] = {
                { "CA=letsencrypt google", "CA=letsencrypt google: write the name of one "
                                           "CA, like letsencrypt" },
                { "CA=letsencrpyt", "CA=letsencrpyt: there is no such CA, did you mean "
                                    "'letsencrypt'?" },
                { "CA=own", "CA=own: there is no such CA; add a section [CA own] with its "
                            "Directory=" },
                { "CA=google", "the CA google needs your consent to its terms: add a "
                               "section [CA google] with the line AgreeToTerms=yes" },
                { "Key=ecdsa", "Key=ecdsa: write ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 "
                               "or rsa-4096" },
                { "ReuseKey=maybe", "ReuseKey=maybe: write yes or no" },
                { "Challenge=dns-01", "Challenge=dns-01: http-01 is the one challenge that "
                                      "renewd answers" },
                { "Webroot=www", "Webroot=www: write an absolute path, one that starts with "
                                 "/" },
                { "RenewBefore=30", "RenewBefore=30: write auto, a part of the lifetime "
                                    "like 33%, or a duration like 30d" },
                { "RenewBefore=0d", "RenewBefore=0d: write auto, a part of the lifetime "
                                    "like 33%, or a duration like 30d" },
                { "RenewBefore=99999y", "RenewBefore=99999y: write auto, a part of the "
                                        "lifetime like 33%, or a duration like 30d" },
                { "RenewBefore=9999999d", "RenewBefore=9999999d: write auto, a part of the "
                                          "lifetime like 33%, or a duration like 30d" },
                { "RenewBefore=3 3%", "RenewBefore=3 3%: write auto, a part of the lifetime "
                                      "like 33%, or a duration like 30d" },
                { "RenewBefore=%", "RenewBefore=%: write auto, a part of the lifetime like "
                                   "33%, or a duration like 30d" },
                { "RenewBefore=0%", "RenewBefore=0%: write 1% to 90%" },
                { "RenewBefore=91%", "RenewBefore=91%: write 1% to 90%" },
                { "RenewBefore=1000%", "RenewBefore=1000%: write 1% to 90%" },
                { "Reload=nginx", "Reload=nginx: a unit's name ends in its type, did you "
                                  "mean nginx.service?" },
                { "Reload=a.service nginx.conf",
                                "Reload=nginx.conf: a unit's name ends in its type, did "
                                "you mean nginx.conf.service?" },
                { "Reload=.service", "Reload=.service: a unit's name ends in its type, did "
                                     "you mean .service.service?" },
                { "Reload=/bin/x.service", "Reload=/bin/x.service: is not the name of a "
                                           "unit; write one like nginx.service" },
                { "Reload=a.service;reboot", "Reload=a.service;reboot: is not the name of a "
                                             "unit; write one like nginx.service" },
                { "Reload=@x.service", "Reload=@x.service: is not the name of a unit" },
                { "Reload=x@.service", "Reload=x@.service: is a template; name one instance "
                                       "of it" },
                { "Run=systemctl reload nginx",
                                "Run=systemctl reload nginx: write the program as an "
                                "absolute path, one that starts with /" },
                { "Run=/bin/sh -c 'reload it'",
                                "Run=/bin/sh -c 'reload it': words are split at spaces and "
                                "quotes mean nothing; put the command in a script" },
                { "Names=*.example.com", "Names=*.example.com: is a wildcard, which http-01 "
                                         "cannot prove (RFC 8555 section 8.3 asks one "
                                         "host); list each name that is used" },
                { "Names=a b_c d", "Names=b_c: has a character that no host name has; "
                                   "letters, digits, hyphens and dots are allowed" },
        };

        check_table("[Certificate example.com]", table, ELEMENTSOF(table));
}

static void test_keys(void **state)
{
        static const Case table[] = {
                { "Nmaes=example.com", "unknown key 'Nmaes' in [Certificate x], did you "
                                       "mean 'Names'?" },
                { "names=example.com", "unknown key 'names' in [Certificate x], did you "
                                       "mean 'Names'?" },
                { "Reloads=x.service", "unknown key 'Reloads' in [Certificate x], did you "
                                       "mean 'Reload'?" },
                { "Colour=red", "unknown key 'Colour' in [Certificate x]; renewd.conf(5) "
                                "has the list" },
                { "Contact=a@b.example", "Contact= does not belong in [Certificate x] but "
                                         "in a [CA name] section" },
                { "HttpListen=[::]:80", "HttpListen= does not belong in [Certificate x] but "
                                        "in a [Daemon] section" },
                { "nonsense", "neither a [Section], nor Key=value, nor a comment (#)" },
        };
        Fixture f;

        check_table("[Certificate x]", table, ELEMENTSOF(table));
        fixture_open(&f);
        fixture_bad(&f, "[Daemon]\nNames=x\n",
                        "renewd.conf:2: Names= does not belong in [Daemon] but in a [Certificate "
                        "name] section");
        fixture_bad(&f, "[Daemon]\nHtpListen=x\n",
                        "renewd.conf:2: unknown key 'HtpListen' in [Daemon], did you mean "
                        "'HttpListen'?");
        fixture_bad(&f, "Names=x\nReload=y\n[Daemon]\n",
                        "renewd.conf:1: stands before the first [Section]");
        fixture_close(&f);
}

static void test_sections(void **state)
{
        Fixture f;

        fixture_open(&f);
        fixture_bad(&f, "[Certificat x]\nFoo=bar\n",
                        "renewd.conf:1: unknown section [Certificat], did you mean [Certificate]?");
        fixture_bad(&f, "[ca x]\n", "renewd.conf:1: unknown section [ca], did you mean [CA]?");
        fixture_bad(&f, "[Target x]\nFoo=bar\n",
                        "renewd.conf:1: unknown section [Target]; there are [Daemon], [CA name] "
                        "and [Certificate name]");
        fixture_bad(&f, "[]\n",
                        "renewd.conf:1: unknown section []; there are [Daemon], [CA name] and "
                        "[Certificate name]");
        fixture_bad(&f, "[Daemon x]\n", "renewd.conf:1: [Daemon] takes no name; write [Daemon]");
        fixture_bad(&f, "[Certificate]\nFoo=bar\n",
                        "renewd.conf:1: [Certificate] needs a name, like [Certificate "
                        "example.com]");
        fixture_bad(&f, "[CA]\n", "renewd.conf:1: [CA] needs a name, like [CA letsencrypt]");
        fixture_bad(&f, "[CA ../x]\n",
                        "renewd.conf:1: the name '../x' of a [CA] becomes a directory: up to 200 "
                        "letters, digits, '.', '_' and '-', not starting with a dot");
        fixture_bad(&f, "[Certificate *.example.com]\n",
                        "renewd.conf:1: the name '*.example.com' of a [Certificate] becomes a "
                        "directory: up to 200 letters, digits, '.', '_' and '-', not starting with "
                        "a dot; what the certificate is for goes into Names=");
        fixture_bad(&f, "[Certificate x\n",
                        "renewd.conf:1: the section's name is not closed; write it as [Section "
                        "name]");
        fixture_bad(&f, "[CA own]\nAgreeToTerms=yes\n",
                        "renewd.conf:1: [CA own] needs Directory=, the https URL of its ACME "
                        "directory: it is not one of the CAs that renewd knows by name");
        fixture_bad(&f, "[CA letsencrypt-stagin]\nAgreeToTerms=yes\n",
                        "renewd.conf:1: [CA letsencrypt-stagin] needs Directory=, the https URL of "
                        "its ACME directory: it is not one of the CAs that renewd knows by name; "
                        "did you mean [CA letsencrypt-staging]?");
        fixture_bad(&f, "\n[CA letsencrypt]\n",
                        "renewd.conf:2: [CA letsencrypt] needs AgreeToTerms=yes: without your "
                        "consent to its terms a CA issues nothing");
        fixture_bad(&f, "[CA zerossl]\nAgreeToTerms=yes\nEabKeyId=x\n",
                        "renewd.conf:1: [CA zerossl] has EabKeyId= but no EabKeyFile=; they come "
                        "together");
        fixture_bad(&f, CA "[Certificate web_1]\n",
                        "renewd.conf:3: [Certificate web_1] needs Names=, since 'web_1' has a "
                        "character that no host name has; letters, digits, hyphens and dots are "
                        "allowed");
        fixture_close(&f);
}

/* Nothing is issued without consent, and the one thing that is missing is said once. */
static void test_consent(void **state)
{
        Fixture f;

        fixture_open(&f);
        fixture_bad(&f, "[Certificate a]\n\n[Certificate b]\n",
                        "renewd.conf:1: the CA letsencrypt (the default) needs your consent to its "
                        "terms: add a section [CA letsencrypt] with the line AgreeToTerms=yes");
        fixture_close(&f);
}

static void test_files(void **state)
{
        Fixture f;

        fixture_open(&f);
        assert_int_equal(fixture_load(&f), -EINVAL);
        fixture_check(&f, 0, "renewd.conf: No such file or directory");
        assert_int_equal(f.problems.n, 1);
        fixture_write(&f, "conf.d/20-a.conf", "[Certificate a]\n\n\n[CA own]\nFoo=bar\n");
        fixture_write(&f, "conf.d/30-b.conf",
                        "\n[Certificate a]\nNames=b_\n[Daemon]\nMaxParallelOrders=x\n");
        assert_int_equal(symlinkat("nowhere", f.scratch.fd, "conf.d/40-c.conf"), 0);
        assert_int_equal(mkdirat(f.scratch.fd, "conf.d/50-d.conf", 0755), 0);
        fixture_write(&f, "renewd.conf",
                        CA "[CA own]\nDirectory=https://x.example/\nEabKeyFile=/nonexistent/eab\n");
        assert_int_equal(fixture_load(&f), -EINVAL);
        fixture_check(&f, 0,
                        "conf.d/20-a.conf:5: unknown key 'Foo' in [CA own]; renewd.conf(5) has the "
                        "list");
        _cleanup_free_ char *twice = text_format(
                        "conf.d/30-b.conf:2: [Certificate a] is there already, at "
                        "%s/conf.d/20-a.conf:1; keep one of them",
                        f.scratch.path);
        fixture_check(&f, 1, twice);
        fixture_check(&f, 2,
                        "conf.d/30-b.conf:5: MaxParallelOrders=x: write a number from 1 to 100");
        fixture_check(&f, 3, "conf.d/40-c.conf: No such file or directory");
        fixture_check(&f, 4, "conf.d/50-d.conf: is not a regular file");
        fixture_check(&f, 5,
                        "renewd.conf:3: [CA own] needs AgreeToTerms=yes: without your consent to "
                        "its terms a CA issues nothing");
        fixture_check(&f, 6,
                        "renewd.conf:3: [CA own] has EabKeyFile= but no EabKeyId=; they come "
                        "together");
        fixture_check(&f, 7,
                        "renewd.conf:5: EabKeyFile=/nonexistent/eab: No such file or directory");
        assert_int_equal(f.problems.n, 8);
        fixture_close(&f);
}

static void test_too_large(void **state)
{
        Fixture f;

        fixture_open(&f);
        fixture_write(&f, "renewd.conf", "");
        assert_int_equal(truncate(f.path, (off_t) LIMIT_CONFIG_FILE + 1), 0);
        assert_int_equal(fixture_load(&f), -EINVAL);
        fixture_check(&f, 0,
                        "renewd.conf: is larger than 4 MB, which no configuration is; split it "
                        "into conf.d/");
        fixture_close(&f);
}

static void check_eab(Fixture *f, const char *file, const char *content, const char *reason)
{
        _cleanup_free_ char *text = text_format(
                        "[CA zerossl]\nAgreeToTerms=yes\nEabKeyId=kid\nEabKeyFile=%s\n", file);
        _cleanup_free_ char *expected = text_format(
                        "renewd.conf:4: EabKeyFile=%s: %s", file, reason);

        if (content)
                fixture_write(f, "eab", content);
        fixture_bad(f, text, expected);
}

static void test_eab(void **state)
{
        static const char no_key[] = "is not a key in base64; the file holds the HMAC key alone, "
                                     "as the CA gives it";
        _cleanup_free_ char *path = NULL, *large = calloc(1, LIMIT_EAB_KEY + 2);
        Fixture f;

        fixture_open(&f);
        path = text_format("%s/eab", f.scratch.path);
        assert_non_null(large);
        memset(large, 'x', LIMIT_EAB_KEY + 1);
        check_eab(&f, path, large, "is larger than 4 kB; it holds the HMAC key alone");
        check_eab(&f, path, "", no_key);
        check_eab(&f, path, " \n", no_key);
        check_eab(&f, path, "==", no_key);
        check_eab(&f, path, "abc\ndef\n", no_key);
        check_eab(&f, path, "key: abc\n", no_key);
        check_eab(&f, path, "abc=d\n", no_key);
        check_eab(&f, f.scratch.path, NULL, "is not a regular file");
        assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
        check_eab(&f, "credential:eab", NULL,
                        "there are no credentials here; give one with LoadCredential=eab:FILE in a "
                        "drop-in of renewd.service");
        assert_int_equal(setenv("CREDENTIALS_DIRECTORY", f.scratch.path, 1), 0);
        check_eab(&f, "credential:other", NULL,
                        "there is no such credential; give it with LoadCredential=other:FILE in a "
                        "drop-in of renewd.service");
        assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
        fixture_close(&f);
}

/* No secret in a message, and nothing that a terminal would obey. */
static void test_shown(void **state)
{
        Fixture f;

        fixture_open(&f);
        fixture_write(&f, "eab", "hmac secret of ours");
        _cleanup_free_ char *text = text_format(
                        "[CA zerossl]\nAgreeToTerms=yes\nEabKeyId=kid\nEabKeyFile=%s/eab\n",
                        f.scratch.path);
        fixture_write(&f, "renewd.conf", text);
        assert_int_equal(fixture_load(&f), -EINVAL);
        assert_null(strstr(f.problems.items[0].text, "secret"));
        fixture_bad(&f, "[Daemon]\nUserAgent=\x1b[2J\n",
                        "renewd.conf:2: a character that is not printable, or not UTF-8");
        fixture_bad(&f, "[Daemon]\nHttpFallback=a\tb\n",
                        "renewd.conf:2: HttpFallback=a\\x09b: write not-found or redirect");
        fixture_close(&f);
}

/* The wrong file, an image say, does not drown the journal. */
static void test_ceiling(void **state)
{
        Buffer b = BUFFER_INIT(1024 * 1024);
        Fixture f;

        fixture_open(&f);
        for (size_t i = 0; i < LIMIT_CONFIG_PROBLEMS + 5; i++)
                assert_int_equal(buffer_append_string(&b, "nonsense\n"), 0);
        fixture_write(&f, "renewd.conf", b.data);
        assert_int_equal(fixture_load(&f), -EINVAL);
        assert_int_equal(f.problems.n, LIMIT_CONFIG_PROBLEMS);
        assert_int_equal(f.problems.n_left_out, 5);
        buffer_done(&b);
        fixture_close(&f);
}

static void test_too_many_names(void **state)
{
        Buffer b = BUFFER_INIT(1024 * 1024);
        Fixture f;

        fixture_open(&f);
        assert_int_equal(buffer_append_string(&b, CA "[Certificate x]\n"), 0);
        for (size_t i = 0; i < LIMIT_NAMES; i++)
                assert_int_equal(buffer_append_format(&b, "Names=n%zu.example\n", i), 0);
        fixture_good(&f, b.data);
        assert_int_equal(buffer_append_string(&b, "Names=N7.example one.more\n"), 0);
        fixture_bad(&f, b.data,
                        "renewd.conf:1004: Names=one.more: a certificate has at most 1000 names");
        buffer_done(&b);
        fixture_close(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_daemon),
                cmocka_unit_test(test_ca),
                cmocka_unit_test(test_certificate),
                cmocka_unit_test(test_keys),
                cmocka_unit_test(test_sections),
                cmocka_unit_test(test_consent),
                cmocka_unit_test(test_files),
                cmocka_unit_test(test_too_large),
                cmocka_unit_test(test_eab),
                cmocka_unit_test(test_shown),
                cmocka_unit_test(test_ceiling),
                cmocka_unit_test(test_too_many_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
