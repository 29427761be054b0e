/*
 * command.h: what a device sends (topics .../up and .../now).
 *
 * Shape       an uplink is one command or an array of up to FP_BATCH_COMMANDS_MAX
 * Invariants  C1 what decodes has passed fp_cbor_check(): every span is one well-formed item.
 *             C2 a durable kind has n > 0, another kind has none.
 *             C3 a body nests at most FP_BODY_DEPTH_MAX deep, so that its event fits a page.
 * Errors      FP_EMALFORMED or FP_ETOOLARGE, with a sentence; n, kind and hash are filled in as far as they could be read,
 *             so that the nack can name them. FP_EUNSUPPORTED: an unknown kind; everything is filled in, and n > 0 means durable
 * Memory      spans point into the input
 * Source      schemas/cddl/command.cddl
 */
#ifndef FP_COMMAND_H
#define FP_COMMAND_H

#include "fp/cbor.h"
#include "fp/keys.h"
#include "fp/time.h"

struct fp_command {
    uint64_t kind;
    uint64_t n;        /* 0 = none */
    struct fp_id conv; /* none if absent */
    uint64_t seen;     /* 0 if absent */
    uint64_t age_ms;
    uint64_t ttl_s;
    uint64_t ref; /* 0 if absent */
    uint64_t base;
    bool has_age;
    bool has_ttl;
    bool has_base;
    uint8_t priority;      /* 2 (normal) if absent */
    struct fp_bytes body;  /* raw CBOR, empty if absent */
    struct fp_bytes trace; /* 16 bytes, empty if absent */
    uint64_t hash;         /* of all but the age, which differs with each attempt */
};

/* Splits an uplink. Checks it whole: FP_EMALFORMED (with a sentence) and nothing to iterate, or FP_OK. */
struct fp_uplink {
    struct fp_dec dec;
    size_t left;
};
enum fp_err fp_uplink_open(struct fp_uplink *u, struct fp_bytes payload, size_t commands_max, const char **out_why);
bool fp_uplink_next(struct fp_uplink *u, struct fp_bytes *out_one); /* false at the end */

/* `one` comes from fp_uplink_next(), so it is well-formed. */
enum fp_err fp_command_decode(struct fp_bytes one, size_t bytes_max, struct fp_command *out, const char **out_why);
/* The client's half; false if it does not fit. Absent optional fields (0, none, priority 2) are left out. */
bool fp_command_encode(struct fp_enc *e, const struct fp_command *c);

bool fp_kind_is_known(uint64_t kind);   /* any kind of the CDDL */
bool fp_kind_is_durable(uint64_t kind); /* has n and makes an event, or is refused */
bool fp_kind_is_now(uint64_t kind);     /* travels on .../now, not .../up */

/* ------------------------------------------------------------------ bodies: each FP_OK or FP_EMALFORMED / FP_ETOOLARGE with a sentence */

struct fp_hello {
    uint64_t protocol;
    struct fp_bytes app; /* text, empty if absent */
    bool fresh;
    bool zlib;        /* this device can inflate pages */
    uint64_t next_n;  /* of its oldest command without a final answer, or else of its next one; 0 if absent */
    uint64_t alive_s; /* it publishes at least this often; 0 if absent */
    size_t cursor_count;
    struct fp_dec cursors; /* for fp_hello_cursor() */
};
enum fp_err fp_hello_decode(struct fp_bytes body, struct fp_hello *out, const char **out_why);
bool fp_hello_cursor(struct fp_hello *h, struct fp_id *out_conv, uint64_t *out_seq); /* false at the end */

struct fp_get {
    uint64_t after;
    uint64_t upto;  /* 0 = to the head */
    uint64_t bytes; /* 0 = as the hub likes */
    bool zlib;
};
enum fp_err fp_get_decode(struct fp_bytes body, struct fp_get *out, const char **out_why);

struct fp_conv_body {        /* of conv-new and conv-set */
    struct fp_id scope;      /* none if absent */
    struct fp_bytes title;   /* text */
    struct fp_bytes context; /* raw CBOR, checked: {1: class, 2: id, ? 3: details} */
    uint64_t retention_days;
    bool has_title, has_context, has_retention, has_members;
    size_t member_count;
    struct fp_dec members; /* for fp_conv_body_member() */
};
enum fp_err fp_conv_body_decode(struct fp_bytes body, size_t title_max, struct fp_conv_body *out, const char **out_why);
bool fp_conv_body_member(struct fp_conv_body *b, struct fp_id *out_user, uint64_t *out_role);

struct fp_member_body { /* of member-add, member-remove, member-role */
    struct fp_id user;
    uint64_t role; /* FP_ROLE_NONE if absent */
    bool has_from;
    uint64_t from; /* 0 or 1: all that the one who adds may see */
};
#define FP_ROLE_NONE 255
enum fp_err fp_member_body_decode(struct fp_bytes body, struct fp_member_body *out, const char **out_why);

struct fp_receipt_body {
    size_t count; /* conversations; at least one */
    struct fp_dec rows;
};
struct fp_receipt_row {
    struct fp_id conv;
    uint64_t delivered;
    bool has_read;
    uint64_t read;
    bool private_read;
};
enum fp_err fp_receipt_body_decode(struct fp_bytes body, struct fp_receipt_body *out, const char **out_why);
bool fp_receipt_body_next(struct fp_receipt_body *b, struct fp_receipt_row *out); /* false at the end */

struct fp_watch {
    size_t count;   /* users, at most FP_WATCH_USERS_MAX; 0: no more */
    uint64_t ttl_s; /* at most FP_WATCH_TTL_MAX */
    struct fp_dec users;
};
enum fp_err fp_watch_decode(struct fp_bytes body, struct fp_watch *out, const char **out_why);
bool fp_watch_next(struct fp_watch *w, struct fp_id *out_user);

enum fp_err fp_flag_decode(struct fp_bytes body, bool *out, const char **out_why); /* idle-body, typing-body */
enum fp_err fp_activity_decode(struct fp_bytes body, uint8_t *out, const char **out_why);

struct fp_status {        /* of a person */
    struct fp_bytes text; /* empty: none any more */
    struct fp_wall until; /* 0: until it is changed */
};
enum fp_err fp_status_decode(struct fp_bytes body, struct fp_status *out, const char **out_why);

struct fp_policy {
    size_t count; /* rules, at most FP_POLICY_RULES_MAX */
    struct fp_dec rules;
};
struct fp_policy_rule {
    struct fp_id viewer;  /* a user; none: see whom */
    uint64_t viewer_kind; /* FP_VIEWER_... where viewer is none; FP_VIEWER_RESERVED is refused */
    uint64_t level;       /* FP_LEVEL_... */
};
enum fp_err fp_policy_decode(struct fp_bytes body, struct fp_policy *out, const char **out_why);
bool fp_policy_next(struct fp_policy *p, struct fp_policy_rule *out);

struct fp_react {
    struct fp_bytes with; /* text, 1 to FP_REACT_BYTES_MAX */
    bool back;
};
enum fp_err fp_react_decode(struct fp_bytes body, struct fp_react *out, const char **out_why);
enum fp_err fp_redact_decode(struct fp_bytes body, struct fp_bytes *out_reason, const char **out_why); /* an empty body is fine */
enum fp_err fp_digest_decode(struct fp_bytes body, uint64_t *out_seq, const char **out_why);

struct fp_msg {
    struct fp_bytes text;
    bool has_text;
    bool must_confirm;
    size_t attachment_count;
};
/* Checks every key that version 1 knows; unknown keys are let through. A message needs a text, an attachment or a place. */
enum fp_err fp_msg_decode(struct fp_bytes body, struct fp_msg *out, const char **out_why);

#endif
