#include <stdio.h>

#include "tests/sim/semantics.h"

typedef unsigned long long ull;

static uint64_t below(struct sem *s, uint64_t n)
{
    return sim_below(&s->random, n);
}

static bool chance(struct sem *s, unsigned per_mille)
{
    return sim_chance(&s->random, per_mille);
}

/* ------------------------------------------------------------------ commands */

static void write_msg(struct sem *s, struct fp_enc *e, struct sem_cmd *c)
{
    char text[FOLD_TEXT];
    (void)snprintf(text, sizeof(text), "t%llu", (ull)s->text++);
    fp_enc_map(e, 1U + c->asks);
    fp_enc_uint(e, FP_MSG_TEXT);
    fp_enc_text(e, text, strlen(text));
    if (c->asks) {
        fp_enc_uint(e, FP_MSG_CONFIRM);
        fp_enc_bool(e, true);
    }
}

static void write_react(struct sem *s, struct fp_enc *e)
{
    char with = (char)('a' + below(s, FOLD_EMOJI));
    fp_enc_map(e, 2);
    fp_enc_uint(e, FP_REACT_WITH);
    fp_enc_text(e, &with, 1);
    fp_enc_uint(e, FP_REACT_BACK);
    fp_enc_bool(e, chance(s, 300));
}

static void write_title(struct sem *s, struct fp_enc *e)
{
    char title[FOLD_TEXT];
    (void)snprintf(title, sizeof(title), "title %llu", (ull)s->text++);
    fp_enc_map(e, 1);
    fp_enc_uint(e, FP_CONV_TITLE);
    fp_enc_text(e, title, chance(s, 100) ? 0 : strlen(title));
}

static void write_member(struct sem *s, struct fp_enc *e, const struct sem_cmd *c, const struct sem_device *d)
{
    static const char *const people[FOLD_PEOPLE] = {"anna", "ben", "cleo", "dan"};
    const char *user = people[below(s, FOLD_PEOPLE)];
    uint64_t role = chance(s, 700) ? FP_ROLE_MEMBER : below(s, 4);
    bool has_from = c->kind == FP_K_MEMBER_ADD && chance(s, 600);

    fp_enc_map(e, 1U + (c->kind != FP_K_MEMBER_REMOVE) + has_from);
    fp_enc_uint(e, FP_MEMBER_USER);
    fp_enc_text(e, user, strlen(user));
    if (c->kind != FP_K_MEMBER_REMOVE) {
        fp_enc_uint(e, FP_MEMBER_ROLE);
        fp_enc_uint(e, role);
    }
    if (has_from) {
        fp_enc_uint(e, FP_MEMBER_FROM);
        fp_enc_uint(e, below(s, d->views[c->conv].fold->head + 2));
    }
}

static uint64_t pick_kind(struct sem *s)
{
    static const struct {
        uint64_t kind;
        unsigned weight;
    } kinds[] = {{FP_K_MSG, 34},    {FP_K_EDIT, 24},    {FP_K_DELETE, 6},     {FP_K_REDACT, 3},        {FP_K_REACT, 12},
                 {FP_K_CONFIRM, 8}, {FP_K_CONV_SET, 4}, {FP_K_MEMBER_ADD, 5}, {FP_K_MEMBER_REMOVE, 2}, {FP_K_MEMBER_ROLE, 2}};
    uint64_t left = below(s, 100);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (left < kinds[i].weight) {
            return kinds[i].kind;
        }
        left -= kinds[i].weight;
    }
    return FP_K_MSG;
}

/* Mostly a recent message that suits the command, as far as the device knows; at times just any number. */
static uint64_t pick_ref(struct sem *s, const struct sem_device *d, const struct sem_cmd *c)
{
    const struct fold *f = d->views[c->conv].fold;
    uint64_t any = below(s, f->head + 4);
    if (chance(s, 60) || f->head == 0) {
        return any;
    }
    for (int i = 0; i < 24; i++) {
        uint64_t seq = f->head - below(s, f->head < 40 ? f->head : 40);
        const struct fold_msg *m = &f->msgs[seq];
        bool suits = m->is_msg && (c->kind != FP_K_EDIT || m->author == d->person || chance(s, 40)) && (c->kind != FP_K_CONFIRM || m->asks);
        if (suits) {
            return seq;
        }
    }
    return any;
}

static void pick_base(struct sem *s, const struct sem_device *d, struct sem_cmd *c)
{
    const struct fold *f = d->views[c->conv].fold;
    c->has_base = chance(s, 600);
    if (c->has_base) {
        uint64_t version = c->kind == FP_K_CONV_SET ? f->about : c->ref < FOLD_SEQS ? f->msgs[c->ref].version : 0;
        c->base = chance(s, 100) ? below(s, f->head + 3) : version;
    }
}

static void compose(struct sem *s, struct sem_device *d)
{
    struct sem_cmd *c = &d->cmds[d->next_n];
    struct fp_enc e;

    if (d->next_n + 1 >= SEM_CMDS || s->convs[0].fold->head + s->convs[1].fold->head + s->convs[2].fold->head + 64 > FOLD_SEQS) {
        return;
    }
    *c = (struct sem_cmd){.kind = pick_kind(s), .conv = (uint8_t)below(s, SEM_CONVS), .composed_us = s->kit.mono.us};
    for (int i = 0; i < 4 && !d->views[c->conv].in; i++) {
        c->conv = (uint8_t)below(s, SEM_CONVS);
    }
    c->seen = chance(s, 850) ? d->views[c->conv].fold->head : 0;
    fp_enc_init(&e, c->body, sizeof(c->body));
    if (c->kind == FP_K_MSG) {
        c->asks = chance(s, 300);
        c->ref = chance(s, 250) ? pick_ref(s, d, c) : 0;
        c->has_ttl = chance(s, 80);
        c->ttl = c->has_ttl ? 1 + below(s, 20) : 0;
    } else if (c->kind <= FP_K_CONFIRM) {
        c->ref = pick_ref(s, d, c);
    }
    if (c->kind == FP_K_EDIT || c->kind == FP_K_CONV_SET) {
        pick_base(s, d, c);
    }
    if (c->kind == FP_K_MSG || c->kind == FP_K_EDIT) {
        write_msg(s, &e, c);
    } else if (c->kind == FP_K_REACT) {
        write_react(s, &e);
    } else if (c->kind == FP_K_CONV_SET) {
        write_title(s, &e);
    } else if (c->kind >= FP_K_MEMBER_ADD) {
        write_member(s, &e, c, d);
    }
    c->body_len = e.len;
    sem_note(s, "%s %llu: kind %llu in %s, ref %llu, base %llu%s%s", d->name, (ull)d->next_n, (ull)c->kind, s->convs[c->conv].name, (ull)c->ref,
             (ull)c->base, c->has_base ? "" : " (none)", d->online ? "" : ", offline");
    d->next_n++;
}

/* ------------------------------------------------------------------ receipts */

static void report(struct sem *s, struct sem_device *d)
{
    int conv = (int)below(s, SEM_CONVS);
    uint64_t head = s->convs[conv].fold->head;
    struct fp_receipt_row row = {.delivered = below(s, head + 1), .has_read = chance(s, 700), .private_read = chance(s, 300)};
    uint8_t buf[64];
    struct fp_enc e;

    row.delivered = chance(s, 30) ? head + 1 + below(s, 3) : chance(s, 400) ? head : row.delivered;
    row.read = row.has_read ? below(s, row.delivered + 2) : 0;
    row.private_read = row.private_read && row.has_read;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 1);
    fp_enc_text(&e, s->convs[conv].name, strlen(s->convs[conv].name));
    fp_enc_array(&e, 1U + row.has_read + row.private_read);
    fp_enc_uint(&e, row.delivered);
    if (row.has_read) {
        fp_enc_uint(&e, row.read);
    }
    if (row.private_read) {
        fp_enc_bool(&e, true);
    }
    sem_note(s, "%s: receipt in %s, %llu/%llu%s", d->name, s->convs[conv].name, (ull)row.delivered, (ull)row.read,
             row.private_read ? " private" : "");
    struct fp_command c = {.kind = FP_K_RECEIPT, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&e)};
    for (int i = chance(s, 100) ? 2 : 1; i > 0; i--) {
        kit_send(&s->kit, d->name, &c);
    }
    s->quiet = true;
    sem_turn(s);
    s->quiet = false;
    sem_report(s, d->person, conv, &row);
}

/* ------------------------------------------------------------------ the world */

static void come_or_go(struct sem *s, struct sem_device *d)
{
    d->online = !d->online;
    sem_note(s, "%s %s", d->name, d->online ? "comes" : "goes");
    if (!d->online) {
        if (chance(s, 500)) { /* with something on the way whose answer it misses */
            struct fp_command c;
            for (uint64_t n = d->done + 1; n < d->next_n; n++) {
                d->cmds[n].age_ms = (s->kit.mono.us - d->cmds[n].composed_us) / 1000;
                c = sem_command(&d->cmds[n], n);
                kit_send(&s->kit, d->name, &c);
            }
        }
        kit_disconnect(&s->kit, d->name);
        d->greeted = false;
    }
}

static void disturb(struct sem *s)
{
    static const enum fp_err errors[] = {FP_EBUSY, FP_EFULL, FP_EIO};
    if (chance(s, 40)) {
        uint64_t k = 1 + below(s, 14);
        enum fp_err err = errors[below(s, 3)];
        sem_note(s, "the store's next call %llu fails (%d)", (ull)k, (int)err);
        fault_store_arm(&s->kit.fault, k, err, chance(s, 200));
        s->stats.faults++;
    } else if (chance(s, 8)) {
        sem_note(s, "the hub dies");
        s->crash = true;
    }
    if (chance(s, 20)) {
        uint64_t jump = below(s, 40000);
        bool back = chance(s, 500);
        sem_note(s, "the clock jumps %s by %llu ms", back ? "back" : "forth", (ull)jump);
        s->kit.wall.ms = back ? s->kit.wall.ms - jump : s->kit.wall.ms + jump;
    }
    kit_pass(&s->kit, below(s, chance(s, 50) ? 8000 : 300));
}

void sem_act(struct sem *s)
{
    struct sem_device *d = &s->devices[below(s, SEM_DEVICES)];

    s->stats.ops++;
    disturb(s);
    if (chance(s, 50)) {
        come_or_go(s, d);
    } else if (d->greeted && d->online && chance(s, 200)) {
        report(s, d);
        return;
    } else {
        compose(s, d);
    }
    if (chance(s, 750)) { /* otherwise more comes together in one turn */
        sem_turn(s);
    }
}
