/*
 * trunk.h: the two ends of a trunk: relay*.c in a hub, site*.c in a site.
 *
 * Shape       Frames come in as items (topic relay/{relay}/up or /down) and go out as tells, QoS 0. Up: the site's durable log, four lanes, by record
 *             numbers. Down: what the relay does not hold yet of each conversation of its scopes (store_held), numbered as it is sent; no log.
 * Invariants  R1 an ack leaves only after the commit that holds the cursor and what was taken with it.
 *             R2 a record up is dropped only below the hub's durable cursor.
 *             R3 the hub decides as of now; what it appends keeps seen, composing time and branch.
 *             R4 a relay writes only for members of its scopes, and only there.
 *             R5 a canonical event settles what a site holds in custody under the same (device, n), whichever way it went to the hub.
 * Source      schemas/cddl/trunk.cddl; plugin/DESIGN.md, "Site, trunk, merge"
 */
#ifndef PLUGIN_HUB_TRUNK_H
#define PLUGIN_HUB_TRUNK_H

#include "fp/trunk.h"
#include "plugin/core/link.h"
#include "plugin/hub/state.h"

#define TRUNK_CREDIT 16               /* batches on the way to us */
#define TRUNK_RECORDS_BYTES 65536     /* of one batch, inflated */
#define TRUNK_LIVE_EVERY_US 10000000U /* a live frame at least so often: the other end knows that the link stands */
#define TRUNK_SILENT_US 25000000U     /* nothing at all for so long: the link is lost, though a socket may be open */

/* ---- trunk_pack.c: shared by both ends. The records of one batch: deflated when that is shorter. In the arena. */
enum fp_err trunk_pack(struct hub *h, uint64_t epoch, unsigned lane, uint64_t first, uint64_t count, struct fp_bytes records,
                       struct fp_bytes *out_frame);
/* The plain records of a batch: as they are, or inflated into the arena; FP_EMALFORMED, FP_ETOOLARGE. */
enum fp_err trunk_unpack(struct hub *h, const struct fp_trunk_batch *b, struct fp_bytes *out_records);
void trunk_tell_now(struct hub *h, enum fp_topic_kind kind, const struct fp_id *relay, struct fp_bytes frame); /* volatile, or of committed state */
enum fp_err trunk_tell(struct hub *h, enum fp_topic_kind kind, const struct fp_id *relay, struct fp_bytes frame); /* staged: after the commit */

/* ---- relay*.c: the hub's end; nothing to do where no relay is configured */
enum fp_err relays_open(struct hub *h);
void relays_close(struct hub *h);
enum fp_err relays_frame(struct hub *h, const struct source_item *item); /* topic RELAY_UP; item->user is the relay */
void relays_gone(struct hub *h, uint64_t conn);                          /* a connection has ended: is it a relay's? */
void relays_head(struct hub *h, const struct hub_conv *c);               /* committed: it has new events, or its floor has moved */
void relays_receipts(struct hub *h, const struct hub_conv *c);           /* shown horizons have moved */
void relays_person(struct hub *h, const struct fp_id *user);             /* status text or policy have changed */
enum fp_err relays_run(struct hub *h);                                   /* part of due_run() */
uint64_t relays_wait_us(const struct hub *h, struct fp_mono now);
void relays_reconfigure(struct hub *h);

enum fp_err relays_save(struct hub *h); /* parts of batch_commit(): before the store's commit, */
void relays_commit(struct hub *h);      /* after it, */
void relays_undo(struct hub *h);        /* and of batch_undo() */

/* A command that a relay has brought (x->relayed). Called where events and answers are made: */
void relays_branch(const struct hub *h, const struct command_ctx *x, struct fp_event *ev);
enum fp_err relays_refused(struct hub *h, struct command_ctx *x, enum fp_err code); /* the relay is told as well as the device */
enum fp_err relays_may_touch(struct hub *h, const struct fp_id *conv);              /* the relay that has brought the command: FP_EDENIED (R4) */
/* A repeat of what was ordered before: the relay is told, where the event itself is not going to tell it. */
enum fp_err relays_known(struct hub *h, const struct fp_answer *a);

/* ---- site*.c: the site's end */
static inline bool site_is(const struct hub *h)
{
    return h->config.role == HUB_ROLE_SITE;
}
enum fp_err site_open(struct hub *h);
void site_close(struct hub *h);
/* A durable command of a local device: custody, whatever is thought of it here. decoded: what its decoding said. */
enum fp_err site_take(struct hub *h, struct command_ctx *x, enum fp_err decoded);
#define SITE_SKIP_MAX (1ULL << 32)                                             /* a device that far ahead is a mistake */
enum fp_err site_skip(struct hub *h, struct hub_device *dev, uint64_t next_n); /* the device is further than this site knew */
void site_commit(struct hub *h);                                               /* part of batch_commit(): what the batch has taken may be sent */
void site_undo(struct hub *h);                                                 /* part of batch_undo() */
bool site_unmet(const struct hub *h);
enum fp_err site_had(struct hub *h, const struct fp_event *ev, bool *out_had);     /* was it in custody here? */
enum fp_err site_repeat(struct hub *h, struct command_ctx *x, bool *out_answered); /* an accepted row without seq: relayed still, or settled by now */
enum fp_err site_second(struct hub *h, struct command_ctx *x, bool *out_answered); /* a number that was given back to the device: site_gap.c */
enum fp_err site_pass_on(struct hub *h, struct command_ctx *x); /* a receipt, status or policy was taken here: the hub is to have it */
enum fp_err site_next_n(struct hub *h, struct command_ctx *x, uint64_t hello_next);     /* hello: the device knows better how far it is (key 6) */
enum fp_err site_welcome_pages(struct hub *h, struct command_ctx *x);                   /* after welcome: what is provisional in his conversations */
enum fp_err site_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev); /* part of event_said(): a canonical event was applied */
enum fp_err site_frame(struct hub *h, const struct source_item *item);                  /* topic RELAY_DOWN */
void site_gone(struct hub *h, uint64_t conn);                                           /* a connection has ended: is it the pipe's? */
enum fp_err site_run(struct hub *h);
uint64_t site_wait_us(const struct hub *h, struct fp_mono now);
uint64_t site_disk_keep_days(const struct hub *h); /* of answers and outcomes; 0: for ever. Less where the disk fills up; of a hub as configured */
uint64_t site_epoch(const struct hub *h);          /* what devices are told: the hub's, 0 before it was met */

/* ---- apply.c: a canonical event runs through the same handlers as the command that it was, and ends in the same bytes */
enum fp_err apply_event(struct hub *h, struct fp_bytes one); /* FP_OK; FP_EGAP: not the next seq; FP_ECONFLICT: known already; or a store's error */
enum fp_err apply_conv_new(struct hub *h, struct command_ctx *x); /* the conversation may be here already, provisionally */
enum fp_err apply_conv_state(struct hub *h, struct fp_conv_state *s);
enum fp_err apply_receipts(struct hub *h, struct fp_record_down *r);
enum fp_err apply_person(struct hub *h, const struct fp_person_facts *f);

/* ---- people_remote.c, typing_remote.c: those who are at the other end of a trunk. Soft state, in memory only. */
/* via: the relay (in a hub), or the site's own name (in a site: those at the hub). state: FP_PERSON_... */
enum fp_err people_remote(struct hub *h, const struct fp_id *via, const struct fp_person *p);
void people_remote_all(struct hub *h, const struct fp_id *via);  /* what follows is a full list: forget first; who is not in it is offline */
void people_remote_done(struct hub *h, const struct fp_id *via); /* and that was all of it */
void people_remote_lost(struct hub *h, const struct fp_id *via); /* the link is lost: they are unreachable, via it */
/* Who is here (sessions of this broker alone), as rows of fp_enc_person for a t-live, of scopes that the relay serves (none: of all). */
enum fp_err people_local(struct hub *h, const struct fp_id *scopes, size_t scope_count, struct fp_bytes *out_rows, size_t *out_count);
uint64_t people_local_version(const struct hub *h); /* changes when people_local() may */
void typing_remote(struct hub *h, const struct fp_id *via, const struct fp_id *conv, const struct fp_id *users, size_t count);
void typing_remote_lost(struct hub *h, const struct fp_id *via);
/* Who types here, as rows of fp_enc_trunk_typing_row(): conversations that have changed since the last call (with none where they stopped). */
enum fp_err typing_local(struct hub *h, struct fp_bytes *out_rows, size_t *out_count);

#endif
