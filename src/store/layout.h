/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "store/store.h"

/*
 * What the files of this room share: where things lie, with which mode, and the one door through
 * which every directory below the state directory is opened. Not for other rooms.
 */

/* Certificates are public and web servers pass through; only their names are not for everyone to
 * list. */
#define MODE_PASSAGE ((mode_t) 0711)
#define MODE_PRIVATE ((mode_t) 0700)
#define MODE_PUBLIC  ((mode_t) 0644)
#define MODE_SECRET  ((mode_t) 0600)

/* The format of every JSON file that is written here. */
#define STORE_VERSION 1

struct Store {
        int fd; /* the state directory; carries the lock */
        char *path;
        bool read_only;
};

/*
 * Opens the directory below the state directory that format says, component by component and
 * following no link, so that whoever owns the state directory cannot lead a reader out of it.
 *
 * @mode  the last component is created with it where missing (not in a read-only store); 0: it must
 * exist Return: a descriptor that the caller closes, -ENOENT, -errno.
 */
int store_directory(const Store *s, mode_t mode, const char *format, ...) _printf_(3, 4);

/* Removes certificates/<name> if nothing is in it: a first write that failed leaves no phantom. */
void store_certificate_abandon(const Store *s, const char *certificate);

/*
 * Moves the directory aside under a temporary name in one step, then removes it: nobody ever sees a
 * part of it, and what a crash leaves is swept. Return: 0 (also when it was not there) or -errno.
 */
int store_directory_discard(int parent_fd, const char *name);

/* ".<name>.tmp", as base/file.h names what is not finished; the caller frees it. NULL: out of
 * memory. */
char *store_temporary_name(const char *name);

/*
 * A private key's file. What was read is wiped.
 * Return: 0, STORE_E_DAMAGED when it is missing, no file or holds no such key, -EIO when the disk
 * cannot read it (which may pass, and a key is not given up lightly), -errno.
 */
int store_key_load(int dir_fd, const char *file, RenewKey **ret);

/* Creates the file (base/file.h: file_create_at()) with mode 0600. Return: 0 or -errno. */
int store_key_create(int dir_fd, const char *file, const RenewKey *key);

/*
 * Whether a failure to read says that the thing itself is bad (missing, of another kind, too large,
 * a sector that cannot be read), so that another one may take its place. What our process lacks
 * (memory, descriptors, permission) says nothing about it.
 */
bool store_is_damage(int r);
