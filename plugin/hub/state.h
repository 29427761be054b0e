/*
 * state.h: the hub's insides, shared by its own files only.
 *
 * Shape       caches of rows (conversations, members, devices), each a hash table that never drops an entry during a batch; what the
 *             batch staged hangs on the entries; tells wait in a list until the commit
 * Invariants  M1 a cache entry holds what the store will hold once the batch is committed; a batch that fails empties the caches.
 *             M2 everything staged lives in the arena and is gone after the batch.
 */
#ifndef PLUGIN_HUB_STATE_H
#define PLUGIN_HUB_STATE_H

#define HASH_NONFATAL_OOM 1 /* a failed HASH_ADD leaves hh.tbl NULL */
#include <uthash.h>

#include "fp/command.h"
#include "fp/event.h"
#include "fp/live.h"
#include "fp/reply.h"
#include "fp/trunk.h"
#include "plugin/core/dedupe.h"
#include "plugin/core/throttle.h"
#include "plugin/hub/arena.h"
#include "plugin/hub/hub.h"
#include "plugin/hub/line.h"
#include "plugin/hub/ops.h"

struct piece { /* encoded bytes in the arena, one of a list */
    struct piece *next;
    struct fp_bytes bytes;
};

struct piece_list {
    struct piece *first, *last;
    size_t count;
    size_t bytes;
};

struct hub_conv {
    struct store_conv c;
    uint64_t run_first;    /* of the staged run */
    struct piece_list run; /* events that are decided but not yet appended to the store */
    bool staged;           /* in hub->staged_convs */
    bool about_changed;    /* publish .../about at the end of the batch */
    bool head_queued;      /* in one of the head queues */
    struct fp_mono head_told;
    bool safety_staged;    /* this batch has a safety message of it: tells_release() */
    uint64_t safety;       /* seq of the latest safety message since the conversation came into memory; 0: none */
    bool receipts_changed; /* this batch has moved a shown horizon: receipts_commit() */
    struct hub_conv *next_receipts;
    struct hub_conv *next_staged;
    UT_hash_handle hh; /* by c.id */
};

struct member_key {
    uint64_t cid;
    struct fp_id user;
};

struct hub_member {
    struct member_key key;
    struct store_member m;        /* role FP_ROLE_NONE: no row */
    bool staged;                  /* read_msgs differs from the store's */
    struct store_receipt r;       /* once r_loaded */
    struct store_receipt r_saved; /* as the store has it */
    bool r_loaded, r_staged;      /* staged: to be saved by receipts_save() */
    struct hub_member *next_r_staged;
    struct hub_member *next_staged;
    UT_hash_handle hh; /* by key */
};

enum hub_class { /* of commands, each with a bucket of its own */
                 HUB_DURABLE,
                 HUB_ASKED,
                 HUB_NOW,
                 HUB_CLASSES
};

struct hub_device {
    struct store_device d;
    struct throttle throttle[HUB_CLASSES];
    uint64_t rows_first;    /* n of the first staged row */
    struct piece_list rows; /* answers to remember */
    struct piece_list acks; /* answers to tell */
    uint64_t turned_away;   /* n that was to come and could not be taken now; the device sends it again. 0: none */
    bool acks_relayed;      /* of a site: these are of custody only */
    bool staged;
    struct hub_device *next_staged;
    UT_hash_handle hh; /* by d.id */
};

struct hub_session {
    struct fp_id device;
    struct fp_id user;
    uint64_t conn;
    uint64_t number;
    bool promised;            /* a hello on this connection has said alive */
    uint32_t alive_s;         /* as the last one had it; 0: not */
    bool idle;                /* in the background */
    uint8_t activity;         /* FP_ACTIVITY_... */
    struct nudge_row *nudges; /* nudge.c: the conversations whose receipts it has sent */
    size_t nudge_count;
    UT_hash_handle hh; /* by device */
};

struct hub_user { /* with at least one session */
    struct fp_id user;
    size_t sessions;
    bool touched; /* has rows below */
    struct fp_inbox_head *heads;
    size_t head_count, head_cap;
    struct hub_user *next_touched;
    UT_hash_handle hh;
};

struct staged_tell {
    struct staged_tell *next;
    struct tell tell;
    bool safety; /* an alert */
};

struct page_credit { /* shared by the jobs of one request */
    size_t left_bytes;
    size_t users;
};

struct page_job {
    struct page_job *prev, *next;
    struct fp_id device, user, conv;
    uint64_t conn;
    uint64_t after, upto;
    bool zlib;
    bool safety; /* there was a safety message behind `after` when it was asked for */
    struct page_credit *credit;
};

struct head_due {
    struct head_due *next;
    struct fp_id conv;
    struct fp_mono due;
};

struct head_queue {
    struct head_due *first, *last;
};

struct hub {
    struct hub_config config;
    struct store_port store;
    struct bus_port bus;
    struct store_info info;
    struct hub_stats stats;
    struct throttle lines; /* tells_log() */
    unsigned lines_left_out;
    struct fp_mono seen_mono; /* of the last turn */
    struct fp_wall seen_wall;
    struct hub_ops ops;
    struct fp_mono doubt; /* until then the wall clock may be wrong by days, and nothing is deleted for being old */

    struct hub_conv *convs;
    struct hub_member *members;
    struct hub_device *devices;
    struct hub_session *sessions;
    struct hub_user *users;
    uint64_t change_next;

    /* the batch */
    struct arena arena;
    bool begun;
    bool replaying;
    struct fp_mono mono;
    struct fp_wall wall;
    struct hub_conv *staged_convs, **staged_convs_end;
    struct hub_member *staged_members;
    struct hub_device *staged_devices, **staged_devices_end;
    struct staged_tell *tells, **tells_end;
    bool granting; /* the tells change who may read a conversation or scope */
    bool safety;   /* something of the batch is a safety message */
    struct page_job *new_jobs;

    /* what the modules keep to themselves, each in its own file; NULL until X_open() */
    struct receipts *receipts;
    struct typing_convs *typing;
    struct people *people;
    struct timers *timers;
    struct relays *relays; /* of a hub */
    struct site *site;     /* of a site */
    struct nudge_conv *nudge_convs;
    struct nudge_row *nudges; /* those that wait, in the order of their times */

    /* left over for later turns */
    struct page_job *jobs;
    struct page_job *safety_jobs; /* those that have a safety message to bring */
    size_t job_count;
    struct z_stream_s *deflater;
    struct head_queue heads_now, heads_later;
    uint64_t republish_after; /* cid; UINT64_MAX: all retained messages are out */
    struct fp_mono prune_due;
    struct fp_mono archive_due;
    struct fp_mono ops_due;
    bool scrubbed; /* since runs were last rewritten or dropped; false after a start, which may have come in front of a scrub */
    struct fp_mono scrub_again;
    unsigned failures_in_a_row;
    struct fp_mono store_said; /* the log has a line of that */
};

enum hub_end { /* why a session is over */
               HUB_END_BYE,
               HUB_END_LOST,   /* may come back within the grace */
               HUB_END_SILENT, /* has been silent longer than the grace already */
};

/* What one command is decided on. */
struct command_ctx {
    const struct source_item *item;
    struct hub_device *dev;
    const struct fp_command *cmd;
    struct fp_bytes raw;   /* the command as it came */
    struct hub_conv *conv; /* after context_conv() */
    struct hub_member *member;
    uint8_t role;
    const char *why;                    /* the sentence of a refusal */
    struct fp_bytes current;            /* raw CBOR for key 6 of a nack */
    const struct fp_record_up *relayed; /* a relay has brought it; NULL: the device itself */
    const struct fp_event *canonical;   /* a site runs the command of an event of the hub: this one comes out; NULL: we decide */
    struct fp_bytes canonical_bytes;
    bool second; /* of a site: its number was given back to the device and has come again */
    bool late;   /* of a site: below the device's next n, and not known here; it is not remembered */
};

/* ---- cache.c: load through the caches. NULL in *out: there is none. */
enum fp_err cache_conv(struct hub *h, const struct fp_id *id, struct hub_conv **out);
enum fp_err cache_new_conv(struct hub *h, const struct store_conv *c, struct hub_conv **out);
enum fp_err cache_member(struct hub *h, uint64_t cid, const struct fp_id *user, struct hub_member **out); /* never NULL: role says */
enum fp_err cache_device(struct hub *h, const struct fp_id *id, struct hub_device **out);
enum fp_err cache_new_device(struct hub *h, const struct store_device *d, struct hub_device **out);
void cache_trim(struct hub *h); /* between batches */
void cache_drop(struct hub *h);

/* ---- tells.c: stage and release */
enum fp_err tells_publish(struct hub *h, const struct fp_topic *topic, struct fp_bytes payload, bool retain);
enum fp_err tells_volatile(struct hub *h, const struct fp_topic *topic, struct fp_bytes payload); /* QoS 0; may get lost */
enum fp_err tells_down(struct hub *h, const struct fp_id *device, struct fp_bytes payload);
enum fp_err tells_inbox(struct hub *h, const struct fp_id *user, struct fp_bytes payload);
enum fp_err tells_grant(struct hub *h, enum tell_kind kind, const struct fp_id *id, const struct fp_id *user, bool allowed, uint64_t change);
enum fp_err tells_alert(struct hub *h, const struct fp_id *user, struct fp_bytes payload); /* to the inbox; may overtake what is less urgent */
enum fp_err tells_alive(struct hub *h, const struct hub_session *s);
void tells_grant_now(struct hub *h, enum tell_kind kind, const struct fp_id *id, const struct fp_id *user, bool allowed); /* of soft state only */
void tells_now(struct hub *h, const struct fp_topic *topic, struct fp_bytes payload, uint8_t qos, bool retain); /* of committed state only */
void tells_release(struct hub *h);
/* A line for the operator, at once. Not more than a few a second, whatever a peer does: the next one says how many were left out. */
void tells_log(struct hub *h, enum tell_level level, const struct line *l);
void tells_log_about(struct hub *h, enum tell_level level, const char *what, const struct fp_id *id, const char *text); /* of these three */
struct fp_topic topic_of_conv(enum fp_topic_kind kind, const struct store_conv *c);

bool piece_add(struct hub *h, struct piece_list *list, struct fp_bytes bytes); /* bytes are in the arena */
void piece_join(const struct piece_list *list, uint8_t *out);

/* ---- answer.c: what a device is told about a command, and what is remembered of it */
enum fp_err answer_ack(struct hub *h, struct command_ctx *x, const struct fp_id *conv, uint64_t seq, struct fp_wall at);
enum fp_err answer_refuse(struct hub *h, struct command_ctx *x, enum fp_err code); /* for good: n is used up */
enum fp_err answer_retry(struct hub *h, struct command_ctx *x, enum fp_err code);  /* n is not */
enum fp_err answer_repeat(struct hub *h, struct command_ctx *x);
enum fp_err answer_relayed(struct hub *h, struct command_ctx *x, const struct fp_id *conv, struct fp_wall at); /* a site has it, the hub not yet */
enum fp_err answer_again(struct hub *h, struct hub_device *dev, const struct fp_answer *a); /* without remembering; seq 0: relayed */
enum fp_err answer_known(struct hub *h, struct hub_device *dev, const struct fp_answer *a); /* the hub has taken it, by whichever way it went */
/* Without a command that could be read. n 0: unknown. */
enum fp_err answer_nack(struct hub *h, const struct fp_id *device, const struct fp_nack *nack);
enum fp_err answer_tell_acks(struct hub *h, struct hub_device *dev);
enum fp_err answer_save(struct hub *h, struct hub_device *dev);

/* ---- stage.c: what the batch has changed and not yet saved */
void stage_reset(struct hub *h);
enum fp_err stage_begin(struct hub *h); /* the store's transaction, where there is none yet */
void stage_conv(struct hub *h, struct hub_conv *c);
void stage_device(struct hub *h, struct hub_device *d);

/* ---- batch.c */
enum fp_err batch_commit(struct hub *h); /* saves, commits and tells what is staged */
void batch_undo(struct hub *h);          /* rolls back; nothing that was staged is left */

/* ---- context.c: who asks, about which conversation */
struct fp_id context_hub(void); /* the user and device that the hub itself acts as; no client has this name */
bool context_is_hub(const struct fp_id *id);
bool context_is_service(const struct hub *h, const struct fp_id *user);
/* Looks up key 3 and the author's role there: FP_EUNKNOWN where he may not know of it. */
enum fp_err context_conv(struct hub *h, struct command_ctx *x);
/* Events up to here are not the member's to see. */
uint64_t context_floor(const struct store_conv *c, const struct store_member *m);

/* ---- command.c */
enum fp_err command_item(struct hub *h, const struct source_item *item);
/* The first command that can be read makes the device this user's. */
enum fp_err command_own_device(struct hub *h, const struct source_item *item, struct hub_device **out);
enum fp_err command_apply(struct hub *h, struct command_ctx *x); /* a durable command, by its kind */
/* What a relay has brought: item, cmd and relayed of *x are filled in. decoded: what decoding it said, or why the relay has refused it. */
enum fp_err command_relayed(struct hub *h, struct command_ctx *x, enum fp_err decoded);

/* ---- handlers: FP_OK (answered), a peer error (to be refused for good), or a store's error */
enum fp_err msg_apply(struct hub *h, struct command_ctx *x);
enum fp_err conv_new(struct hub *h, struct command_ctx *x);
enum fp_err conv_set(struct hub *h, struct command_ctx *x);
enum fp_err member_add(struct hub *h, struct command_ctx *x);
enum fp_err member_remove(struct hub *h, struct command_ctx *x);
enum fp_err member_role(struct hub *h, struct command_ctx *x);

/* ---- msg.c: events */
enum fp_err event_append(struct hub *h, struct command_ctx *x, const struct fp_event *ev); /* ev begins as event_of() made it */
struct fp_event event_of(const struct hub *h, const struct command_ctx *x);
enum fp_err event_flush(struct hub *h, struct hub_conv *c);

/* ---- conv.c */
enum fp_err conv_about(struct hub *h, struct hub_conv *c, struct fp_bytes *out); /* the encoded about, in the arena */
enum fp_err conv_publish_about(struct hub *h, struct hub_conv *c);
enum fp_err conv_let_in(struct hub *h, struct hub_conv *c, struct hub_member *m);           /* saves the row, grants, tells the inbox */
enum fp_err conv_may_begin(struct hub *h, struct command_ctx *x, struct fp_conv_body *out); /* decodes the body, too */
enum fp_err conv_save_new(struct hub *h, struct command_ctx *x, struct fp_conv_body *body,
                          const struct store_conv *row); /* x->conv, with its members */

/* ---- member.c */
enum fp_err member_put_out(struct hub *h, struct hub_conv *c, struct hub_member *m);
typedef bool (*member_stays_fn)(const void *arg, const struct fp_id *user);
enum fp_err member_put_others_out(struct hub *h, struct hub_conv *c, member_stays_fn stays, const void *arg); /* all but those */

/* ---- session.c */
enum fp_err session_command(struct hub *h, struct command_ctx *x);
void session_end(struct hub *h, const struct fp_id *device, uint64_t conn, enum hub_end why);
struct hub_session *session_of(struct hub *h, const struct source_item *item); /* of this very connection; NULL without a hello */
struct hub_session *session_need(struct hub *h, struct command_ctx *x);        /* NULL: the command is FP_ECONFLICT, x->why says it */
void session_fini(struct hub *h);

/* ---- pages.c */
enum fp_err pages_open(struct hub *h);
void pages_close(struct hub *h);
struct page_credit *pages_credit(size_t bytes);
enum fp_err pages_ask(struct hub *h, const struct page_job *job); /* staged until the commit; takes a share of job->credit */
void pages_drop_credit(struct page_credit *c);                    /* gives a share back */
void pages_accept(struct hub *h);
void pages_forget_new(struct hub *h);
void pages_forget(struct hub *h, const struct fp_id *device, uint64_t conn);
enum fp_err pages_run(struct hub *h);

/* ---- said.c: what an event brings along; called by event_append() for each one */
enum fp_err event_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev);

/* ---- change.c, redact.c: what was said is changed */
enum fp_err change_edit(struct hub *h, struct command_ctx *x);
enum fp_err change_delete(struct hub *h, struct command_ctx *x);
enum fp_err change_react(struct hub *h, struct command_ctx *x);
enum fp_err change_confirm(struct hub *h, struct command_ctx *x);
enum fp_err redact_apply(struct hub *h, struct command_ctx *x);
enum fp_err archive_run(struct hub *h); /* part of due_run() */
uint64_t archive_wait_us(const struct hub *h, struct fp_mono now);
/* The last part of from.. that is away: what can be read begins behind it. */
enum fp_err archive_last_away(struct hub *h, uint64_t cid, uint64_t from, struct store_away *out, bool *out_found);
enum fp_err redact_due(struct hub *h); /* after a commit: what was redacted leaves the files; part of due_run() */
uint64_t redact_wait_us(const struct hub *h, struct fp_mono now);

/* ---- digest.c: the chain */
enum fp_err digest_ask(struct hub *h, struct command_ctx *x);

/* ---- elide.c: bodies that were deleted or superseded leave a page; their events and hashes stay */
enum fp_err elide_run(struct hub *h, uint64_t cid, uint64_t from, uint64_t to, struct fp_bytes run, struct fp_bytes *out);

/* ---- receipts.c, readers.c */
enum fp_err receipts_open(struct hub *h);
void receipts_close(struct hub *h);
enum fp_err receipts_report(struct hub *h, struct command_ctx *x); /* k-receipt */
enum fp_err readers_ask(struct hub *h, struct command_ctx *x);     /* k-readers */
enum fp_err receipts_load(struct hub *h, struct hub_member *m);    /* m->r, through the cache */
/* The hub shows him so far; delivered <= head. */
enum fp_err receipts_told(struct hub *h, struct hub_conv *c, struct hub_member *m, uint64_t delivered, uint64_t read);
enum fp_err receipts_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev); /* who writes shows himself; part of event_said() */
enum fp_err receipts_member(struct hub *h, struct hub_conv *c, struct hub_member *m);       /* he has been let in or put out */
enum fp_err receipts_save(struct hub *h);                                                   /* part of batch_commit(), before the store's commit */
enum fp_err receipts_commit(struct hub *h); /* and after it: staged convs with receipts_changed wait for their broadcast */
enum fp_err receipts_run(struct hub *h);    /* part of due_run() */
void receipts_unstage(struct hub *h);       /* the batch is over */
uint64_t receipts_wait_us(const struct hub *h, struct fp_mono now);
enum fp_err receipts_republish(struct hub *h, struct hub_conv *c); /* after a start */

/* ---- typing.c */
enum fp_err typing_open(struct hub *h);
void typing_close(struct hub *h);
enum fp_err typing_report(struct hub *h, struct command_ctx *x);                     /* k-typing */
void typing_stop(struct hub *h, const struct fp_id *conv, const struct fp_id *user); /* he has sent, or left */
void typing_gone(struct hub *h, const struct fp_id *device);                         /* its connection has ended */
void typing_hide(struct hub *h, const struct fp_id *user); /* who may see him has changed: where he still may be seen, his next word shows him */
enum fp_err typing_run(struct hub *h);
uint64_t typing_wait_us(const struct hub *h, struct fp_mono now);

/* ---- people*.c: presence, activity, watch, status, policy */
enum fp_err people_open(struct hub *h);
void people_close(struct hub *h);
void people_session(struct hub *h, struct hub_session *s); /* has begun; one that goes on after a lost connection keeps its activity */
void people_session_end(struct hub *h, const struct hub_session *s, enum hub_end why);
enum fp_err people_activity(struct hub *h, struct command_ctx *x);
enum fp_err people_watch(struct hub *h, struct command_ctx *x);
enum fp_err people_status(struct hub *h, struct command_ctx *x);
enum fp_err people_policy(struct hub *h, struct command_ctx *x);
enum fp_err people_facts(struct hub *h, const struct fp_person_facts *f);                /* as the hub has them */
void people_member(struct hub *h, const struct store_conv *c, const struct fp_id *user); /* has joined or left it */
/* Does the user's policy hide him from any member of this scope? Then his typing and receipts are not shown either. */
enum fp_err people_hides(struct hub *h, const struct fp_id *user, const struct fp_id *scope, bool *out_hides);
enum fp_err people_timer(struct hub *h, const struct store_timer *t); /* a status has run out */
enum fp_err people_run(struct hub *h);
uint64_t people_wait_us(const struct hub *h, struct fp_mono now);

/* ---- timers.c, ttl.c, retention.c */
enum fp_err timers_open(struct hub *h); /* builds the heap from the store */
void timers_close(struct hub *h);
enum fp_err timers_set(struct hub *h, const struct store_timer *t); /* staged: saved in the batch, in the heap after its commit */
enum fp_err timers_drop(struct hub *h, enum store_timer_kind kind, const struct fp_id *owner, uint64_t seq);
void timers_commit(struct hub *h);
void timers_undo(struct hub *h);
enum fp_err timers_run(struct hub *h); /* fires what is due, each in a batch of its own */
uint64_t timers_wait_us(const struct hub *h, struct fp_mono now);
enum fp_err ttl_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev); /* part of event_said() */
enum fp_err ttl_timer(struct hub *h, const struct store_timer *t);
enum fp_err retention_set(struct hub *h, struct hub_conv *c); /* the conversation is new, or its retention has changed */
enum fp_err retention_timer(struct hub *h, const struct store_timer *t);
enum fp_err retention_forget(struct hub *h, struct hub_conv *c, uint64_t upto); /* the floor is about to be raised: nobody will read these */

/* ---- alerts.c: a safety message reaches the inbox of every member, in the background too */
enum fp_err alerts_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev);

/* ---- idle.c */
enum fp_err idle_set(struct hub *h, struct command_ctx *x);
void idle_end(struct hub *h, struct hub_session *s); /* the session is over */

/* ---- nudge.c: a client that is connected and behind is told so */
void nudge_report(struct hub *h, struct command_ctx *x);    /* a receipt has been taken */
void nudge_get(struct hub *h, const struct command_ctx *x); /* it is asking: that is all that a nudge is for */
void nudge_head(struct hub *h, const struct hub_conv *c);   /* committed */
void nudge_gone(struct hub *h, struct hub_session *s);      /* the session is over */
enum fp_err nudge_run(struct hub *h);
uint64_t nudge_wait_us(const struct hub *h, struct fp_mono now);

/* ---- due.c: heads held back, retained messages after a start, pruning, metrics */
enum fp_err due_head(struct hub *h, struct hub_conv *c);
enum fp_err due_run(struct hub *h);
uint64_t due_wait_us(const struct hub *h, struct fp_mono now);
void due_fini(struct hub *h);

#endif
