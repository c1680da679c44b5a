/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "challenge/http-01.h"
#include "net/http-server.h"

/*
 * What http-01.c (tokens and answers) and http-01-listen.c (sockets and servers) share. Nobody else
 * includes it.
 */

typedef struct Http01Token Http01Token;
typedef struct Http01Listener Http01Listener;
typedef struct Http01Inherited Http01Inherited;

struct Http01 {
        ChallengeSolver solver;
        sd_event *event;
        Http01Seen seen;
        void *userdata;
        Http01Token *tokens; /* by token */

        /* what is listened on, and why not more */
        ConfigFallback fallback;
        Http01Inherited *inherited;
        Http01Listener *listeners;
        char *problem; /* NULL: none */
        bool may_pass; /* a part of it is nobody's doing: an address that is not there yet */
};

/* The handler of every server; userdata is the Http01. */
void http01_on_request(HttpExchange *x, void *userdata);

/* Stops all servers and closes all sockets, inherited ones too. */
void http01_close_listeners(Http01 *h);
