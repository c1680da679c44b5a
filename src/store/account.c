/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * account: our accounts at the CAs, accounts/<ca>/<thumbprint>/.
 *
 * The key is the account: a CA finds the rest by it (RFC 8555 section 7.3.1), and nobody can make a
 * lost one again. So it is on disk, whole, before the CA hears of it; an account whose description
 * is damaged is still used, after every whole one; and nothing here ever removes a key.
 */

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "store/document.h"
#include "store/layout.h"

#define ACCOUNT_FILE    "account.json"
#define ACCOUNT_DAMAGED "account.json.damaged"
#define ACCOUNT_KEY     "key.pem"

typedef struct AccountFile {
        char *directory; /* URL of the CA's directory */
        uint64_t created_usec;
        char *state;
} AccountFile;

static const Field account_fields[] = {
        FIELD(FIELD_TEXT, "directory", AccountFile, directory),
        FIELD(FIELD_NUMBER, "created", AccountFile, created_usec),
        FIELD(FIELD_TEXT, "state", AccountFile, state),
        {},
};

static void account_file_done(AccountFile *f)
{
        free(f->directory);
        free(f->state);
        *f = (AccountFile){};
}

void store_account_done(StoreAccount *a)
{
        renew_key_unref(a->key);
        free(a->state);
        *a = (StoreAccount){};
}

/* --- loading ---------------------------------------------------------------------------------- */

/* The best account seen so far. */
typedef struct Search {
        const char *ca;
        const char *directory_url;
        RenewKey *key;
        char *thumbprint;
        AccountFile file;
        bool whole;    /* its description was readable */
        bool newer;    /* an account of a newer format was seen */
        char *warning; /* the first one */
} Search;

static void search_done(Search *s)
{
        renew_key_unref(s->key);
        free(s->thumbprint);
        account_file_done(&s->file);
        free(s->warning);
}

static int search_warn(Search *s, const char *thumbprint, const char *what)
{
        if (s->warning)
                return 0;
        s->warning = text_format("the account accounts/%s/%s %s", s->ca, thumbprint, what);
        return s->warning ? 0 : -ENOMEM;
}

static bool search_prefers(const Search *s, const AccountFile *f, bool whole)
{
        if (!s->key || s->whole != whole)
                return !s->key || whole;
        return f->created_usec >= s->file.created_usec;
}

/* Takes what is in file and key over, or leaves it to the caller. */
static int search_offer(
                Search *s, const char *thumbprint, AccountFile *f, RenewKey **key, bool whole)
{
        char *copy;

        if (!search_prefers(s, f, whole))
                return 0;
        copy = strdup(thumbprint);
        if (!copy)
                return -ENOMEM;
        free(s->thumbprint);
        s->thumbprint = copy;
        renew_key_unref(s->key);
        s->key = TAKE_PTR(*key);
        account_file_done(&s->file);
        s->file = *f;
        *f = (AccountFile){};
        s->whole = whole;
        return 0;
}

/* What account.json says of a key that is there. */
static int search_read(Search *s, int fd, const char *thumbprint, AccountFile *f, RenewKey **key)
{
        int r;

        r = document_load(fd, ACCOUNT_FILE, account_fields, f);
        if (r == STORE_E_NEWER) {
                s->newer = true;
                return search_warn(
                                s, thumbprint, "was written by a newer renewd and is left alone");
        }
        if (r == STORE_E_DAMAGED || r == -ENOENT) {
                account_file_done(f);
                r = search_warn(s, thumbprint,
                                "has a damaged " ACCOUNT_FILE "; only its key is used");
                return r < 0 ? r : search_offer(s, thumbprint, f, key, false);
        }
        if (r < 0 || (f->directory && !streq(f->directory, s->directory_url)))
                return r;
        return search_offer(s, thumbprint, f, key, true);
}

static int search_look_at(Search *s, int ca_fd, const char *thumbprint)
{
        _cleanup_close_ int fd = openat(
                        ca_fd, thumbprint, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        AccountFile f = {};
        RenewKey *key = NULL;
        int r;

        if (fd < 0)
                return store_is_damage(-errno) ? 0 : -errno;
        r = store_key_load(fd, ACCOUNT_KEY, &key);
        if (r == 0 && !streq(renew_key_thumbprint(key), thumbprint))
                r = STORE_E_DAMAGED;
        if (r == STORE_E_DAMAGED)
                r = search_warn(s, thumbprint,
                                "has no key of that name in " ACCOUNT_KEY "; it is skipped");
        else if (r == 0)
                r = search_read(s, fd, thumbprint, &f, &key);
        account_file_done(&f);
        renew_key_unref(key);
        return r;
}

/* Gives an account with a damaged description a new one, so that the next start finds it whole. */
static void account_mend(const Store *st, const Search *s)
{
        _cleanup_close_ int fd = store_directory(st, 0, "accounts/%s/%s", s->ca, s->thumbprint);
        char *directory = strdup(s->directory_url);
        AccountFile f = { .directory = directory };

        if (fd >= 0 && directory) {
                (void) store_directory_discard(fd, ACCOUNT_DAMAGED);
                (void) renameat(fd, ACCOUNT_FILE, fd, ACCOUNT_DAMAGED);
                (void) document_save(fd, ACCOUNT_FILE, MODE_SECRET, account_fields, &f);
        }
        free(directory);
}

static int search_all(Search *s, int ca_fd)
{
        _cleanup_strv_ char **names = NULL;
        int r;

        r = directory_list(ca_fd, &names);
        if (r < 0)
                return r;
        STRV_FOREACH (name, names) {
                if (!text_is_base64url(*name))
                        continue;
                r = search_look_at(s, ca_fd, *name);
                if (r < 0)
                        return r;
        }
        return 0;
}

int store_account_load(Store *s, const char *ca, const char *directory_url, StoreAccount *ret,
                char **ret_warning)
{
        _cleanup_close_ int fd = store_directory(s, 0, "accounts/%s", ca);
        _cleanup_(search_done) Search search = { .ca = ca, .directory_url = directory_url };
        int r;

        if (fd < 0)
                return fd;
        r = search_all(&search, fd);
        if (r < 0)
                return r;
        *ret_warning = TAKE_PTR(search.warning);
        if (!search.key)
                return search.newer ? -ENOTSUP : -ENOENT;
        if (!search.whole && !s->read_only)
                account_mend(s, &search);
        *ret = (StoreAccount){
                .key = TAKE_PTR(search.key),
                .state = TAKE_PTR(search.file.state),
        };
        return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int account_fill(int fd, const AccountFile *f, const RenewKey *key)
{
        int r;

        r = store_key_create(fd, ACCOUNT_KEY, key);
        if (r >= 0)
                r = document_create(fd, ACCOUNT_FILE, MODE_SECRET, account_fields, f);
        return r < 0 ? r : directory_sync(fd);
}

/* Complete under a temporary name, then one rename. */
static int account_write(int ca_fd, const AccountFile *f, const RenewKey *key)
{
        const char *thumbprint = renew_key_thumbprint(key);
        _cleanup_free_ char *temporary = store_temporary_name(thumbprint);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!temporary)
                return -ENOMEM;
        r = directory_remove_at(ca_fd, temporary);
        if (r < 0)
                return r;
        fd = directory_open_at(ca_fd, temporary, MODE_PRIVATE);
        r = fd < 0 ? fd : account_fill(fd, f, key);
        if (r >= 0 && renameat(ca_fd, temporary, ca_fd, thumbprint) < 0)
                r = errno == ENOTEMPTY ? -EEXIST : -errno;
        if (r < 0) {
                (void) directory_remove_at(ca_fd, temporary);
                return r;
        }
        return directory_sync(ca_fd);
}

int store_account_create(Store *s, const char *ca, const char *directory_url, const RenewKey *key)
{
        _cleanup_close_ int fd = store_directory(s, MODE_PRIVATE, "accounts/%s", ca);
        AccountFile f = { .created_usec = clock_realtime_usec() };
        int r;

        if (fd < 0)
                return fd;
        f.directory = strdup(directory_url);
        r = f.directory ? account_write(fd, &f, key) : -ENOMEM;
        account_file_done(&f);
        return r;
}

int store_account_save(Store *s, const char *ca, const RenewKey *key, const char *state)
{
        _cleanup_close_ int fd = store_directory(
                        s, 0, "accounts/%s/%s", ca, renew_key_thumbprint(key));
        AccountFile f = {};
        int r;

        if (fd < 0)
                return fd;
        if (s->read_only)
                return -EROFS;
        r = document_load(fd, ACCOUNT_FILE, account_fields, &f);
        if (r > 0)
                r = r == STORE_E_NEWER ? -ENOTSUP : 0;
        if (r >= 0 || r == -ENOENT) {
                free(f.state);
                f.state = strdup(state);
                r = f.state ? document_save(fd, ACCOUNT_FILE, MODE_SECRET, account_fields, &f)
                            : -ENOMEM;
        }
        account_file_done(&f);
        return r;
}
