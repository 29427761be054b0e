#include "tests/sim/semantics.h"

/* ------------------------------------------------------------------ events */

/* A page leaves out exactly what is deleted or superseded by what the log held before this turn; a live event has its body. */
static void check_body(struct sem *s, const struct sem_conv *c, const struct fp_event *ev, bool page)
{
    bool left_out = ev->body_hash.len > 0;
    s->stats.elided += left_out;
    if (!page) {
        if (left_out) {
            sem_fail(s, "%s %llu: told live without its body", c->name, (unsigned long long)ev->seq);
        }
        return;
    }
    bool may = ev->kind == FP_K_MSG || ev->kind == FP_K_EDIT;
    const struct fold_msg *m = &c->fold->msgs[ev->kind == FP_K_EDIT ? ev->ref : ev->seq];
    bool gone = may && (fold_gone(m) || (m->state == FOLD_EDITED && m->body_at != ev->seq));
    if (left_out && !gone) {
        sem_fail(s, "%s %llu: a page leaves out a body that stands", c->name, (unsigned long long)ev->seq);
    }
    if (!left_out && gone && m->version <= c->before) {
        sem_fail(s, "%s %llu: a page holds a body that is gone", c->name, (unsigned long long)ev->seq);
    }
    if (m->state == FOLD_REDACTED && may && m->version <= c->before && ev->seq < m->version && (ev->flags & FP_FLAG_REDACTED) == 0) {
        sem_fail(s, "%s %llu: redacted without the flag", c->name, (unsigned long long)ev->seq);
    }
}

static void take_event(struct sem *s, struct sem_device *d, int conv, struct fp_bytes one, bool page)
{
    struct sem_view *v = &d->views[conv];
    const struct sem_conv *c = &s->convs[conv];
    struct fp_event ev;

    if (fp_event_decode(one, &ev) || ev.seq == 0 || ev.seq > c->fold->head) {
        sem_fail(s, "%s hears of an event in %s that the log does not have", d->name, c->name);
    }
    if ((c->fold->may_see[ev.seq] & (1U << d->person)) == 0) {
        sem_fail(s, "%s sees %s %llu, and may not", d->name, c->name, (unsigned long long)ev.seq);
    }
    check_body(s, c, &ev, page);
    if (!v->in || ev.seq <= v->fold->head) {
        return;
    }
    if (ev.seq > v->fold->head + 1) {
        v->ask = true;
        return;
    }
    const char *why = fold_apply(v->fold, &ev);
    if (why) {
        sem_fail(s, "%s, %s %llu: %s", d->name, c->name, (unsigned long long)ev.seq, why);
    }
}

static void take_events(struct sem *s, struct sem_device *d, int conv, struct fp_bytes payload, bool page)
{
    struct fp_bytes rest = payload;
    struct fp_bytes one;
    struct fp_dec dec;
    fp_dec_init(&dec, payload);
    bool array = payload.len > 0 && payload.p[0] >> 5 == 4;
    if (array) {
        (void)fp_dec_array(&dec);
        rest = fp_bytes_of(payload.p + dec.at, payload.len - dec.at);
    }
    while (fp_run_next(&rest, &one)) {
        take_event(s, d, conv, one, page);
    }
    if (rest.len > 0) {
        sem_fail(s, "%s: a broken list of events", d->name);
    }
}

/* ------------------------------------------------------------------ what is retained */

static void take_about(struct sem *s, struct sem_conv *c, struct fp_bytes payload)
{
    struct fp_about a;
    struct fp_id user;
    uint64_t role = 0;
    uint64_t joined = 0;

    if (fp_about_decode(payload, &a)) {
        sem_fail(s, "%s: an about that cannot be read", c->name);
    }
    memset(c->title, 0, sizeof(c->title));
    memcpy(c->title, a.title.p, a.title.len < FOLD_TEXT ? a.title.len : FOLD_TEXT - 1);
    memset(c->roles, FP_ROLE_NONE, sizeof(c->roles));
    c->about = a.version;
    while (fp_about_member(&a, &user, &role, &joined)) {
        int p = fold_person(&user);
        if (p < 0 || p >= FOLD_PEOPLE) {
            sem_fail(s, "%s: an about with a stranger", c->name);
        }
        c->roles[p] = (uint8_t)role;
    }
}

static void take_receipts(struct sem *s, struct sem_conv *c, struct fp_bytes payload)
{
    struct fp_receipts r;
    struct fp_horizon row;

    if (fp_receipts_decode(payload, &r)) {
        sem_fail(s, "%s: receipts that cannot be read", c->name);
    }
    memset(c->told, 0, sizeof(c->told));
    while (fp_receipts_next(&r, &row)) {
        int p = fold_person(&row.id);
        if (p < 0 || p >= FOLD_PEOPLE) {
            sem_fail(s, "%s: receipts of a stranger", c->name);
        }
        c->told[p] = (struct sem_horizon){.shown_delivered = row.delivered, .shown_read = row.read};
    }
}

static void take_head(struct sem *s, struct sem_conv *c, struct fp_bytes payload)
{
    struct fp_head h;
    if (fp_head_decode(payload, &h) || h.seq > c->fold->head || h.chain.len != CHAIN_BYTES) {
        sem_fail(s, "%s: a wrong head", c->name);
    }
    c->head_told = h.seq;
    memcpy(c->chain_told, h.chain.p, CHAIN_BYTES);
    for (int d = 0; d < SEM_DEVICES; d++) {
        struct sem_view *v = &s->devices[d].views[c - s->convs];
        v->ask = v->ask || (v->in && v->fold->head < h.seq);
    }
}

static void take_conv(struct sem *s, const struct tell *t)
{
    int i = sem_conv_of(&t->topic.b);
    struct sem_conv *c = i < 0 ? NULL : &s->convs[i];

    if (!c) {
        sem_fail(s, "a conversation that nobody began");
    }
    switch (t->topic.kind) {
    case FP_TOPIC_CONV_ABOUT:
        take_about(s, c, t->payload);
        return;
    case FP_TOPIC_CONV_RECEIPTS:
        take_receipts(s, c, t->payload);
        return;
    case FP_TOPIC_CONV_HEAD:
        take_head(s, c, t->payload);
        return;
    case FP_TOPIC_CONV_EVENT:
        break;
    default:
        return;
    }
    for (int d = 0; d < SEM_DEVICES; d++) {
        if (s->devices[d].online && c->granted[s->devices[d].person]) {
            take_events(s, &s->devices[d], i, t->payload, false);
        }
    }
}

/* ------------------------------------------------------------------ what is for one device or user */

static void take_in(struct sem_device *d, int conv)
{
    if (!d->views[conv].in) {
        d->views[conv].in = true;
        d->views[conv].ask = true;
        fold_begin(d->views[conv].fold, 1);
    }
}

static void take_inbox(struct sem *s, const struct tell *t)
{
    struct fp_inbox in;
    if (fp_inbox_decode(t->payload, &in)) {
        sem_fail(s, "an inbox that cannot be read");
    }
    if (in.what != FP_INBOX_JOINED && in.what != FP_INBOX_REMOVED) {
        return;
    }
    int conv = sem_conv_of(&in.conv);
    int person = fold_person(&t->topic.a);
    for (int d = 0; d < SEM_DEVICES && conv >= 0; d++) {
        struct sem_device *dev = &s->devices[d];
        if (!dev->online || dev->person != person) {
            continue;
        }
        if (in.what == FP_INBOX_REMOVED) {
            s->stats.removed += dev->views[conv].in;
            dev->views[conv].in = false;
        } else {
            dev->views[conv].in = false; /* he may have missed that he was put out */
            take_in(dev, conv);
        }
    }
}

static void take_welcome(struct sem *s, struct sem_device *d, struct fp_reply *r)
{
    struct fp_conv_head row;
    bool listed[SEM_CONVS] = {0};

    if (r->as.welcome.head.next_n > d->next_n || r->as.welcome.head.next_n <= d->done) {
        sem_fail(s, "%s: the welcome's next n is %llu", d->name, (unsigned long long)r->as.welcome.head.next_n);
    }
    while (fp_reply_head(r, &row)) {
        int conv = sem_conv_of(&row.conv);
        if (conv < 0 || !s->convs[conv].granted[d->person]) {
            sem_fail(s, "%s is welcomed with a conversation that it may not see", d->name);
        }
        listed[conv] = true;
        take_in(d, conv);
    }
    for (int i = 0; i < SEM_CONVS; i++) {
        d->views[i].in = d->views[i].in && listed[i];
    }
}

static void take_acks(struct sem *s, struct sem_device *d, struct fp_reply *r)
{
    struct fp_answer a;
    while (fp_reply_answer(r, &a)) {
        if (a.n > d->done + 1 || a.n >= d->next_n || a.seq != d->cmds[a.n].seq || a.seq == 0) {
            sem_fail(s, "%s: an ack of %llu as event %llu", d->name, (unsigned long long)a.n, (unsigned long long)a.seq);
        }
        s->stats.repeats += a.seq <= s->convs[d->cmds[a.n].conv].before;
        d->done = a.n > d->done ? a.n : d->done;
    }
}

/* A command that was alone in its turn, on a store that works, is refused only where the fold says so as well. */
static void check_refusal(struct sem *s, const struct sem_device *d, const struct fp_nack *nack)
{
    const struct sem_cmd *c = &d->cmds[nack->n];

    if (c->seq > 0) {
        sem_fail(s, "%s: %llu is refused and in the log", d->name, (unsigned long long)nack->n);
    }
    if (nack->code == FP_EEXPIRED) {
        s->stats.expired++;
        if (!c->has_ttl) {
            sem_fail(s, "%s: %llu has no ttl and is expired", d->name, (unsigned long long)nack->n);
        }
        return;
    }
    bool judged = c->kind < FP_K_CONV_NEW || c->kind == FP_K_CONV_SET;
    if (judged && s->sent == 1 && s->sender == d && !s->faulty && nack->n == d->done + 1 && sem_judge(s, c, d->person).legit) {
        sem_fail(s, "%s: %llu is refused (%d, %.*s) and should not be", d->name, (unsigned long long)nack->n, (int)nack->code, (int)nack->reason.len,
                 (const char *)nack->reason.p);
    }
}

static void take_nack(struct sem *s, struct sem_device *d, const struct fp_nack *nack)
{
    s->stats.nacks++;
    sem_note(s, "  %s: nack %llu, error %d%s: %.*s", d->name, (unsigned long long)nack->n, (int)nack->code, nack->retry ? ", again" : "",
             (int)nack->reason.len, (const char *)nack->reason.p);
    if (nack->retry || nack->n == 0) {
        d->greeted = d->greeted && (nack->n > 0 || !nack->retry); /* it may have been the hello */
        s->stats.retries++;
        return;
    }
    if (nack->n > d->done + 1 || nack->n >= d->next_n) {
        sem_fail(s, "%s: a refusal of %llu", d->name, (unsigned long long)nack->n);
    }
    check_refusal(s, d, nack);
    d->done = nack->n > d->done ? nack->n : d->done;
}

static void take_down(struct sem *s, struct sem_device *d, const struct tell *t)
{
    struct fp_reply r;
    if (fp_reply_decode(t->payload, &r)) {
        sem_fail(s, "%s: a reply that cannot be read", d->name);
    }
    int conv = r.what == FP_REPLY_PAGE ? sem_conv_of(&r.as.page.conv) : r.what == FP_REPLY_SNAPSHOT ? sem_conv_of(&r.as.snapshot.conv) : -1;
    switch (r.what) {
    case FP_REPLY_ACK:
        take_acks(s, d, &r);
        break;
    case FP_REPLY_NACK:
        take_nack(s, d, &r.as.nack);
        break;
    case FP_REPLY_WELCOME:
        take_welcome(s, d, &r);
        break;
    case FP_REPLY_PAGE:
        if (conv >= 0) {
            take_events(s, d, conv, r.as.page.content, true);
        }
        break;
    case FP_REPLY_SNAPSHOT:
        if (conv >= 0 && d->views[conv].in && r.as.snapshot.floor > d->views[conv].fold->head) {
            fold_begin(d->views[conv].fold, r.as.snapshot.floor + 1);
            s->stats.snapshots++;
        }
        break;
    default:
        break;
    }
}

/* ------------------------------------------------------------------ all tells of a turn */

static void take_tell(struct sem *s, const struct tell *t)
{
    int conv = t->kind == TELL_GRANT_CONV ? sem_conv_of(&t->id) : -1;
    int person = fold_person(&t->user);
    if (conv >= 0 && person >= 0 && person < FOLD_PEOPLE) {
        s->convs[conv].granted[person] = t->allowed;
    }
    if (t->kind != TELL_PUBLISH) {
        return;
    }
    if (t->topic.kind == FP_TOPIC_USER_INBOX) {
        take_inbox(s, t);
    } else if (t->topic.kind == FP_TOPIC_DEVICE_DOWN) {
        for (int d = 0; d < SEM_DEVICES; d++) {
            struct fp_id id = kit_id(s->devices[d].name);
            if (s->devices[d].online && fp_id_eq(&id, &t->topic.a)) {
                take_down(s, &s->devices[d], t);
            }
        }
    } else if (t->topic.kind >= FP_TOPIC_CONV_EVENT && t->topic.kind <= FP_TOPIC_CONV_TYPING) {
        take_conv(s, t);
    }
}

void sem_tells(struct sem *s)
{
    for (size_t i = 0; i < s->kit.bus.count; i++) {
        const struct fake_tell *f = fake_bus_at(&s->kit.bus, i);
        s->hash = fp_hash(s->hash, &f->tell.kind, sizeof(f->tell.kind));
        s->hash = fp_hash(s->hash, f->text, strlen(f->text));
        s->hash = fp_hash(s->hash, f->tell.payload.p, f->tell.payload.len);
        take_tell(s, &f->tell);
    }
}
