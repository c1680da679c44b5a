/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RENEW_HOOK_H
#define RENEW_HOOK_H

/**
 * @file hook.h
 * The environment that a hook (Run= in renewd.conf(5)) finds beside PATH, LANG and what it inherits
 * of the service manager's protocol. No shell is involved and no value comes from the CA unchecked.
 */

#define RENEW_HOOK_EVENT       "RENEWD_EVENT"       /**< "deployed" */
#define RENEW_HOOK_CERTIFICATE "RENEWD_CERTIFICATE" /**< name of the certificate's section */
#define RENEW_HOOK_NAMES       "RENEWD_NAMES"       /**< its names, separated by spaces */
#define RENEW_HOOK_DIRECTORY \
        "RENEWD_DIRECTORY" /**< …/live/NAME: cert, chain, fullchain, privkey .pem */
#define RENEW_HOOK_SERIAL    "RENEWD_SERIAL"    /**< serial number, lower-case hexadecimal */
#define RENEW_HOOK_NOT_AFTER "RENEWD_NOT_AFTER" /**< RFC 3339, UTC */

#endif
