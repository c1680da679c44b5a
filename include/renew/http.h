/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RENEW_HTTP_H
#define RENEW_HTTP_H

/**
 * @file http.h
 * The plain request and response in which bytes cross between librenew and whoever owns the
 * sockets.
 *
 * The transport sends a request exactly as it stands (the URL is signed byte for byte, RFC 8555
 * section 6.4), over https only, with the server's certificate and host name verified, and follows
 * no redirect: librenew itself follows those of a GET that stay at the same CA. It adds no header
 * but those of its own protocol (Host, Content-Length, …).
 */

#include <renew/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct RenewHeader {
        const char *name; /**< compared without regard to case */
        const char *value;
} RenewHeader;

/** A request. Owned by the object that wants it sent, valid until that object is fed. */
typedef struct RenewRequest {
        const char *method; /**< "GET", "HEAD" or "POST" */
        const char *url;
        const RenewHeader *headers; /**< User-Agent, Accept, Content-Type, … */
        size_t n_headers;
        const void *body; /**< NULL but for POST */
        size_t body_size;
} RenewRequest;

/** A response of any status. Owned by the caller; librenew copies what it keeps. */
typedef struct RenewResponse {
        unsigned status;
        const RenewHeader *headers; /**< as received, repeated ones repeated */
        size_t n_headers;
        const void *body;
        size_t body_size;
} RenewResponse;

#ifdef __cplusplus
}
#endif

#endif
