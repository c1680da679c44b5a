/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RENEW_RENEW_H
#define RENEW_RENEW_H

/**
 * @file renew.h
 * All of librenew.
 */

#include <renew/http.h>
#include <renew/key.h>
#include <renew/order.h>
#include <renew/problem.h>
#include <renew/renewal.h>
#include <renew/session.h>
#include <renew/types.h>
#include <renew/x509.h>

#endif
