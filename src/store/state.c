/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * state: what is remembered of one certificate, certificates/<name>/state.json.
 *
 * Losing it costs a certificate its memory of failures and nothing else; so a damaged file is put
 * where a human can look at it, and the certificate goes on from its files. What a newer renewd
 * wrote is neither understood nor overwritten.
 */

#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/strv.h"
#include "store/document.h"
#include "store/layout.h"

#define STATE_FILE    "state.json"
#define STATE_DAMAGED "state.json.damaged"

static const Field problem_fields[] = {
        FIELD(FIELD_TEXT, "type", StoreProblem, type),
        FIELD(FIELD_TEXT, "detail", StoreProblem, detail),
        FIELD(FIELD_TEXT, "where", StoreProblem, where),
        FIELD(FIELD_NUMBER, "when", StoreProblem, when_usec),
        {},
};

static const Field failures_fields[] = {
        FIELD(FIELD_COUNT, "count", RenewFailures, count),
        FIELD(FIELD_NUMBER, "first", RenewFailures, first),
        FIELD(FIELD_NUMBER, "last", RenewFailures, last),
        FIELD(FIELD_RETRY, "retry", RenewFailures, retry),
        FIELD(FIELD_NUMBER, "not-before", RenewFailures, not_before),
        {},
};

static const Field renewal_info_fields[] = {
        FIELD(FIELD_TEXT, "generation", StoreRenewalInfo, generation),
        FIELD(FIELD_NUMBER, "start", StoreRenewalInfo, start),
        FIELD(FIELD_NUMBER, "end", StoreRenewalInfo, end),
        FIELD(FIELD_NUMBER, "at", StoreRenewalInfo, at_usec),
        FIELD(FIELD_NUMBER, "poll", StoreRenewalInfo, poll_usec),
        FIELD(FIELD_COUNT, "failures", StoreRenewalInfo, failures),
        FIELD(FIELD_TEXT, "explanation-url", StoreRenewalInfo, explanation_url),
        {},
};

static const Field state_fields[] = {
        FIELD(FIELD_TEXT, "ca", StoreState, ca),
        FIELD(FIELD_TEXT, "account", StoreState, account),
        FIELD(FIELD_TEXT, "key-type", StoreState, key_type),
        FIELD(FIELD_TEXT, "profile", StoreState, profile),
        FIELD(FIELD_TEXTS, "names", StoreState, names),
        FIELD_WITHIN("renewal-info", StoreState, renewal_info, renewal_info_fields),
        FIELD(FIELD_NUMBER, "random", StoreState, random),
        FIELD_WITHIN("failures", StoreState, failures, failures_fields),
        FIELD(FIELD_NUMBER, "failures-random", StoreState, failures_random),
        FIELD(FIELD_TEXT, "failures-config", StoreState, failures_config),
        FIELD_WITHIN("problem", StoreState, problem, problem_fields),
        FIELD(FIELD_TEXT, "deployed", StoreState, deployed),
        FIELD_WITHIN("deploy-failures", StoreState, deploy_failures, failures_fields),
        FIELD_WITHIN("deploy-problem", StoreState, deploy_problem, problem_fields),
        {},
};

static void problem_done(StoreProblem *p)
{
        free(p->type);
        free(p->detail);
        free(p->where);
}

void store_renewal_info_done(StoreRenewalInfo *info)
{
        free(info->generation);
        free(info->explanation_url);
        *info = (StoreRenewalInfo){};
}

void store_state_done(StoreState *st)
{
        free(st->ca);
        free(st->account);
        free(st->key_type);
        free(st->profile);
        store_renewal_info_done(&st->renewal_info);
        strv_free(st->names);
        free(st->failures_config);
        problem_done(&st->problem);
        free(st->deployed);
        problem_done(&st->deploy_problem);
        *st = (StoreState){};
}

/* Best effort: if it stays where it is, the next save replaces it. */
static void move_aside(int dir_fd)
{
        (void) store_directory_discard(dir_fd, STATE_DAMAGED); /* an older one, of whatever kind */
        if (renameat(dir_fd, STATE_FILE, dir_fd, STATE_DAMAGED) >= 0)
                (void) directory_sync(dir_fd);
}

int store_state_load(Store *s, const char *certificate, StoreState *ret)
{
        _cleanup_close_ int fd = store_directory(s, 0, "certificates/%s", certificate);
        StoreState st = {};
        int r;

        if (fd < 0)
                return fd;
        r = document_load(fd, STATE_FILE, state_fields, &st);
        if (r != 0)
                store_state_done(&st);
        if (r == STORE_E_DAMAGED && !s->read_only)
                move_aside(fd);
        if (r == 0 || r == STORE_E_DAMAGED)
                *ret = st;
        return r;
}

int store_state_save(Store *s, const char *certificate, const StoreState *st)
{
        _cleanup_close_ int fd = store_directory(s, MODE_PASSAGE, "certificates/%s", certificate);
        int r;

        if (fd < 0)
                return fd;
        r = document_may_replace(fd, STATE_FILE);
        if (r >= 0)
                r = document_save(fd, STATE_FILE, MODE_SECRET, state_fields, st);
        if (r < 0)
                store_certificate_abandon(s, certificate);
        return r;
}
