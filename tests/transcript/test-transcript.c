/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs one transcript: as it is; then given up after each of its lines; then with a crash and a
 * new start after each of its lines; then with each allocation failing once. What comes of these
 * is not in the file, but it has to end, in a certificate that is ours or in FAILED, with every
 * token taken away.
 *
 *     test-transcript FILE [--once]
 */

#include <stdio.h>

#include "allocation.h"
#include "run.h"

static RenewKey *account_key, *certificate_key;

static void run_as_it_is(const Script *script)
{
        const Item *last = &script->items[script->n - 1];
        Run run;

        (void) run_begin(&run, script, account_key, certificate_key, false);
        (void) run_follow(&run, script->n);
        if (!has_prefix(last->text, "DONE") && !has_prefix(last->text, "FAILED"))
                script_fail(last, "a transcript ends with DONE or FAILED");
        if (run.visible && *run.visible)
                script_fail(last, "the token %s is left", *run.visible);
        run_done(&run);
}

static void run_given_up_after(const Script *script, size_t n)
{
        Run run;

        (void) run_begin(&run, script, account_key, certificate_key, false);
        (void) run_follow(&run, n);
        (void) run_cancel(&run);
        run_to_end(&run);
        run_done(&run);
}

static void run_with_crash_after(const Script *script, size_t n)
{
        Run run;

        (void) run_begin(&run, script, account_key, certificate_key, false);
        (void) run_follow(&run, n);
        run.bad_state = false;
        (void) run_restart(&run);
        if (run.bad_state)
                script_fail(run.item, "what was saved cannot be read");
        run_to_end(&run);
        run_done(&run);
}

/* Return: whether the allocation was reached. */
static bool run_with_failure_of(const Script *script, unsigned allocation)
{
        Run run;
        int r;

        allocation_fail_at(allocation);
        r = run_begin(&run, script, account_key, certificate_key, true);
        if (r == RUN_FOLLOWED)
                r = run_follow(&run, script->n);
        if (r == RUN_LEFT)
                run_to_end(&run);
        run_done(&run);
        return allocation_has_failed();
}

int main(int argc, char *argv[])
{
        Script script = {};
        unsigned n = 1;

        if (argc < 2) {
                (void) fprintf(stderr, "usage: test-transcript FILE [--once]\n");
                return EXIT_FAILURE;
        }
        allocation_init();
        if (renew_key_new(RENEW_KEY_ECDSA_P256, &account_key) < 0 ||
                        renew_key_new(RENEW_KEY_ECDSA_P256, &certificate_key) < 0)
                return EXIT_FAILURE;
        script_load(argv[1], &script);
        run_as_it_is(&script);
        if (argc < 3) {
                for (size_t i = 0; i < script.n; i++) {
                        run_given_up_after(&script, i);
                        run_with_crash_after(&script, i);
                }
                while (run_with_failure_of(&script, n))
                        n++;
                (void) printf("%zu lines, %u allocations\n", script.n, n - 1);
        }
        (void) renew_key_unref(account_key);
        (void) renew_key_unref(certificate_key);
        script_done(&script);
        return EXIT_SUCCESS;
}
