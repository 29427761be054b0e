/*
 * bus.h: the port through which the hub tells.
 *
 * Shape       a tell is a publish, or a change of what somebody may read. Tells take effect in the order given: whoever is
 *             granted something receives what is told after the grant, and nothing that was told before it; likewise the other way
 *             round for a grant taken back.
 * Invariants  B1 the hub calls tell() only for what is committed (lines for the log apart).
 *             B2 a tell that returned FP_OK reaches every connected client that may read it, or the broker is down.
 * Errors      FP_ESHUTDOWN: nobody is there any more; what is committed stays, and clients ask again
 * Memory      spans are borrowed; the bus copies
 * Thread      from one thread (the engine's); may block while the broker catches up
 */
#ifndef PLUGIN_HUB_BUS_H
#define PLUGIN_HUB_BUS_H

#include "fp/bytes.h"
#include "fp/err.h"
#include "fp/topic.h"

enum tell_kind {
    TELL_PUBLISH,
    TELL_GRANT_CONV,   /* id = conversation */
    TELL_GRANT_SCOPE,  /* id = scope */
    TELL_GRANT_DEVICE, /* id = device, user = its owner from now on */
    TELL_OPEN,         /* user; allowed: his peers may read .../status of his devices (his policy hides him from nobody) */
    TELL_IDLE,         /* id = device; allowed: it is in the background and gets only heads, its inbox and down */
    TELL_ALIVE,        /* conn publishes at least each alive_s (0: it has promised nothing): silence of 1.5 times that ends it */
    TELL_LOG,          /* a line for the operator; may also be of what is not committed */
};

enum tell_level { /* of a line */
                  TELL_NOTICE,
                  TELL_WARNING,
                  TELL_ERROR,
};

struct tell {
    enum tell_kind kind;
    /* TELL_PUBLISH */
    struct fp_topic topic;
    struct fp_bytes payload;
    uint8_t qos;
    bool retain;
    /* grants */
    struct fp_id id;
    struct fp_id user;
    bool allowed;
    uint64_t change; /* number of the membership change, as in store_member */
    /* TELL_ALIVE; id = device */
    uint64_t conn; /* as in source_item */
    uint32_t alive_s;
    /* TELL_LOG: the text is in payload */
    enum tell_level level;
};

struct bus_port {
    void *ctx;
    enum fp_err (*tell)(void *ctx, const struct tell *t);
    void (*flush)(void *ctx);    /* all told for now: let the broker's thread know */
    bool (*has_room)(void *ctx); /* false: do not start on pages now, the broker is behind */
};

#endif
