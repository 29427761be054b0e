/*
 * fieldpost.h: the client library. Sends and receives messages of a Fieldpost hub over MQTT 3.1.1, and loses none of them when the link, the
 * program or the power goes.
 *
 * Shape       one struct fp_client a device. fp_client_poll() does all the work and says when it wants to be called next; everything else only
 *             queues. What happens comes to one function of yours, notify().
 * Units       struct fp_mono in us, struct fp_wall in ms; a ticket is the number of a queued command on this device, from 1, for ever
 * Invariants  L1 a command that fp_client_send() accepted is on the storage port and stays there until the hub's ack, a refusal for good,
 *                your cancel or its own ttl. It arrives exactly once, in the order of the tickets.
 *             L2 a state never goes back (P6 of the contract); only after a crash of the device may "sent" be told again of what had gone further.
 *             L3 events of one conversation come to notify() in the order of their seq, without a hole: what will never come is named by
 *                FP_NOTICE_SKIPPED or FP_NOTICE_SNAPSHOT.
 *             L4 after a restart events above the last cursor that was written come again; no others do. After fp_client_close() or a disconnect
 *                that is the last fp_client_stored(); after a crash it may be a second older.
 *             L5 "delivered" is told to the hub only after fp_client_stored().
 * Errors      FP_EFULL: the outbox has no room, nothing was changed. Others are named at the function.
 * Memory      one block of yours, of fp_client_memory() bytes; no heap. Spans in a notice are good until notify() returns.
 * Thread      no hidden state; one thread at a time per client. notify() may call fp_client_send(), _stored(), _read(), _typing(), _fetch();
 *             not _poll(), _close() or _cancel().
 * Source      schemas/CONTRACT.md
 */
#ifndef FIRMWARE_CLIENT_INCLUDE_FIELDPOST_H
#define FIRMWARE_CLIENT_INCLUDE_FIELDPOST_H

#include "fp/bytes.h"
#include "fp/command.h"
#include "fp/err.h"
#include "fp/event.h"
#include "fp/live.h"
#include "fp/reply.h"
#include "fp/time.h"
#include "fp/topic.h"

/* ------------------------------------------------------------------ ports: what the library needs of the world */

/*
 * A stream of bytes to the broker. Never blocks. Conformance suite: tests/conformance/transport_conformance.c
 *   open   FP_OK: it stands. FP_EAGAIN: it is under way, call again. Anything else: it failed (FP_EDENIED: the peer is not who it should be).
 *   read   FP_OK and 1 to cap bytes; FP_EAGAIN: nothing there; anything else (FP_EIO): the stream has ended.
 *   write  FP_OK and 1 to len bytes taken; FP_EAGAIN: no room; anything else: the stream has ended.
 *   close  also fine when it is closed; afterwards open() begins anew.
 */
struct fp_transport {
    void *ctx;
    enum fp_err (*open)(void *ctx);
    enum fp_err (*read)(void *ctx, void *buf, size_t cap, size_t *out_len);
    enum fp_err (*write)(void *ctx, const void *p, size_t len, size_t *out_len);
    void (*close)(void *ctx);
};

/*
 * A region that is programmed and erased like NOR flash: erased bytes are 0xff; program() may only touch erased bytes; a piece of program_bytes
 * may be programmed once between two erases (one that was programmed with nothing but 0xff, and lost power, once more). The log pads its records,
 * so that at and len of a program() are multiples of program_bytes.
 *   sync   when it returns FP_OK, all that was programmed and erased before survives the power going.
 * Without sync, or when the power goes in the middle, any part of what was programmed or erased may be there, and the rest not. FP_EIO: it failed.
 * Conformance suite: tests/conformance/storage_conformance.c
 */
struct fp_storage {
    void *ctx;
    uint32_t size;          /* bytes; at least 3 sectors */
    uint32_t sector_bytes;  /* what one erase() erases; 256 or more; divides size. A command may take this less 188 (252 with units of 32) */
    uint16_t program_bytes; /* 1, 2, 4, 8, 16 or 32 */
    enum fp_err (*read)(void *ctx, uint32_t at, void *buf, size_t len);
    enum fp_err (*program)(void *ctx, uint32_t at, const void *p, size_t len);
    enum fp_err (*erase)(void *ctx, uint32_t at); /* the sector that begins there */
    enum fp_err (*sync)(void *ctx);
};

struct fp_random {
    void *ctx;
    uint32_t (*next)(void *ctx); /* uniform; for jitter, not for secrets */
};

/* ------------------------------------------------------------------ states of a command that was sent (P6) */

enum fp_send_state {
    FP_SEND_QUEUED,    /* on this device's storage ("sending") */
    FP_SEND_RELAYED,   /* on a relay's disk */
    FP_SEND_SENT,      /* on the hub's disk: it has its seq */
    FP_SEND_DELIVERED, /* on the disk of a recipient's device */
    FP_SEND_READ,      /* by a recipient */
    FP_SEND_FAILED,    /* refused for good, cancelled or expired; always with a code */
    FP_SEND_STATES
};

enum fp_send_signal {
    FP_SIGNAL_ACK_RELAY,
    FP_SIGNAL_ACK,
    FP_SIGNAL_ECHO, /* the event came back, live or in a page, before or after its ack */
    FP_SIGNAL_DELIVERED,
    FP_SIGNAL_READ,
    FP_SIGNAL_REFUSED, /* a nack that may not be retried, the user's cancel, its own ttl */
    FP_SIGNAL_RETRY,   /* a nack that may be retried, a lost link: it stays where it is */
    FP_SIGNALS
};

/* The table. What may not happen in a state leaves it as it is. */
enum fp_send_state fp_send_next(enum fp_send_state state, enum fp_send_signal signal);
const char *fp_send_state_name(enum fp_send_state state); /* such as "queued"; never NULL */

/* ------------------------------------------------------------------ what happens */

enum fp_link {
    FP_LINK_IDLE,       /* nobody asked for a connection */
    FP_LINK_WAITING,    /* for the next attempt */
    FP_LINK_CONNECTING, /* transport, CONNECT, subscriptions, hello */
    FP_LINK_ONLINE,     /* welcome has come */
};

enum fp_notice_kind {
    FP_NOTICE_LINK,        /* link; err and text say why it went down */
    FP_NOTICE_EPOCH,       /* the hub is another one than before: drop what you hold of conversations; the outbox is kept */
    FP_NOTICE_STATE,       /* ticket, state, err (FP_SEND_FAILED), text, conv, seq */
    FP_NOTICE_RETRY,       /* ticket, err, text: refused for now, will be sent again */
    FP_NOTICE_EVENT,       /* conv, seq, event, bytes (the event as CBOR); ticket if it is our own and still pending; fetched */
    FP_NOTICE_SKIPPED,     /* conv: seq to upto will not come (err FP_ETOOLARGE: longer than rx_bytes) */
    FP_NOTICE_SNAPSHOT,    /* conv: everything up to seq is folded into bytes (CBOR) */
    FP_NOTICE_CONV,        /* conv is new, or its scope, head, floor, read or unread changed: see fp_client_conv() */
    FP_NOTICE_CAUGHT_UP,   /* conv: nothing is missing up to the head, seq */
    FP_NOTICE_FETCHED,     /* conv: the fp_client_fetch() is answered up to seq */
    FP_NOTICE_LEFT,        /* conv: we are no member any more; it is forgotten */
    FP_NOTICE_NO_ROOM,     /* conv: there are more conversations than config.convs; this one is not followed */
    FP_NOTICE_LIVE,        /* topic and bytes: an about, receipts, typing, presence, inbox, state. Decode with fp/live.h */
    FP_NOTICE_NACK,        /* err and text: something that has no ticket was refused (a get, a receipt, typing ...) */
    FP_NOTICE_REPORT,      /* seq = kind, bytes: the answer to readers, digest, trace-get, explain, blob-status; conv and upto: which event of it */
    FP_NOTICE_STORAGE,     /* err: the storage port failed; what was accepted before is kept, new commands are refused until it works */
    FP_NOTICE_PROVISIONAL, /* conv, event (without seq), bytes; ticket if it is our own: a site has it, the hub not yet. Known by (event->device,
                            * event->n): FP_NOTICE_EVENT takes its place, or the same once more with FP_FLAG_REFUSED, which takes it away */
};

struct fp_notice {
    enum fp_notice_kind kind;
    enum fp_link link;
    enum fp_send_state state;
    enum fp_err err;
    uint64_t ticket; /* 0 = none */
    struct fp_id conv;
    uint64_t seq, upto;
    bool fetched;                 /* asked for with fp_client_fetch(), not the next one after the cursor */
    const struct fp_event *event; /* NULL but for FP_NOTICE_EVENT and FP_NOTICE_PROVISIONAL */
    const struct fp_topic *topic; /* NULL but for FP_NOTICE_LIVE */
    struct fp_bytes bytes;
    struct fp_bytes text; /* a sentence for people; may be empty */
};

/* ------------------------------------------------------------------ the client */

enum fp_want { /* what to subscribe to of the scopes that we are in; 0 = send only, and hear the answers */
               FP_WANT_EVENTS = 1,
               FP_WANT_ABOUT = 2,
               FP_WANT_RECEIPTS = 4,
               FP_WANT_TYPING = 8,
               FP_WANT_PRESENCE = 16, /* scope digests and fp/1/user/{user}/presence */
               FP_WANT_ALL = 31,
};

struct fp_client_config {
    /* Who: strings are NUL-terminated and outlive the client. */
    const char *user;
    const char *device;
    const char *password; /* NULL: none */
    const char *app;      /* name and version, for the hub; NULL: none */
    uint16_t keepalive_s; /* 60 if 0. Up to an hour, the hub hears of us as often, and misses us after 1.5 times that */
    uint32_t want;        /* bits of enum fp_want */
    bool from_head;       /* a conversation that is met for the first time begins at its head, not at its floor */

    /* Memory: one block, aligned for uint64_t, of at least fp_client_memory() bytes. */
    void *memory;
    size_t memory_bytes;
    uint32_t rx_bytes;      /* the longest MQTT packet that is read whole; longer pages are asked for in parts. 512 or more. The welcome must fit:
                             * 160 bytes and up to 112 for each conversation of the user. Below 5 KiB it also bounds the window. */
    uint32_t tx_bytes;      /* likewise of what is written; bounds a command and a batch. 512 or more. */
    uint32_t reorder_bytes; /* events that came before what is in front of them */
    uint16_t convs;         /* conversations that can be followed */
    uint16_t tracked;       /* own messages whose delivered and read is told after the ack; the oldest is forgotten. May be 0 */
    uint32_t entries;       /* commands in the outbox */

    struct fp_transport transport;
    struct fp_storage storage;
    struct fp_random random;
    void (*notify)(void *ctx, const struct fp_notice *notice);
    void *notify_ctx;

    uint32_t backoff_min_ms; /* 200 if 0 */
    uint32_t backoff_max_ms; /* 60000 if 0 */
    uint32_t window;         /* commands under way without an answer; 256 if 0 */
};

struct fp_client;

/* How many bytes config->memory must have; needs the sizes only. */
size_t fp_client_memory(const struct fp_client_config *config);

/*
 * Carves the client out of config->memory (the config is copied) and reads the outbox back. FP_ECONFIG: *out_why names the field. FP_EVERSION: the
 * storage was written by a newer release. FP_EIO: the storage port failed. A torn or foreign storage is no error: what is whole is kept.
 */
enum fp_err fp_client_open(const struct fp_client_config *config, struct fp_mono now, struct fp_client **out, const char **out_why);
/* Writes what is held back (cursors) and closes the transport. NULL is fine. */
void fp_client_close(struct fp_client *c);

/* Wants to be online from now on / says good-bye (status offline, bye, DISCONNECT) and wants to be offline. The work is done in poll(). */
void fp_client_connect(struct fp_client *c);
void fp_client_disconnect(struct fp_client *c);
/* The network has changed (a link came up): try now, not when the backoff is over. */
void fp_client_wake(struct fp_client *c);
enum fp_link fp_client_link(const struct fp_client *c);

/*
 * Reads, writes, decides. Returns when it wants to be called again; earlier when the transport is readable, or writable while
 * fp_client_wants_write(). Never blocks; bounded work a call.
 */
struct fp_mono fp_client_poll(struct fp_client *c, struct fp_mono now);
bool fp_client_wants_write(const struct fp_client *c);

/* ------------------------------------------------------------------ sending */

/*
 * Queues a durable command; n, seen and age are filled in by the library (seen: the cursor of cmd->conv). It is on the storage when this returns
 * FP_OK. FP_EFULL; FP_ETOOLARGE: longer than a sector, tx_bytes or the hub's limit; FP_EMALFORMED: not a durable kind, or the body is no CBOR;
 * FP_EIO. out_ticket may be NULL.
 */
enum fp_err fp_client_send(struct fp_client *c, const struct fp_command *cmd, struct fp_mono now, uint64_t *out_ticket);
/* A text message: fp_client_send() with a body built into the transmit buffer. */
enum fp_err fp_client_say(struct fp_client *c, const struct fp_id *conv, const char *text, size_t len, struct fp_mono now, uint64_t *out_ticket);
/* Takes back what has not left yet: FP_NOTICE_STATE failed, err FP_OK. FP_EBUSY: it may be on its way. FP_EUNKNOWN: not in the outbox. */
enum fp_err fp_client_cancel(struct fp_client *c, uint64_t ticket);

/*
 * A command that is not durable (status, policy, activity, watch, explain ...), to the topic of its kind. FP_EAGAIN: not online, or no
 * room; it is not kept.
 */
enum fp_err fp_client_pass(struct fp_client *c, const struct fp_command *cmd);

/* Typing: told at most once in 3 s, and at once when it ends. Not kept while offline. */
void fp_client_typing(struct fp_client *c, const struct fp_id *conv, bool typing, struct fp_mono now);

/*
 * The oldest first. False from fn stops. cmd.n is 0; its spans are good until fn returns. The library may not be called by fn. FP_EAGAIN: there
 * is no room to read them into just now; call again after poll().
 */
typedef bool (*fp_pending_fn)(void *arg, uint64_t ticket, enum fp_send_state state, const struct fp_command *cmd);
enum fp_err fp_client_each_pending(struct fp_client *c, fp_pending_fn fn, void *arg);
uint32_t fp_client_pending(const struct fp_client *c);

/* ------------------------------------------------------------------ receiving */

struct fp_conv {
    struct fp_id id;
    struct fp_id scope;
    uint64_t head;   /* the highest seq that we know of */
    uint64_t floor;  /* up to here nothing is ours to see */
    uint64_t cursor; /* handed to notify(), contiguous */
    uint64_t stored; /* by the application */
    uint64_t read;   /* own read horizon */
    uint64_t unread;
};

/* index from 0; NULL behind the end. Good until the next call of the library. */
const struct fp_conv *fp_client_conv_at(const struct fp_client *c, size_t index);
const struct fp_conv *fp_client_conv(const struct fp_client *c, const struct fp_id *conv);

/* Everything up to seq is on the application's disk. The cursor is written to the storage and "delivered" told, both coalesced. */
void fp_client_stored(struct fp_client *c, const struct fp_id *conv, uint64_t seq);
/* Everything up to seq has been read; private: only this user's other devices are told. Coalesced. Not lost when offline, but by a restart. */
void fp_client_read(struct fp_client *c, const struct fp_id *conv, uint64_t seq, bool private_read);
/* Asks for after+1 to upto (0: the head); FP_NOTICE_EVENT with fetched, then FP_NOTICE_FETCHED. FP_EAGAIN: not online, or one is under way. */
enum fp_err fp_client_fetch(struct fp_client *c, const struct fp_id *conv, uint64_t after, uint64_t upto);

/* ------------------------------------------------------------------ time */

/* The hub's clock, estimated, and by how much it may be off. False until the hub has told it once. */
bool fp_client_time(const struct fp_client *c, struct fp_mono now, struct fp_wall *out, uint64_t *out_error_ms);

/* Which hub it is: another one than before has another epoch (FP_NOTICE_EPOCH). 0: this device has never heard of one. */
uint64_t fp_client_epoch(const struct fp_client *c);

#endif
