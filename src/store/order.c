/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * order: the order in flight of one certificate, certificates/<name>/order/.
 *
 * Key and description belong together: an order whose key is lost, or that is finished with the key
 * of another, is a certificate that nobody can use. So the directory comes complete under its name
 * and goes with one rename; only the order's progress (order.json) is replaced within it.
 */

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "store/document.h"
#include "store/layout.h"

#define ORDER_DIRECTORY "order"
#define ORDER_FILE      "order.json"
#define ORDER_KEY       "key.pem"
/* Not ".order.tmp", under which an older order waits for its removal. */
#define ORDER_NEW ".order.new.tmp"

static const Field order_fields[] = {
        FIELD(FIELD_TEXT, "ca", StoreOrder, ca),
        FIELD(FIELD_TEXT, "account", StoreOrder, account),
        FIELD(FIELD_TEXT, "webroot", StoreOrder, webroot),
        FIELD(FIELD_TEXT, "profile", StoreOrder, profile),
        FIELD(FIELD_TEXTS, "names", StoreOrder, names),
        FIELD(FIELD_TEXT, "state", StoreOrder, state),
        {},
};

void store_order_done(StoreOrder *o)
{
        renew_key_unref(o->key);
        free(o->state);
        free(o->ca);
        free(o->account);
        free(o->webroot);
        free(o->profile);
        strv_free(o->names);
        *o = (StoreOrder){};
}

static int order_fill(int fd, const StoreOrder *o)
{
        int r;

        r = store_key_create(fd, ORDER_KEY, o->key);
        if (r >= 0)
                r = document_create(fd, ORDER_FILE, MODE_SECRET, order_fields, o);
        return r < 0 ? r : directory_sync(fd);
}

/* Whether what is there may go. Return: 0, -ENOTSUP when it is of a newer format, -errno. */
static int order_may_replace(int certificate_fd)
{
        _cleanup_close_ int fd = openat(certificate_fd, ORDER_DIRECTORY,
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? 0 : document_may_replace(fd, ORDER_FILE);
}

static int order_create(int certificate_fd, const StoreOrder *o)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = order_may_replace(certificate_fd);
        if (r >= 0)
                r = directory_remove_at(certificate_fd, ORDER_NEW);
        if (r < 0)
                return r;
        fd = directory_open_at(certificate_fd, ORDER_NEW, MODE_PRIVATE);
        r = fd < 0 ? fd : order_fill(fd, o);
        if (r >= 0)
                r = store_directory_discard(certificate_fd, ORDER_DIRECTORY);
        if (r >= 0 && renameat(certificate_fd, ORDER_NEW, certificate_fd, ORDER_DIRECTORY) < 0)
                r = -errno;
        if (r < 0) {
                (void) directory_remove_at(certificate_fd, ORDER_NEW);
                return r;
        }
        return directory_sync(certificate_fd);
}

int store_order_begin(Store *s, const char *certificate, const StoreOrder *o)
{
        _cleanup_close_ int fd = store_directory(s, MODE_PASSAGE, "certificates/%s", certificate);
        int r;

        if (fd < 0)
                return fd;
        r = order_create(fd, o);
        if (r < 0)
                store_certificate_abandon(s, certificate);
        return r;
}

int store_order_save(Store *s, const char *certificate, const StoreOrder *o)
{
        _cleanup_close_ int fd = store_directory(
                        s, 0, "certificates/%s/" ORDER_DIRECTORY, certificate);
        int r;

        if (fd < 0)
                return fd;
        if (s->read_only)
                return -EROFS;
        r = document_may_replace(fd, ORDER_FILE);
        return r < 0 ? r : document_save(fd, ORDER_FILE, MODE_SECRET, order_fields, o);
}

static int order_read(int fd, StoreOrder *o)
{
        int r;

        r = document_load(fd, ORDER_FILE, order_fields, o);
        if (r == 0)
                r = store_key_load(fd, ORDER_KEY, &o->key);
        /* Another order can always be made; one that cannot be read must not stand in its way. */
        return r == -ENOENT || r == -EIO ? STORE_E_DAMAGED : r;
}

int store_order_load(Store *s, const char *certificate, StoreOrder *ret)
{
        _cleanup_close_ int fd = store_directory(
                        s, 0, "certificates/%s/" ORDER_DIRECTORY, certificate);
        StoreOrder o = {};
        int r;

        if (fd < 0 && fd != -ENOTDIR)
                return fd;
        r = fd < 0 ? STORE_E_DAMAGED : order_read(fd, &o);
        if (r == 0) {
                *ret = o;
                return 0;
        }
        store_order_done(&o);
        if (r == STORE_E_DAMAGED && !s->read_only)
                (void) store_order_remove(s, certificate);
        return r;
}

int store_order_remove(Store *s, const char *certificate)
{
        _cleanup_close_ int fd = store_directory(s, 0, "certificates/%s", certificate);
        int r;

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        if (s->read_only)
                return -EROFS;
        r = order_may_replace(fd);
        return r < 0 ? r : store_directory_discard(fd, ORDER_DIRECTORY);
}
