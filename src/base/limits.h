/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Every ceiling in one place, each with its reason. Who fills a buffer for us (a CA, a client of a
 * socket, a file somebody else may have written) meets one of these.
 */

/* What a CA may answer: a chain of ten certificates is 30 kB, an order of 100 names 40 kB. */
#define LIMIT_HTTP_BODY ((size_t) 256 * 1024)
/* What renewd answers on its control socket: 10,000 certificates with a few names each are 15 MB, and
 * whoever may put a socket there could do worse than to fill renewctl's memory. */
#define LIMIT_CONTROL_BODY ((size_t) 64 * 1024 * 1024)
/* Headers of one answer together; Let's Encrypt sends less than 1 kB. */
#define LIMIT_HTTP_HEADERS   ((size_t) 32 * 1024)
#define LIMIT_HTTP_N_HEADERS 128U
/* Memory of MHD for one connection to us: request line, headers, our answer's headers. Let's Encrypt's
 * validation sends 300 bytes; a longer request line or more headers get a 414 or 431. */
#define LIMIT_HTTP_SERVER_MEMORY ((size_t) 8 * 1024)
/* Connections to the challenge port: 512 times the above is 4 MB. One order of 100 names may bring as
 * many at once from each place that a CA validates from. */
#define LIMIT_HTTP_01_CONNECTIONS 512U
#define LIMIT_HTTP_01_PER_ADDRESS 128U
/* One line that a child process writes, and how many of them anybody wants to read. */
#define LIMIT_CHILD_LINE  ((size_t) 1024)
#define LIMIT_CHILD_LINES 1000U
/* Certificates in one request to renewd-deploy: its answer, with two sentences of LIMIT_PEER_TEXT for each
 * and every character of them escaped, stays below LIMIT_HTTP_BODY. More go in the next request. */
#define LIMIT_DEPLOY_BATCH ((size_t) 100)
/* JSON nesting: ACME needs five levels. */
#define LIMIT_JSON_DEPTH 32U
/* Text of a peer in a message: enough to understand, too little to drown a log. */
#define LIMIT_PEER_TEXT ((size_t) 512)
/* A URL of a CA; RFC 8555 gives no limit, practice stays below 300. */
#define LIMIT_URL ((size_t) 2048)
/* A nonce; those of the public CAs have 43 to 91 characters. */
#define LIMIT_NONCE ((size_t) 512)
/* A challenge token (RFC 8555 section 8.3 asks for 22 or more characters). */
#define LIMIT_TOKEN ((size_t) 255)
/* Names of one certificate (Let's Encrypt: 100). */
#define LIMIT_NAMES ((size_t) 1000)
/* Length of a DNS name in text (RFC 1035 section 2.3.4) and of one label. */
#define LIMIT_DNS_NAME  ((size_t) 253)
#define LIMIT_DNS_LABEL ((size_t) 63)
/* Addresses of one family that are looked at: Let's Encrypt tries two of all that a name has. */
#define LIMIT_DNS_ADDRESSES ((size_t) 8)
/* CAA records of one name; who permits many CAs has ten. */
#define LIMIT_DNS_CAA ((size_t) 64)
/* Links of one relation in an answer: alternate chains are two or three. */
#define LIMIT_LINKS ((size_t) 16)
/* Names by which a CA goes in CAA records; the public ones have one to four. */
#define LIMIT_CAA_IDENTITIES ((size_t) 16)
/* What one look ahead finds; who has more of these mends the first ones first. */
#define LIMIT_PREFLIGHT_FINDINGS ((size_t) 32)
/* Certificates in one chain. */
#define LIMIT_CHAIN 10U
/* One configuration file, one line of it with its continuations, and all files together. */
#define LIMIT_CONFIG_FILE  ((size_t) 4 * 1024 * 1024)
#define LIMIT_CONFIG_LINE  ((size_t) 64 * 1024)
#define LIMIT_CONFIG_FILES ((size_t) 20000)
/* Items of one list (contacts, units, words of a command), but for names. */
#define LIMIT_CONFIG_ITEMS ((size_t) 1000)
/* The HMAC key of an external account with its line's end; CAs give 43 to 86 characters. */
#define LIMIT_EAB_KEY ((size_t) 4096)
/* Problems reported of one configuration; after that they say only their number. */
#define LIMIT_CONFIG_PROBLEMS ((size_t) 1000)
/* A state file that we wrote ourselves (an order of 1000 names), or a PEM file. */
#define LIMIT_STATE_FILE ((size_t) 1024 * 1024)
/* A section's name, which becomes a directory (NAME_MAX less room for a suffix). */
#define LIMIT_SECTION_NAME ((size_t) 200)
/* Messages of one record in the journal. */
#define LIMIT_LOG_MESSAGE ((size_t) 4096)
#define LIMIT_LOG_FIELDS  32U
