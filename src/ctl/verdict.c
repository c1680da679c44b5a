/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verdict: the worst that is true of a certificate. Red is what renewd logs as an error: it will
 * expire, stay missing or stay unused unless a human acts. Yellow ends by itself.
 */

#include "ctl/shown.h"
#include "ctl/verdict.h"

#define V(class_, word_) ((Verdict){ .class = VERDICT_##class_, .word = (word_) })

/* A sixth of the lifetime is left, a quarter where it is under ten days: renewd's own last word. */
static bool ends_soon(const json_t *issued, uint64_t now)
{
        uint64_t begin = shown_instant(issued, "not_before");
        uint64_t end = shown_instant(issued, "not_after");
        uint64_t lifetime = usec_sub(end, begin);

        return usec_sub(end, now) < lifetime / (lifetime < 10 * USEC_PER_DAY ? 4 : 6);
}

static VerdictClass class_of_failure(const json_t *certificate, uint64_t now)
{
        const json_t *issued = json_object_get(certificate, "issued");
        const char *retry = shown_text_or(
                        json_object_get(certificate, "last_problem"), "retry", "");

        if (streq(retry, "daily") || streq(retry, "held"))
                return VERDICT_ATTENTION;
        if (!json_is_object(issued))
                return streq(retry, "validation") ? VERDICT_ATTENTION : VERDICT_WORKING;
        return ends_soon(issued, now) ? VERDICT_ATTENTION : VERDICT_WORKING;
}

static Verdict verdict_of_deployment(const json_t *certificate)
{
        const char *state = shown_text_or(
                        json_object_get(certificate, "deployment"), "state", "none");

        if (streq(state, "failed"))
                return V(ATTENTION, "not deployed");
        if (streq(state, "pending"))
                return V(WORKING, "deploying");
        return V(WELL, "well");
}

static Verdict verdict_of_state(const json_t *certificate, uint64_t now)
{
        const char *state = shown_text_or(certificate, "state", "unknown");

        if (streq(state, "issuing"))
                return V(WORKING, "ordering");
        if (streq(state, "due"))
                return shown_text(certificate, "blocked") ? V(ATTENTION, "blocked")
                                                          : V(WORKING, "waiting");
        if (streq(state, "backoff"))
                return (Verdict){ class_of_failure(certificate, now), "retrying" };
        if (streq(state, "resting"))
                return verdict_of_deployment(certificate);
        /* of a newer renewd, or one that has just started */
        return V(WORKING, state);
}

Verdict verdict_of(const json_t *certificate, uint64_t now)
{
        const json_t *issued = json_object_get(certificate, "issued");
        const char *state = shown_text_or(certificate, "state", "unknown");

        if (streq(state, "unconfigured"))
                return V(IDLE, "unconfigured");
        if (json_is_object(issued) && shown_instant(issued, "not_after") <= now)
                return V(ATTENTION, "expired");
        if (streq(state, "held"))
                return V(ATTENTION, "held");
        if (streq(state, "read-only"))
                return V(ATTENTION, "read-only");
        return verdict_of_state(certificate, now);
}

Tone verdict_tone(VerdictClass class)
{
        switch (class) {
        case VERDICT_WELL:
                return TONE_WELL;
        case VERDICT_WORKING:
                return TONE_WORKING;
        case VERDICT_ATTENTION:
                return TONE_ATTENTION;
        case VERDICT_IDLE:
                return TONE_FAINT;
        }
        assert_not_reached();
}

const char *verdict_reason(const char *token)
{
        static const struct {
                const char *token, *words;
        } reasons[] = {
                { "missing", "it was never issued" },
                { "asked", "you asked for it" },
                { "changed", "its configuration changed" },
                { "resumed", "its order was interrupted" },
                { "lifetime", "in time before its end" },
                { "window", "as the CA suggests" },
                { "retry", "the last attempt failed" },
                { "held", "held until its configuration changes or renewctl renew" },
        };

        for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
                if (streq(reasons[i].token, token))
                        return reasons[i].words;
        return token;
}
