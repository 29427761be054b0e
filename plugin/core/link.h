/*
 * link.h: the sending side of a trunk: which records to put on the link next, and how much.
 *
 * Shape       four numbered lanes, strict priority, one window of bytes for all of them. The receiver's durable contiguous cursor ("have") is the
 *             only truth: what it does not name is sent again (go back N).
 * Units       record numbers from 1; bytes as on the wire; fp_mono
 * Invariants  L1 acked <= sent < next, and acked never goes back but by link_open(). A number stands for the same record each time it is sent in
 *                a session: the peer may have it, though its ack was lost.
 *             L2 nothing is sent above the peer's credit (batches on the way), nor above the window, but for one batch of the urgent lane while the
 *                credit is not 0, and the rest of a record that is larger than what was left. A credit of 0 holds for one retransmission time:
 *                then one batch asks whether it still does, because the word that ended it may be lost.
 *             L3 a batch without an answer for a retransmission time: all that is on the way counts as lost once, and the window shrinks to its
 *                least. Known sooner, by a nack or by the ack of a batch that was sent clearly later: the lane alone goes back.
 *             L4 the window follows the link: it grows while the round trip stays near the shortest one seen, and shrinks when a queue builds.
 *                What is the shortest is looked at again now and then, with half the window on the way.
 * Errors      none: numbers that make no sense (an ack above what was sent) are ignored and say false
 * Memory      the caller's struct
 * Thread      no hidden state
 */
#ifndef PLUGIN_CORE_LINK_H
#define PLUGIN_CORE_LINK_H

#include "fp/time.h"
#include "fp/trunk.h"

#define LINK_FLIGHTS_MAX 64
#define LINK_BATCH_BYTES 16384 /* most bytes of one frame's records as sent */
#define LINK_WINDOW_START 16384
#define LINK_WINDOW_MIN 4096      /* 10 kbit/s: 3 s, which is what an urgent record may have to wait for there */
#define LINK_BATCH_BYTES_MIN 1024 /* a batch is a quarter of the window, within these: nothing waits long for the one going out */
#define LINK_WINDOW_DOUBT 65536   /* the most that a new session or the end of a pause begins with: the way may be another one by now */
#define LINK_WINDOW_MAX 4194304   /* a LAN: 10,000 records a second need no more */
#define LINK_PAUSE_US 10000000U
#define LINK_RTO_START_US 2000000U
#define LINK_RTO_MIN_US 500000U
#define LINK_RTO_MAX_US 30000000U
#define LINK_DEAD_US 60000000U /* no progress for so long with something on the way, however often sent: the session is begun anew (hello) */

struct link_flight {
    uint8_t lane;
    bool again; /* sent before: gives no round trip */
    uint64_t first, last;
    size_t bytes;
    struct fp_mono at;
};

struct link_lane {
    uint64_t next; /* number of the next record that will be made */
    uint64_t acked;
    uint64_t sent;
    uint64_t high; /* sent at any time in this session */
};

struct link {
    struct link_lane lanes[FP_LANES];
    struct link_flight flights[LINK_FLIGHTS_MAX]; /* in the order sent */
    size_t flight_count;
    size_t bytes_out;
    size_t window;
    uint64_t credit;
    uint64_t rtt_us, rtt_var_us, rtt_min_us, rto_us; /* 0: none seen yet, but for rto_us */
    struct fp_mono progress;                         /* the last ack that said something new or to wait, or when there was nothing on the way */
    uint64_t ask_us;                                 /* 0: there is credit */
    struct fp_mono ask_due;                          /* with a credit of 0 and nothing on the way */
    bool stalled;                                    /* all was lost, and nothing new came since */
    bool grown_to_threshold;                         /* slow start is over */
    bool looking;                                    /* for the shortest round trip */
    struct fp_mono full_at;                          /* the window had no room */
    struct fp_mono min_at;                           /* rtt_min_us was last seen, or so */
    struct fp_mono round_at;                         /* what is sent from here on shows how the window does that was set then */
    uint64_t round_min_us;                           /* 0: no answer to that yet */
};

/*
 * A session begins: the peer has `have` of each lane and gives credit; all behind is to be sent (again). If kept is true, the window (as far as
 * LINK_WINDOW_DOUBT) and the times are kept.
 */
void link_open(struct link *l, const uint64_t have[FP_LANES], uint64_t credit, bool kept, struct fp_mono now);
/* How far the lane's log goes now. It may go back as far as what was sent. */
void link_next(struct link *l, unsigned lane, uint64_t next);
/* Which lane to make a batch of, from which record on, with at most how many bytes (>= 1; a first record that is larger goes all the same); false:
 * nothing to send, or no room. */
bool link_pick(const struct link *l, unsigned *out_lane, uint64_t *out_from, size_t *out_bytes);
void link_sent(struct link *l, unsigned lane, uint64_t last, size_t bytes, struct fp_mono now);
/* True: that was news (records up to have may go). */
bool link_ack(struct link *l, unsigned lane, uint64_t have, uint64_t credit, struct fp_mono now);
/* The peer misses `expected` (and has what is before it): from there on once more, once per round trip. */
void link_nack(struct link *l, unsigned lane, uint64_t expected, struct fp_mono now);
/* Timeouts. False: the link is dead (LINK_DEAD_US). */
bool link_tick(struct link *l, struct fp_mono now);
/* When link_tick() has something to do; false: never. */
bool link_due(const struct link *l, struct fp_mono *out_due);

/* ---- the receiving side */
enum link_verdict {
    LINK_TAKE,  /* *out_skip records of it are known already */
    LINK_KNOWN, /* all of it: ack again */
    LINK_HOLE,  /* nack have + 1 */
};
enum link_verdict link_judge(uint64_t have, uint64_t first, uint64_t count, uint64_t *out_skip);

#endif
