/*
 * hub.h: the engine: order, apply, commit, tell.
 *
 * Shape       hub_turn() runs one batch: every command is decided on what is loaded and staged, everything is saved and committed at
 *             once, and only then told. What is left over (pages, heads that were held back) is told in later turns.
 * Invariants  H1 nothing reaches the bus before the commit that makes it true.
 *             H2 a batch whose save or commit fails is rolled back whole and its commands are tried again one by one, so that one
 *                bad command cannot take others with it.
 *             H3 state and tells are a function of the store, the items and their stamps: no clock, no chance in here.
 * Errors      typed nacks to devices; an fp_err from hub_turn() only when the engine has to stop
 * Memory      from malloc, bounded by hub_config
 * Thread      one thread at a time per hub
 * Source      CONTRACT.md, P1 to P9
 */
#ifndef PLUGIN_HUB_HUB_H
#define PLUGIN_HUB_HUB_H

#include "plugin/hub/bus.h"
#include "plugin/hub/source.h"
#include "plugin/hub/store.h"

#define HUB_NAMES_MAX 64 /* services */

#define HUB_RELAYS_MAX 32
#define HUB_RELAY_SCOPES_MAX 32
#define HUB_RELAY_USERS_MAX 64

enum hub_role {
    HUB_ROLE_HUB,
    HUB_ROLE_SITE,
};

struct hub_relay { /* what a hub lets a relay do */
    struct fp_id relay;
    struct fp_id scopes[HUB_RELAY_SCOPES_MAX]; /* that it serves */
    size_t scope_count;
    struct fp_id users[HUB_RELAY_USERS_MAX]; /* for whom it may speak; none: for all members of these scopes */
    size_t user_count;
};

struct hub_config {
    enum hub_role role;
    struct fp_id relay;                      /* of a site: its own name on the trunk */
    struct hub_relay relays[HUB_RELAYS_MAX]; /* of a hub */
    size_t relay_count;
    size_t command_bytes;  /* a command */
    size_t batch_commands; /* commands in one uplink */
    size_t page_bytes;     /* a page before compression */
    size_t title_bytes;
    size_t members;                       /* of one conversation */
    uint32_t commands_per_s;              /* a device; 0 = no limit */
    uint32_t asks_per_s;                  /* the same for what asks without a number (hello, get, heads, digest, readers ...) */
    uint32_t now_per_s;                   /* and for what travels on .../now; it is dropped without an answer */
    uint32_t answers_days;                /* how long old answers are kept; 0 = for ever */
    bool archive;                         /* the store has one: events older than archive_days go there */
    uint32_t archive_days;                /* 0: as soon as they are not the newest */
    bool open_scopes;                     /* anyone may open a new scope */
    struct fp_id services[HUB_NAMES_MAX]; /* users that may do everything everywhere */
    size_t service_count;
    size_t cache_convs;            /* conversations, devices and memberships held in memory, each */
    bool ops;                      /* publish fp/1/ops/# once a second */
    struct fp_mono (*clock)(void); /* with ops: how long things take; NULL: not known. Nothing is decided by it (H3) */
};

/* The defaults of the contract. */
void hub_config_init(struct hub_config *c);

struct hub_stats { /* counters since the start; the caller may read them between turns */
    uint64_t commands, events, acks, nacks, repeats;
    uint64_t batches, commits, commit_failures, replays;
    uint64_t pages, page_bytes, tells;
    uint64_t sessions;
    uint64_t full; /* commands for which the store had no room */
    uint64_t clock_jumps;
    uint64_t shed; /* commands on .../now above the rate, dropped without an answer */
};

struct hub;

enum fp_err hub_open(struct hub **out, const struct hub_config *config, struct store_port store, struct bus_port bus, const struct store_info *info);
void hub_close(struct hub *h);
/* Between turns: limits and services may change, cache sizes may not. */
void hub_reconfigure(struct hub *h, const struct hub_config *config);

/* Runs the items of one batch, then whatever is due. */
enum fp_err hub_turn(struct hub *h, const struct source_item *items, size_t count, struct fp_mono mono, struct fp_wall wall);
/* How long the engine may wait for input before the next hub_turn(); UINT64_MAX: for ever; 0: there is work left. */
uint64_t hub_wait_us(const struct hub *h, struct fp_mono now);
const struct hub_stats *hub_stats(const struct hub *h);

/* The engine's whole life: take, turn, flush, until the source shuts down. */
enum fp_err hub_run(struct hub *h, struct source_port source);

#endif
