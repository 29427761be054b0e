/*
 * ops.h: what operators are told, once a second and retained: fp/1/ops/{hub,times,disk,alerts,conns}.
 *
 * Shape       counters and histograms only rise, so that whoever looks takes the difference of two reports; a max is of the last report's time
 * Invariants  O1 without operators nothing is measured. With them the clock is read three times a batch, and never for a command of its own.
 * Memory      in struct hub, fixed
 * Source      CONTRACT.md, "What operators are told"
 */
#ifndef PLUGIN_HUB_OPS_H
#define PLUGIN_HUB_OPS_H

#include "plugin/core/histogram.h"
#include "plugin/hub/hub.h"

#define OPS_EVENTS 64
#define OPS_ALERTS (2 * HUB_RELAYS_MAX + 4)

struct ops_event { /* of the connection story */
    struct fp_id device;
    struct fp_id user;
    const char *what;
    struct fp_wall at;
};

struct ops_alert { /* something that is wrong now */
    const char *what;
    struct fp_id who; /* a relay; empty: the hub or the site itself */
    struct fp_wall since;
    uint64_t value;
    bool seen; /* in this look */
};

struct hub_ops {
    struct histogram commit_us; /* one commit */
    struct histogram answer_us; /* from an item's arrival to what it led to being told */
    struct histogram batch;     /* items a batch */

    struct ops_event events[OPS_EVENTS]; /* a ring: event number n is at n % OPS_EVENTS */
    uint64_t event_count;
    uint64_t events_told;

    struct ops_alert alerts[OPS_ALERTS];
    size_t alert_count;
    bool alerts_changed, alerts_told;
    uint64_t failures_seen; /* of stats.commit_failures */
    uint64_t failures_from; /* that number when the alert began */
    struct fp_mono failed;  /* when the last one was seen; 0: never */
};

/* ---- ops.c */
struct fp_mono ops_now(const struct hub *h); /* 0: nothing is measured */
void ops_committed(struct hub *h, struct fp_mono begun);
void ops_answered(struct hub *h, const struct source_item *items, size_t count);
void ops_publish(struct hub *h);
void ops_tell(struct hub *h, const char *name, const struct fp_enc *e);
void ops_put_text(struct fp_enc *e, const char *text);

/* ---- ops_alerts.c, ops_conns.c */
void ops_alerts(struct hub *h, unsigned percent_used);
void ops_event(struct hub *h, const struct fp_id *device, const struct fp_id *user, const char *what);
void ops_conns(struct hub *h);

#endif
