/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "base/macros.h"

/*
 * Files written so that a crash at any instant leaves the old or the new content, never a part of
 * it (reliability: temp file, fsync, rename, fsync of the directory). All paths are relative to a
 * directory's descriptor (or AT_FDCWD) and no call but directory_make_at() follows a symbolic link
 * in the last component (it fails with -ELOOP or -ENOTDIR).
 */

/*
 * The whole file, with a NUL behind it that does not count. The caller frees it.
 * Return: 0, -E2BIG when larger than max, -ENOENT, -errno; -EINVAL when not a regular file.
 */
int file_read_at(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_size);

/*
 * Writes a file that is not there yet, and its content to the disk; its name gets there by
 * directory_sync(), once for all files of a new directory. The mode is there before the first byte
 * is. Return: 0, -EEXIST, -errno; on failure nothing of it remains.
 */
int file_create_at(int dir_fd, const char *path, const void *data, size_t size, mode_t mode);

/*
 * Replaces or creates path durably. The mode is there before the first byte is.
 * Return: 0 or -errno; on failure path is as before and no temporary file remains (but when the
 * disk refuses the directory's fsync: then the new content is there and may not survive a power
 * cut).
 */
int file_write_at(int dir_fd, const char *path, const void *data, size_t size, mode_t mode);

/* Removes a file (or a link) with what an interrupted write of it left, and makes that durable.
 * Return: 0 (also when it was not there) or -errno. */
int file_remove_at(int dir_fd, const char *path);

/*
 * Points the symbolic link path to target in one step, durably.
 * Return: 0 or -errno; on failure path is as before.
 */
int file_symlink_at(int dir_fd, const char *target, const char *path);

/* Creates path and its missing parents durably (new ones with mode). Links to directories are
 * followed: where the administrator wants the state to lie is theirs to say. Return: 0 or -errno.
 */
int directory_make_at(int dir_fd, const char *path, mode_t mode);

/*
 * Opens a directory, creating the last component with mode where missing.
 * Return: a descriptor that the caller closes, or -errno.
 */
int directory_open_at(int dir_fd, const char *path, mode_t mode);

/* Makes the entries of a directory durable. Return: 0 or -errno. */
int directory_sync(int dir_fd);

/* Names in a directory but for "." and "..", sorted. The caller frees with strv_free(). Return: 0
 * or -errno. */
int directory_list(int dir_fd, char ***ret);

/* Removes a directory with all that is in it, never following a link. Return: 0 (also when it was
 * not there) or -errno of the first thing that stayed. */
int directory_remove_at(int dir_fd, const char *path);
