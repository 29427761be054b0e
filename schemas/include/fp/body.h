/*
 * body.h: the client's half of the commands' bodies. For the hub's half see command.h.
 *
 * Shape       each writes one body (or, between begin and the last of what was announced, a part of it) to the encoder; what fails shows there
 * Invariants  B1 optional fields that say nothing (0, NULL, false) are left out, so that a body has one form.
 *             B2 ids that are keys of one map must come in the order of fp_id_before(), each once, and as many as were announced.
 * Source      schemas/cddl/command.cddl
 */
#ifndef FP_BODY_H
#define FP_BODY_H

#include "fp/cbor.h"
#include "fp/command.h"

/* The order of deterministic CBOR: shorter ids first, then bytewise. */
static inline bool fp_id_before(const struct fp_id *a, const struct fp_id *b)
{
    return a->len != b->len ? a->len < b->len : memcmp(a->text, b->text, a->len) < 0;
}

struct fp_body_hello { /* what is NULL, false or 0 is left out */
    const char *app;
    bool fresh;
    size_t cursors;
    uint64_t next_n;
    uint32_t alive_s;
};
/* hello: begin, `cursors` times fp_body_hello_cursor() (B2), then the end with the same *h. */
void fp_body_hello_begin(struct fp_enc *e, const struct fp_body_hello *h);
void fp_body_hello_cursor(struct fp_enc *e, const struct fp_id *conv, uint64_t seq);
void fp_body_hello_end(struct fp_enc *e, const struct fp_body_hello *h);

/* get. upto 0: to the head. bytes 0: as the hub likes. */
void fp_body_get(struct fp_enc *e, uint64_t after, uint64_t upto, uint64_t bytes);

/* msg and edit, of nothing but a text. */
void fp_body_text(struct fp_enc *e, const char *p, size_t len);
void fp_body_react(struct fp_enc *e, const char *emoji, size_t len, bool take_back);
/* redact; without a reason if len is 0. */
void fp_body_redact(struct fp_enc *e, const char *reason, size_t len);

/* receipt: `convs` times fp_body_receipt() (B2), at least once. read 0 and not private: delivered only. */
void fp_body_receipt_begin(struct fp_enc *e, size_t convs);
void fp_body_receipt(struct fp_enc *e, const struct fp_id *conv, uint64_t delivered, uint64_t read, bool private_read);

/* member-add, member-remove (role FP_ROLE_NONE), member-role. */
void fp_body_member(struct fp_enc *e, const struct fp_id *user, uint64_t role, bool has_from, uint64_t from);

/* conv-new and conv-set; scope and title may be NULL. Then `members` times fp_body_conv_member() (B2). */
void fp_body_conv_begin(struct fp_enc *e, const struct fp_id *scope, const char *title, size_t members);
void fp_body_conv_member(struct fp_enc *e, const struct fp_id *user, uint64_t role);

/* status: a text of one's own until then (0: until it is changed); len 0: none any more. */
void fp_body_status(struct fp_enc *e, const char *p, size_t len, uint64_t until_ms);

/* policy: `count` times fp_body_policy_rule(), in the order that they are to be told in. */
void fp_body_policy_begin(struct fp_enc *e, size_t count);
void fp_body_policy_rule(struct fp_enc *e, const struct fp_policy_rule *rule);

/* watch, for ttl_s: `users` times fp_body_watch_user(), each one once, then the end. */
void fp_body_watch_begin(struct fp_enc *e, size_t users);
void fp_body_watch_user(struct fp_enc *e, const struct fp_id *user);
void fp_body_watch_end(struct fp_enc *e, uint64_t ttl_s);

/* digest: the chain at this event. */
void fp_body_digest(struct fp_enc *e, uint64_t seq);

#endif
