/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * generation: key and chain of one issuance, certificates/<name>/<id>/, and the link live/<name>
 * that says which one is in force.
 *
 * A generation comes whole: it is written under a temporary name, each file to the disk, then takes
 * its name with one rename. It never changes after that. So at any instant live/ points to a whole
 * pair, the old or the new, and a crash or a full disk costs nothing but the attempt.
 *
 * Ids sort by time of issue, always: an id is the instant at which we received the certificate, but
 * at least a microsecond after the newest that is there. A clock that was stepped back (or a
 * machine that wakes up in 1970) therefore cannot make an old certificate look newer than its
 * successor. The true instant is in meta.json.
 */

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/random.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "store/generation.h"

/* What stays of a certificate: the one in force and its predecessors, for a human who wants to go
 * back. */
#define GENERATIONS_KEPT 3U

const Field generation_meta_fields[] = {
        FIELD(FIELD_NUMBER, "issued", GenerationMeta, issued_usec),
        FIELD(FIELD_TEXT, "serial", GenerationMeta, serial),
        FIELD(FIELD_TEXT, "fingerprint", GenerationMeta, fingerprint),
        {},
};

void generation_meta_done(GenerationMeta *m)
{
        free(m->serial);
        free(m->fingerprint);
        *m = (GenerationMeta){};
}

/* --- ids -------------------------------------------------------------------------------------- */

#define ID_FORM    \
        "dddddddd" \
        "T"        \
        "dddddd"   \
        "Z-"       \
        "xxxxxxxx"

static bool has_id_form(const char *id)
{
        static const char form[] = ID_FORM;

        for (size_t i = 0; i < sizeof(form); i++) {
                bool fits = form[i] == 'd'   ? id[i] >= '0' && id[i] <= '9'
                            : form[i] == 'x' ? (id[i] >= '0' && id[i] <= '9') ||
                                                               (id[i] >= 'a' && id[i] <= 'f')
                                             : id[i] == form[i];

                if (!fits)
                        return false;
        }
        return true;
}

int generation_id_parse(const char *id, uint64_t *ret_usec)
{
        char text[TIMESTAMP_MAX], digits[6];
        uint64_t seconds_usec;
        unsigned long usec;

        if (!has_id_form(id))
                return -EINVAL;
        (void) snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", id, id + 4, id + 6,
                        id + 9, id + 11, id + 13);
        (void) snprintf(digits, sizeof(digits), "%.5s", id + strlen("20261124T001500Z-"));
        usec = strtoul(digits, NULL, 16);
        if (timestamp_parse(text, &seconds_usec) < 0 || usec >= USEC_PER_SEC)
                return -EINVAL;
        *ret_usec = seconds_usec + usec;
        return 0;
}

/* Return: 0, -ENOMEM, -EOVERFLOW for an instant whose year has more than four digits. */
static int id_format(uint64_t usec, char **ret)
{
        char text[TIMESTAMP_MAX];
        const char *t = timestamp_format(text, usec);
        char *id;

        if (strlen(t) != strlen("2026-11-24T00:15:00Z"))
                return -EOVERFLOW;
        id = text_format("%.4s%.2s%.2sT%.2s%.2s%.2sZ-%05x%03x", t, t + 5, t + 8, t + 11, t + 14,
                        t + 17, (unsigned) (usec % USEC_PER_SEC),
                        (unsigned) (random_u64() & 0xfff));
        if (!id)
                return -ENOMEM;
        *ret = id;
        return 0;
}

static int id_new(int certificate_fd, uint64_t now_usec, char **ret)
{
        _cleanup_strv_ char **ids = NULL;
        uint64_t newest;
        size_t n;
        int r;

        r = generation_list(certificate_fd, &ids);
        if (r < 0)
                return r;
        n = strv_length(ids);
        if (n > 0 && generation_id_parse(ids[n - 1], &newest) >= 0 && now_usec <= newest)
                now_usec = usec_add(newest, 1);
        return id_format(now_usec, ret);
}

int generation_list(int certificate_fd, char ***ret)
{
        _cleanup_strv_ char **names = NULL, **ids = NULL;
        uint64_t usec;
        int r;

        r = directory_list(certificate_fd, &names);
        if (r < 0)
                return r;
        STRV_FOREACH (name, names) {
                if (generation_id_parse(*name, &usec) < 0)
                        continue;
                r = strv_add(&ids, *name);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(ids);
        return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int write_text(int fd, const char *file, const char *text)
{
        return file_create_at(fd, file, text, strlen(text), MODE_PUBLIC);
}

static int write_meta(int fd, const RenewChain *chain, uint64_t now_usec)
{
        GenerationMeta m = {
                .issued_usec = now_usec,
                .serial = strdup(renew_chain_serial(chain)),
                .fingerprint = strdup(renew_chain_fingerprint(chain)),
        };
        int r = -ENOMEM;

        if (m.serial && m.fingerprint)
                r = document_create(fd, GENERATION_META, MODE_PUBLIC, generation_meta_fields, &m);
        generation_meta_done(&m);
        return r;
}

static int generation_fill(int fd, const RenewChain *chain, const RenewKey *key, uint64_t now_usec)
{
        int r;

        r = store_key_create(fd, GENERATION_KEY, key);
        if (r >= 0)
                r = write_text(fd, GENERATION_CERT, renew_chain_leaf_pem(chain));
        if (r >= 0)
                r = write_text(fd, GENERATION_CHAIN, renew_chain_issuers_pem(chain));
        if (r >= 0)
                r = write_text(fd, GENERATION_FULLCHAIN, renew_chain_full_pem(chain));
        if (r >= 0)
                r = write_meta(fd, chain, now_usec);
        return r < 0 ? r : directory_sync(fd);
}

static int generation_create(int certificate_fd, const char *id, const RenewChain *chain,
                const RenewKey *key, uint64_t now_usec)
{
        _cleanup_free_ char *temporary = store_temporary_name(id);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!temporary)
                return -ENOMEM;
        fd = directory_open_at(certificate_fd, temporary, MODE_PASSAGE);
        r = fd < 0 ? fd : generation_fill(fd, chain, key, now_usec);
        if (r >= 0 && renameat(certificate_fd, temporary, certificate_fd, id) < 0)
                r = -errno;
        if (r < 0) {
                (void) directory_remove_at(certificate_fd, temporary);
                return r;
        }
        r = directory_sync(certificate_fd);
        if (r < 0)
                (void) store_directory_discard(certificate_fd, id);
        return r;
}

int store_generation_write(Store *s, const char *certificate, const RenewChain *chain,
                const RenewKey *key, uint64_t now_usec, char **ret_id)
{
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *id = NULL;
        int r;

        /* A pair that does not match would be refused by whoever reads it; it does not even get a
         * name. */
        if (!renew_chain_matches_key(chain, key))
                return -EINVAL;
        fd = store_directory(s, MODE_PASSAGE, "certificates/%s", certificate);
        if (fd < 0)
                return fd;
        r = id_new(fd, now_usec, &id);
        if (r >= 0)
                r = generation_create(fd, id, chain, key, now_usec);
        if (r < 0) {
                store_certificate_abandon(s, certificate);
                return r;
        }
        *ret_id = TAKE_PTR(id);
        return 0;
}

/* --- switching -------------------------------------------------------------------------------- */

int generation_in_force(const Store *s, const char *certificate, char **ret_id)
{
        _cleanup_close_ int live = store_directory(s, 0, "live");
        _cleanup_free_ char *prefix = text_format("../certificates/%s/", certificate);
        char target[PATH_MAX];
        uint64_t usec;
        ssize_t n;
        char *id;

        if (!prefix)
                return -ENOMEM;
        if (live < 0)
                return live;
        n = readlinkat(live, certificate, target, sizeof(target) - 1);
        if (n < 0)
                return errno == EINVAL ? STORE_E_DAMAGED : -errno;
        target[n] = '\0';
        if (!has_prefix(target, prefix) || generation_id_parse(target + strlen(prefix), &usec) < 0)
                return STORE_E_DAMAGED;
        id = strdup(target + strlen(prefix));
        if (!id)
                return -ENOMEM;
        *ret_id = id;
        return 0;
}

int generation_link(const Store *s, const char *certificate, const char *id)
{
        _cleanup_close_ int live = store_directory(s, MODE_PASSAGE, "live");
        _cleanup_free_ char *target = text_format("../certificates/%s/%s", certificate, id);

        if (!target)
                return -ENOMEM;
        return live < 0 ? live : file_symlink_at(live, target, certificate);
}

/* Keeps the one in force and the newest others. What cannot be removed now is removed after the
 * next. */
static void generation_prune(int certificate_fd, const char *in_force)
{
        _cleanup_strv_ char **ids = NULL;
        size_t kept = 1;

        if (generation_list(certificate_fd, &ids) < 0)
                return;
        for (size_t i = strv_length(ids); i > 0; i--) {
                const char *id = ids[i - 1];

                if (streq(id, in_force))
                        continue;
                if (kept < GENERATIONS_KEPT)
                        kept++;
                else
                        (void) store_directory_discard(certificate_fd, id);
        }
}

int store_generation_switch(Store *s, const char *certificate, const char *id)
{
        _cleanup_close_ int certificate_fd = store_directory(s, 0, "certificates/%s", certificate);
        _cleanup_close_ int fd = -EBADF;
        uint64_t usec;
        int r;

        if (certificate_fd < 0)
                return certificate_fd;
        if (generation_id_parse(id, &usec) < 0)
                return -EINVAL;
        fd = openat(certificate_fd, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = generation_link(s, certificate, id);
        if (r < 0)
                return r;
        generation_prune(certificate_fd, id);
        return 0;
}
