/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "base/text.h"
#include "base/timestamp.h"
#include "engine/manager.h"

/*
 * The whole engine under a virtual clock. What is real: the engine and the configuration's reader,
 * and in `seam` the attempts with librenew too. What is the simulation's: the loop and the clocks
 * (sd-event.c), the disk (store.c), chance and what else surrounds the engine (world.c), what is
 * seen from outside (seen.c), and, but in `seam`, the attempts and the CA (attempts.c).
 *
 * There is one machine. A scenario begins with sim_begin() and ends with sim_end(); between them
 * the engine can be started, stopped and configured as often as it likes, on one disk.
 */

/* --- time and chance -------------------------------------------------------------------------- */

/* Wall time as it is; the machine's own clock may err. */
uint64_t sim_truth(void);

/* From now on the machine's clock is ahead of the truth by this (behind: negative). */
void sim_set_clock(int64_t error_usec);
int64_t sim_clock_error(void);

/* The machine sleeps. */
void sim_suspend(uint64_t span_usec);

/* A number from 0 to n - 1. */
uint64_t sim_chance(uint64_t n);

/* --- the machine ------------------------------------------------------------------------------ */

/* The seed is $SIM_SEED or a number of the scenario's own, and is printed. */
void sim_begin(uint64_t seed);
void sim_end(void);

/* Text of renewd.conf; Let's Encrypt is there already. A running engine reloads. */
void sim_configure(const char *text);

/* The same once more. */
void sim_reload(void);

/* [Certificate] sections named PREFIX-00000 to PREFIX-N, without CA= for NULL. Caller frees. */
char *sim_sections(const char *prefix, unsigned n, const char *ca);

void sim_start(void);
void sim_stop(void);
Manager *sim_manager(void);
Certificate *sim_certificate(const char *name);

void sim_run(uint64_t span_usec);

/* A CA asks for a token. */
bool sim_is_presented(const char *token);
void sim_read_token(const char *token);
size_t sim_n_presented(void);

/* --- the world outside ------------------------------------------------------------------------ */

/* Why an attempt fails. */
typedef struct SimFault {
        RenewProblemType type;
        uint64_t retry_after_usec; /* 0: the CA says nothing */
        bool after_order;          /* when the order was made, else before */
} SimFault;

/* Whether an attempt at this CA fails now. NULL: all is well. */
typedef bool (*SimFaulty)(const char *ca, const char *certificate, SimFault *ret);
void sim_set_faulty(SimFaulty faulty);

/* As for every attempt while the network is away. */
bool sim_network_is_down(const char *ca, const char *certificate, SimFault *ret);

/* What was seen of a certificate since sim_begin() or sim_forget_seen(). */
typedef struct SimSeen {
        unsigned n_attempts;
        unsigned n_orders; /* new ones, not those resumed */
        unsigned n_issued;
        unsigned n_failed;
        uint64_t last_failure;     /* truth */
        uint64_t min_gap, max_gap; /* from a failure to the next attempt */
        uint64_t last_issued;      /* truth */
        uint64_t lapsed;           /* how long no valid one was in force, since the first */
        uint64_t min_share, max_share,
                        sum_share; /* of the lifetime when it was renewed, in thousandths */
} SimSeen;

SimSeen *sim_seen(const char *name);
void sim_forget_seen(void);

/* Adds to .lapsed what lapsed until now. */
void sim_see_end(void);

/* Orders of all certificates by hour since sim_begin() or sim_forget_orders(), for two years. */
#define SIM_HOURS (24U * 365 * 2)
extern unsigned sim_orders_by_hour[SIM_HOURS];
extern unsigned sim_max_parallel; /* attempts under way at once, at most */
void sim_forget_orders(void);

/* --- between the simulation's own files ------------------------------------------------------- */

void sim_event_reset(void);
void sim_run_loop(sd_event *e, uint64_t span_usec);

/* The disk outlives the engine. */
int sim_store_open(Store **ret);
void sim_disk_wipe(void);

void sim_disk_each(void (*see)(const char *name, const StoreGeneration *in_force));

/* Told by the disk: another certificate is in force. */
void sim_on_switch(const char *name, const StoreGeneration *before, const StoreGeneration *now);
