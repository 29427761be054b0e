#include "tests/sim/fold.h"

#include <string.h>

#define TITLE_MAX 256

static const char *const people[FOLD_PEOPLE + 1] = {"anna", "ben", "cleo", "dan", "~hub"};

int fold_person(const struct fp_id *id)
{
    for (int i = 0; i <= FOLD_PEOPLE; i++) {
        if (id->len == strlen(people[i]) && memcmp(id->text, people[i], id->len) == 0) {
            return i;
        }
    }
    return -1;
}

bool fold_gone(const struct fold_msg *m)
{
    return m->state == FOLD_DELETED || m->state == FOLD_REDACTED;
}

void fold_begin(struct fold *f, uint64_t first)
{
    uint64_t used = f->head < FOLD_SEQS ? f->head + 1 : FOLD_SEQS;
    memset(f->msgs, 0, used * sizeof(f->msgs[0]));
    memset(f->may_see, 0, used);
    memset(f->title, 0, sizeof(f->title));
    f->first = first;
    f->head = first - 1;
    f->about = 0;
    f->msg_count = 0;
    for (size_t i = 0; i < FOLD_PEOPLE; i++) {
        f->members[i] = (struct fold_member){.role = FP_ROLE_NONE};
    }
}

static void copy_text(char out[FOLD_TEXT], struct fp_bytes text)
{
    size_t len = text.len < FOLD_TEXT ? text.len : FOLD_TEXT - 1;
    memset(out, 0, FOLD_TEXT);
    if (len > 0) {
        memcpy(out, text.p, len);
    }
}

/* A body that was left out is null, and its hash stands beside it. */
static const char *take_text(struct fold_msg *m, const struct fp_event *ev)
{
    struct fp_msg body;
    const char *why = NULL;

    if (ev->body_hash.len > 0) {
        memset(m->text, 0, sizeof(m->text));
        return NULL;
    }
    if (fp_msg_decode(ev->body, &body, &why)) {
        return "a message body that cannot be read";
    }
    copy_text(m->text, body.text);
    return NULL;
}

/* ------------------------------------------------------------------ one event */

static const char *apply_msg(struct fold *f, const struct fp_event *ev, int who)
{
    struct fold_msg *m = &f->msgs[ev->seq];
    *m =
        (struct fold_msg){.is_msg = true, .author = (uint8_t)who, .version = ev->seq, .body_at = ev->seq, .asks = (ev->flags & FP_FLAG_CONFIRM) != 0};
    f->msg_count++;
    return take_text(m, ev);
}

static const char *apply_edit(struct fold_msg *m, const struct fp_event *ev)
{
    m->edits = true;
    if ((ev->flags & FP_FLAG_CONFLICT) != 0) {
        return NULL;
    }
    m->state = FOLD_EDITED;
    m->version = ev->seq;
    m->body_at = ev->seq;
    return take_text(m, ev);
}

static void apply_end(struct fold_msg *m, const struct fp_event *ev, enum fold_state state)
{
    m->state = state;
    m->version = ev->seq;
    m->body_at = 0;
    memset(m->text, 0, sizeof(m->text));
}

static const char *apply_react(struct fold_msg *m, const struct fp_event *ev, int who)
{
    struct fp_react r;
    const char *why = NULL;

    if (fp_react_decode(ev->body, &r, &why) || r.with.len != 1 || r.with.p[0] < 'a' || r.with.p[0] >= 'a' + FOLD_EMOJI) {
        return "a reaction that cannot be read";
    }
    uint8_t *set = &m->reactions[r.with.p[0] - 'a'];
    *set = r.back ? (uint8_t)(*set & ~(1U << who)) : (uint8_t)(*set | 1U << who);
    return NULL;
}

/* A change of a message that lies before what this fold began with says nothing to it. */
static const char *apply_change(struct fold *f, const struct fp_event *ev, int who)
{
    if (ev->ref >= ev->seq || ev->ref == 0) {
        return "a change that names no earlier event";
    }
    struct fold_msg *m = &f->msgs[ev->ref];
    if (ev->ref < f->first) {
        return NULL;
    }
    if (!m->is_msg) {
        return "a change of what is no message";
    }
    switch (ev->kind) {
    case FP_K_EDIT:
        return apply_edit(m, ev);
    case FP_K_DELETE:
        apply_end(m, ev, FOLD_DELETED);
        return NULL;
    case FP_K_REDACT:
        apply_end(m, ev, FOLD_REDACTED);
        return NULL;
    case FP_K_REACT:
        return apply_react(m, ev, who);
    default:
        m->confirms |= (uint8_t)(1U << who);
        return NULL;
    }
}

static const char *apply_conv(struct fold *f, const struct fp_event *ev, int who)
{
    struct fp_conv_body body;
    struct fp_id user;
    uint64_t role = 0;
    const char *why = NULL;

    if (fp_conv_body_decode(ev->body, TITLE_MAX, &body, &why)) {
        return "a conversation body that cannot be read";
    }
    f->about = ev->seq;
    if (body.has_title) {
        copy_text(f->title, body.title);
    }
    if (ev->kind == FP_K_CONV_NEW) {
        f->members[who] = (struct fold_member){.role = FP_ROLE_OWNER, .joined = 1, .from = 1};
        while (fp_conv_body_member(&body, &user, &role)) {
            int i = fold_person(&user);
            if (i >= 0 && i != who) {
                f->members[i] = (struct fold_member){.role = (uint8_t)role, .joined = 1, .from = 1};
            }
        }
    }
    return NULL;
}

static uint64_t history_from(const struct fold *f, const struct fp_event *ev, const struct fp_member_body *body, int adder)
{
    if (!body->has_from) {
        return ev->seq;
    }
    uint64_t lowest = f->members[adder].role == FP_ROLE_NONE ? 1 : f->members[adder].from;
    return body->from > lowest ? body->from : lowest;
}

static const char *apply_member(struct fold *f, const struct fp_event *ev, int who)
{
    struct fp_member_body body;
    const char *why = NULL;

    if (fp_member_body_decode(ev->body, &body, &why) || fold_person(&body.user) < 0 || who == FOLD_HUB) {
        return "a member body that cannot be read";
    }
    int i = fold_person(&body.user);
    struct fold_member *m = &f->members[i];
    f->about = ev->seq;
    if (ev->kind == FP_K_MEMBER_ADD) {
        *m = (struct fold_member){.role = (uint8_t)body.role, .joined = ev->seq, .from = history_from(f, ev, &body, who)};
        for (uint64_t seq = m->from; seq < ev->seq; seq++) {
            f->may_see[seq] |= (uint8_t)(1U << i);
        }
    } else if (ev->kind == FP_K_MEMBER_ROLE) {
        m->role = (uint8_t)body.role;
    } else {
        *m = (struct fold_member){.role = FP_ROLE_NONE};
        f->may_see[ev->seq] |= (uint8_t)(1U << i); /* the last that he sees */
    }
    return NULL;
}

const char *fold_apply(struct fold *f, const struct fp_event *ev)
{
    int who = fold_person(&ev->user);
    const char *why = NULL;

    if (ev->seq != f->head + 1 || ev->seq >= FOLD_SEQS) {
        return "an event out of order";
    }
    if (who < 0) {
        return "an event of a stranger";
    }
    switch (ev->kind) {
    case FP_K_MSG:
        why = apply_msg(f, ev, who);
        break;
    case FP_K_EDIT:
    case FP_K_DELETE:
    case FP_K_REDACT:
    case FP_K_REACT:
    case FP_K_CONFIRM:
        why = apply_change(f, ev, who);
        break;
    case FP_K_CONV_NEW:
    case FP_K_CONV_SET:
        why = apply_conv(f, ev, who);
        break;
    case FP_K_MEMBER_ADD:
    case FP_K_MEMBER_REMOVE:
    case FP_K_MEMBER_ROLE:
        why = apply_member(f, ev, who);
        break;
    default:
        why = "an event of a kind that nobody sent";
    }
    for (size_t i = 0; i < FOLD_PEOPLE; i++) {
        f->may_see[ev->seq] |= f->members[i].role == FP_ROLE_NONE ? 0 : (uint8_t)(1U << i);
    }
    f->head = ev->seq;
    return why;
}

/* ------------------------------------------------------------------ two folds */

static const char *msg_differs(const struct fold_msg *a, const struct fold_msg *b)
{
    if (a->is_msg != b->is_msg || a->author != b->author || a->asks != b->asks) {
        return "what was said";
    }
    if (a->state != b->state || a->version != b->version || a->body_at != b->body_at) {
        return "the state or version of a message";
    }
    if (memcmp(a->reactions, b->reactions, sizeof(a->reactions)) != 0 || a->confirms != b->confirms) {
        return "reactions or confirmations";
    }
    return memcmp(a->text, b->text, sizeof(a->text)) != 0 ? "the text that stands" : NULL;
}

const char *fold_differ(const struct fold *a, const struct fold *b, uint64_t from, uint64_t *out_seq)
{
    *out_seq = 0;
    if (a->head != b->head) {
        return "the head";
    }
    for (uint64_t seq = from; seq <= a->head; seq++) {
        const char *what = msg_differs(&a->msgs[seq], &b->msgs[seq]);
        *out_seq = seq;
        if (what) {
            return what;
        }
    }
    if (from > 1) {
        return NULL;
    }
    if (a->about != b->about || memcmp(a->title, b->title, sizeof(a->title)) != 0) {
        return "the title";
    }
    for (size_t i = 0; i < FOLD_PEOPLE; i++) {
        if (a->members[i].role != b->members[i].role || a->members[i].joined != b->members[i].joined) {
            return "the members";
        }
    }
    return NULL;
}

uint64_t fold_unread(const struct fold *f, int person, uint64_t after)
{
    uint64_t from = f->members[person].from;
    uint64_t count = 0;
    for (uint64_t seq = after + 1 > from ? after + 1 : from; seq <= f->head; seq++) {
        count += f->msgs[seq].is_msg && f->msgs[seq].author != person;
    }
    return count;
}
