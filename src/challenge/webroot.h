/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "challenge/challenge.h"

/*
 * http-01 through a directory that a web server maps to /.well-known/acme-challenge/ (Webroot=): a file
 * named by the token, mode 0644, written durably enough to be read at once, removed on retract. Tokens are
 * checked before they become names; no link in the directory is followed.
 * The directory is the one that `alias` names, without ".well-known/acme-challenge" appended.
 * Return: 0 or -ENOMEM.
 */
int webroot_new(const char *directory, ChallengeSolver **ret);
