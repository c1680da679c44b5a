/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RENEW_JOURNAL_H
#define RENEW_JOURNAL_H

/**
 * @file journal.h
 * What renewd writes to the journal beside the message: fields to filter by, and a message id for
 * each kind of event (journalctl MESSAGE_ID=…). Ids and names never change.
 */

#define RENEW_FIELD_CERTIFICATE "RENEWD_CERTIFICATE" /**< name of the certificate's section */
#define RENEW_FIELD_CA          "RENEWD_CA"          /**< name of the CA's section */
#define RENEW_FIELD_ORDER       "RENEWD_ORDER"       /**< URL of the order */
#define RENEW_FIELD_STATE       "RENEWD_STATE"       /**< state of the certificate's life cycle */
#define RENEW_FIELD_UNIT        "RENEWD_UNIT"        /**< the unit that was reloaded */
#define RENEW_FIELD_PROBLEM     "RENEWD_PROBLEM"     /**< type of the problem */

/** A certificate was obtained and switched to. */
#define RENEW_MESSAGE_CERTIFICATE_ISSUED "835963d536f7495ea4edadea26535438"

/** Its services were reloaded. */
#define RENEW_MESSAGE_CERTIFICATE_DEPLOYED "7b588e5f9c184ed69d85f8eb4c025b2b"

/** An attempt failed; the next one is planned. */
#define RENEW_MESSAGE_ISSUANCE_FAILED "adbf283580134a6e94228db952471ec4"

/** Nothing will be tried until a human acts. */
#define RENEW_MESSAGE_CERTIFICATE_HELD "52f671406db64ae28fb5c99825a17b84"

/** A service could not be reloaded. */
#define RENEW_MESSAGE_DEPLOYMENT_FAILED "5f0134dca72d4915b646406e05dffca5"

/** A certificate ended before its renewal succeeded. */
#define RENEW_MESSAGE_CERTIFICATE_EXPIRED "8265e45b3a1d4e57a1ba6a797a2673eb"

/** A state file was unreadable and is begun anew. */
#define RENEW_MESSAGE_STATE_DAMAGED "daa31912bdc24d24bee27ed4466d2ea1"

/** A configuration is in force. */
#define RENEW_MESSAGE_CONFIGURATION_LOADED "ef0af64713fb4cc2a52baa9f15a1efce"

/** A configuration has problems; the old one stays. */
#define RENEW_MESSAGE_CONFIGURATION_REFUSED "9c7096a115474cb2a499e3b0d8d5f4df"

/** An address for challenges is taken. */
#define RENEW_MESSAGE_LISTEN_FAILED "15ae2a83ee3444ae804636afdc8dcac6"

/** When a certificate will be renewed. */
#define RENEW_MESSAGE_RENEWAL_PLANNED "db809f5df5e744da8ccf51a040ea9ab4"

/** An account was found or created. */
#define RENEW_MESSAGE_ACCOUNT_READY "02ec1cd38cf04e5fba96432b7556ecd4"

/** Before an order something was found that may make it fail. */
#define RENEW_MESSAGE_PREFLIGHT "1351f2d9dbf94c0786a4e7b16a7548b6"

#endif
