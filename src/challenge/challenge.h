/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include <renew/session.h>

#include "base/macros.h"

/*
 * How control of a name is shown: present a challenge, retract it. One vtable, one file for each way
 * (http-01.c: our own listener; webroot.c: a file below a web server's directory).
 */
typedef struct ChallengeSolver ChallengeSolver;

typedef struct ChallengeVtable {
        const char *name; /* "listener", "webroot" */

        /* Makes the key authorization visible. Return: 0 or -errno; *ret_reason is then a sentence for people with
         * the mend, which the caller frees. */
        int (*present)(ChallengeSolver *s, const RenewChallenge *challenge, char **ret_reason);

        /* Takes it away; not there is fine. challenge->key_authorization may be NULL (after a crash). */
        void (*retract)(ChallengeSolver *s, const RenewChallenge *challenge);

        ChallengeSolver *(*free)(ChallengeSolver *s);
} ChallengeVtable;

struct ChallengeSolver {
        const ChallengeVtable *vtable;
};

static inline int challenge_present(
                ChallengeSolver *s, const RenewChallenge *challenge, char **ret_reason)
{
        return s->vtable->present(s, challenge, ret_reason);
}

static inline void challenge_retract(ChallengeSolver *s, const RenewChallenge *challenge)
{
        s->vtable->retract(s, challenge);
}

static inline ChallengeSolver *challenge_solver_free(ChallengeSolver *s)
{
        return s ? s->vtable->free(s) : NULL;
}
DEFINE_CLEANUP(ChallengeSolver, challenge_solver_free)
