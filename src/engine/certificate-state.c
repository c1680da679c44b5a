/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * certificate-state: the life cycle's edges and words.
 *
 *     UNPLANNED --> RESTING --> DUE --> ISSUING --> RESTING
 *         |            ^         ^         |
 *         |            |         +-- BACKOFF, HELD (failed)
 *         +--> UNCONFIGURED, READ_ONLY
 *
 * A plan that is made anew (reload, clock, operator) may move between the four states that wait.
 */

#include "engine/certificate.h"

#define BIT(state) (1U << (state))
#define WAITING                                                                       \
        (BIT(CERTIFICATE_RESTING) | BIT(CERTIFICATE_DUE) | BIT(CERTIFICATE_BACKOFF) | \
                        BIT(CERTIFICATE_HELD))

static const unsigned edges[CERTIFICATE_N_STATES] = {
        [CERTIFICATE_UNPLANNED] = WAITING | BIT(CERTIFICATE_UNCONFIGURED) |
                                  BIT(CERTIFICATE_READ_ONLY),
        [CERTIFICATE_UNCONFIGURED] = BIT(CERTIFICATE_UNPLANNED),
        [CERTIFICATE_READ_ONLY] = BIT(CERTIFICATE_UNPLANNED),
        [CERTIFICATE_RESTING] = WAITING | BIT(CERTIFICATE_UNPLANNED),
        [CERTIFICATE_DUE] = WAITING | BIT(CERTIFICATE_ISSUING) | BIT(CERTIFICATE_UNPLANNED),
        [CERTIFICATE_ISSUING] = WAITING | BIT(CERTIFICATE_UNPLANNED),
        [CERTIFICATE_BACKOFF] = WAITING | BIT(CERTIFICATE_UNPLANNED),
        [CERTIFICATE_HELD] = WAITING | BIT(CERTIFICATE_UNPLANNED),
};

bool certificate_state_may_follow(CertificateState from, CertificateState to)
{
        return edges[from] & BIT(to);
}

const char *certificate_state_to_string(CertificateState state)
{
        switch (state) {
        case CERTIFICATE_UNPLANNED:
                return "unplanned";
        case CERTIFICATE_UNCONFIGURED:
                return "unconfigured";
        case CERTIFICATE_READ_ONLY:
                return "read-only";
        case CERTIFICATE_RESTING:
                return "resting";
        case CERTIFICATE_DUE:
                return "due";
        case CERTIFICATE_ISSUING:
                return "issuing";
        case CERTIFICATE_BACKOFF:
                return "backoff";
        case CERTIFICATE_HELD:
                return "held";
        }
        assert_not_reached();
}

const char *deployment_state_to_string(DeploymentState state)
{
        switch (state) {
        case DEPLOYMENT_NONE:
                return "none";
        case DEPLOYMENT_PENDING:
                return "pending";
        case DEPLOYMENT_DONE:
                return "done";
        case DEPLOYMENT_FAILED:
                return "failed";
        }
        assert_not_reached();
}
