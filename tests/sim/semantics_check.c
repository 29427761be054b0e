#include "tests/sim/semantics.h"

static const char *const people[FOLD_PEOPLE] = {"anna", "ben", "cleo", "dan"};

typedef unsigned long long ull;

/* ------------------------------------------------------------------ what the contract says of a command */

static bool judge_change(const struct fold *f, const struct sem_cmd *c, int person, struct sem_verdict *out)
{
    const struct fold_member *me = &f->members[person];
    if (c->ref == 0 || c->ref > f->head || c->ref < me->from || !f->msgs[c->ref].is_msg) {
        return false;
    }
    const struct fold_msg *m = &f->msgs[c->ref];
    bool manages = me->role >= FP_ROLE_MANAGER;
    switch (c->kind) {
    case FP_K_EDIT:
        out->lost = fold_gone(m) || (c->has_base && c->base != m->version);
        return m->author == person && m->state != FOLD_REDACTED; /* it would bring back what had to go */
    case FP_K_DELETE:
        return !fold_gone(m) && (m->author == person || manages);
    case FP_K_REDACT:
        return m->state != FOLD_REDACTED && manages;
    case FP_K_CONFIRM:
        return m->asks && !fold_gone(m) && (m->confirms & (1U << person)) == 0;
    default:
        return true;
    }
}

struct sem_verdict sem_judge(const struct sem *s, const struct sem_cmd *c, int person)
{
    const struct fold *f = s->convs[c->conv].fold;
    struct sem_verdict v = {0};

    if (c->kind == FP_K_CONV_NEW) {
        v.legit = f->head == 0;
        return v;
    }
    const struct fold_member *me = &f->members[person];
    if (me->role == FP_ROLE_NONE) {
        return v;
    }
    if (c->kind == FP_K_MSG) {
        bool answers = c->ref > 0 && c->ref <= f->head;
        uint64_t version = !answers ? 0 : f->msgs[c->ref].is_msg ? f->msgs[c->ref].version : c->ref;
        v.legit = me->role != FP_ROLE_OBSERVER && (c->ref == 0 || (c->ref <= f->head && c->ref >= me->from));
        v.stale = c->seen > 0 && (c->seen < f->about || version > c->seen);
    } else if (c->kind == FP_K_CONV_SET) {
        v.legit = me->role >= FP_ROLE_MANAGER && (!c->has_base || c->base == f->about);
    } else if (c->kind >= FP_K_MEMBER_ADD && c->kind <= FP_K_MEMBER_ROLE) {
        v.legit = me->role >= FP_ROLE_MANAGER || c->kind == FP_K_MEMBER_REMOVE;
    } else {
        v.legit = me->role != FP_ROLE_OBSERVER && judge_change(f, c, person, &v);
    }
    return v;
}

/* ------------------------------------------------------------------ the log, as it grows */

static void check_hub_event(struct sem *s, const struct sem_conv *c, const struct fp_event *ev)
{
    const struct sem_cmd *said = ev->ref < FOLD_SEQS ? c->said[ev->ref] : NULL;
    bool right = ev->kind == FP_K_DELETE && (ev->flags & FP_FLAG_HUB) != 0 && said && said->has_ttl && !fold_gone(&c->fold->msgs[ev->ref]);
    if (!right || ev->at.ms < said->ends_ms) {
        sem_fail(s, "%s %llu: the hub says what it has no reason for", c->name, (ull)ev->seq);
    }
}

static struct sem_device *device_of(struct sem *s, const struct fp_event *ev)
{
    for (int d = 0; d < SEM_DEVICES; d++) {
        struct fp_id id = kit_id(s->devices[d].name);
        if (fp_id_eq(&id, &ev->device) && fold_person(&ev->user) == s->devices[d].person) {
            return &s->devices[d];
        }
    }
    sem_fail(s, "an event of a device that is nobody's");
}

static void check_said(struct sem *s, struct sem_conv *c, const struct fp_event *ev)
{
    struct sem_device *d = device_of(s, ev);
    struct sem_cmd *cmd = ev->n < d->next_n ? &d->cmds[ev->n] : NULL;

    if (!cmd || cmd->seq > 0 || cmd->kind != ev->kind || &s->convs[cmd->conv] != c || (cmd->ref != ev->ref)) {
        sem_fail(s, "%s %llu: command %llu of %s twice, or not as it was sent", c->name, (ull)ev->seq, (ull)ev->n, d->name);
    }
    struct sem_verdict v = sem_judge(s, cmd, d->person);
    bool lost = (ev->flags & FP_FLAG_CONFLICT) != 0;
    if (!v.legit || v.lost != lost || v.stale != ((ev->flags & FP_FLAG_STALE) != 0)) {
        sem_fail(s, "%s %llu: kind %llu of %s: legit %d; lost %d, and should be %d; stale should be %d", c->name, (ull)ev->seq, (ull)ev->kind,
                 d->name, v.legit, lost, v.lost, v.stale);
    }
    bool changes = ev->kind >= FP_K_EDIT && ev->kind <= FP_K_REDACT;
    if (changes && ev->version != (lost ? c->fold->msgs[ev->ref].version : ev->seq)) {
        sem_fail(s, "%s %llu: says version %llu", c->name, (ull)ev->seq, (ull)ev->version);
    }
    s->stats.lost += lost;
    cmd->seq = ev->seq;
    cmd->ends_ms = ev->at.ms + (cmd->ttl * 1000 > cmd->age_ms ? cmd->ttl * 1000 - cmd->age_ms : 0);
    c->said[ev->seq] = cmd;
    c->horizons[d->person].shown_delivered = c->horizons[d->person].delivered; /* who speaks shows himself */
    c->horizons[d->person].shown_read = c->horizons[d->person].read;
}

struct log_walk {
    struct sem *s;
    struct sem_conv *c;
};

static bool log_run(void *arg, const struct store_run *run)
{
    struct log_walk *w = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    struct fp_event ev;

    while (fp_run_next(&rest, &one)) {
        if (fp_event_decode(one, &ev)) {
            sem_fail(w->s, "%s: the log holds what is no event", w->c->name);
        }
        if (ev.seq <= w->c->fold->head) {
            continue;
        }
        if (fold_person(&ev.user) == FOLD_HUB) {
            check_hub_event(w->s, w->c, &ev);
        } else {
            check_said(w->s, w->c, &ev);
        }
        const char *why = fold_apply(w->c->fold, &ev);
        if (why || chain_extend(&w->c->chain, &ev)) {
            sem_fail(w->s, "%s %llu: %s", w->c->name, (ull)ev.seq, why ? why : "no chain");
        }
        w->s->stats.events++;
    }
    return true;
}

void sem_log(struct sem *s)
{
    struct store_port st = s->kit.fault.inner;
    for (int i = 0; i < SEM_CONVS; i++) {
        struct sem_conv *c = &s->convs[i];
        struct fp_id id = kit_id(c->name);
        struct store_conv row;
        bool found = false;
        struct log_walk w = {.s = s, .c = c};
        if (st.load_conv(st.ctx, &id, &row, &found)) {
            sem_fail(s, "the store cannot be read");
        }
        if (!found || row.head == c->fold->head) {
            continue;
        }
        c->cid = row.cid;
        if (st.each_run(st.ctx, row.cid, c->fold->head + 1, row.head, log_run, &w) || c->fold->head != row.head) {
            sem_fail(s, "%s: the log ends at %llu, and its head is %llu", c->name, (ull)c->fold->head, (ull)row.head);
        }
    }
}

/* ------------------------------------------------------------------ receipts */

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool same_horizon(const struct sem_horizon *h, const struct store_receipt *r)
{
    return h->delivered == r->delivered && h->read == r->read && h->shown_delivered == r->shown_delivered && h->shown_read == r->shown_read;
}

void sem_report(struct sem *s, int person, int conv, const struct fp_receipt_row *row)
{
    struct sem_conv *c = &s->convs[conv];
    struct store_port st = s->kit.fault.inner;
    struct fp_id user = kit_id(people[person]);
    struct sem_horizon was = c->horizons[person];
    struct sem_horizon now = was;
    struct store_receipt r;

    if (c->fold->members[person].role != FP_ROLE_NONE && row->delivered <= c->fold->head && row->read <= c->fold->head) {
        uint64_t shown_read = row->private_read ? 0 : row->read;
        now.read = max_u64(was.read, row->read);
        now.delivered = max_u64(max_u64(was.delivered, row->delivered), now.read);
        now.shown_read = max_u64(was.shown_read, shown_read);
        now.shown_delivered = max_u64(max_u64(was.shown_delivered, row->delivered), now.shown_read);
    }
    if (st.load_receipt(st.ctx, c->cid, &user, &r)) {
        sem_fail(s, "the store cannot be read");
    }
    bool early = row->delivered > c->before || row->read > c->before; /* perhaps named before it was said, in this turn */
    if (!same_horizon(&now, &r) && !((s->faulty || early) && same_horizon(&was, &r))) {
        sem_fail(s, "%s in %s: the hub has %llu/%llu, shown %llu/%llu; it should have %llu/%llu, shown %llu/%llu", people[person], c->name,
                 (ull)r.delivered, (ull)r.read, (ull)r.shown_delivered, (ull)r.shown_read, (ull)now.delivered, (ull)now.read,
                 (ull)now.shown_delivered, (ull)now.shown_read);
    }
    c->horizons[person] = same_horizon(&now, &r) ? now : was;
}

/* ------------------------------------------------------------------ everything, once all is calm */

static bool again_run(void *arg, const struct store_run *run)
{
    struct log_walk *w = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    struct fp_event ev;

    while (fp_run_next(&rest, &one)) {
        const char *why = fp_event_decode(one, &ev) ? "no event" : fold_apply(w->s->again, &ev);
        if (why) {
            sem_fail(w->s, "%s, the log read again: %s", w->c->name, why);
        }
        bool holds = ev.kind == FP_K_MSG || ev.kind == FP_K_EDIT;
        const struct fold_msg *m = &w->c->fold->msgs[ev.kind == FP_K_MSG ? ev.seq : ev.ref];
        bool taken = m->state == FOLD_REDACTED;
        if (holds && taken != (ev.body_hash.len > 0)) {
            sem_fail(w->s, "%s %llu: the store %s", w->c->name, (ull)ev.seq, ev.body_hash.len > 0 ? "has lost a body" : "keeps a redacted body");
        }
    }
    return true;
}

static void check_log(struct sem *s, struct sem_conv *c, const struct store_conv *row)
{
    struct store_port st = s->kit.fault.inner;
    struct log_walk w = {.s = s, .c = c};
    struct fp_bytes title;
    struct fp_bytes context;
    uint64_t seq = 0;

    fold_begin(s->again, 1);
    if (st.each_run(st.ctx, c->cid, 1, row->head, again_run, &w)) {
        sem_fail(s, "the store cannot be read");
    }
    const char *what = fold_differ(s->again, c->fold, 1, &seq);
    if (what) {
        sem_fail(s, "%s %llu: the log read at once differs from the log as it came: %s", c->name, (ull)seq, what);
    }
    if (memcmp(row->chain, c->chain.digest, CHAIN_BYTES) != 0 || memcmp(c->chain_told, c->chain.digest, CHAIN_BYTES) != 0 ||
        c->head_told != row->head) {
        sem_fail(s, "%s: chain or head differ from the log's; told %llu of %llu", c->name, (ull)c->head_told, (ull)row->head);
    }
    if (st.load_about(st.ctx, c->cid, &title, &context) || title.len != strlen(c->fold->title) || memcmp(title.p, c->fold->title, title.len) != 0 ||
        strcmp(c->title, c->fold->title) != 0 || row->about_seq != c->fold->about || c->about != c->fold->about) {
        sem_fail(s, "%s: title or version of the about: told %s, folded %s", c->name, c->title, c->fold->title);
    }
}

static bool add_confirm(void *arg, const struct store_confirm *k)
{
    *(uint8_t *)arg |= (uint8_t)(1U << fold_person(&k->user));
    return true;
}

static void check_targets(struct sem *s, const struct sem_conv *c)
{
    struct store_port st = s->kit.fault.inner;
    for (uint64_t seq = 1; seq <= c->fold->head; seq++) {
        const struct fold_msg *m = &c->fold->msgs[seq];
        struct store_target t = {0};
        bool found = false;
        uint8_t confirms = 0;
        if (st.load_target(st.ctx, c->cid, seq, &t, &found) || (m->asks && st.each_confirm(st.ctx, c->cid, seq, add_confirm, &confirms))) {
            sem_fail(s, "the store cannot be read");
        }
        bool same = found && t.version == m->version && t.body_at == m->body_at && t.state == (uint8_t)m->state;
        if (confirms != m->confirms || (found != (m->edits || m->state != FOLD_PLAIN)) || (found && !same)) {
            sem_fail(s, "%s %llu: the hub keeps state %u, version %llu, body at %llu, confirms %x", c->name, (ull)seq, (unsigned)t.state,
                     (ull)t.version, (ull)t.body_at, (unsigned)confirms);
        }
        uint64_t late_ms = s->stats.failed > 0 ? 16000 : 0; /* a timer whose store call failed is tried again after 1, 2, 4 and 8 s */
        if (m->is_msg && c->said[seq]->has_ttl && c->said[seq]->ends_ms + late_ms <= s->kit.wall.ms && !fold_gone(m)) {
            sem_fail(s, "%s %llu: outlives its ttl", c->name, (ull)seq);
        }
    }
}

static void check_person(struct sem *s, const struct sem_conv *c, const struct store_conv *row, int p)
{
    struct store_port st = s->kit.fault.inner;
    const struct fold_member *is = &c->fold->members[p];
    const struct sem_horizon *h = &c->horizons[p];
    struct fp_id user = kit_id(people[p]);
    struct store_member m = {0};
    struct store_receipt r;
    bool found = false;

    if (st.load_member(st.ctx, c->cid, &user, &m, &found) || st.load_receipt(st.ctx, c->cid, &user, &r)) {
        sem_fail(s, "the store cannot be read");
    }
    bool in = found && m.active;
    if (in != (is->role != FP_ROLE_NONE) || c->granted[p] != in || c->roles[p] != is->role ||
        (in && (m.role != is->role || m.joined != is->joined || m.from != is->from))) {
        sem_fail(s, "%s in %s: the hub has role %u from %llu, folded %u from %llu, told %u", people[p], c->name, (unsigned)m.role, (ull)m.from,
                 (unsigned)is->role, (ull)is->from, (unsigned)c->roles[p]);
    }
    if (!same_horizon(h, &r)) {
        sem_fail(s, "%s in %s: horizons changed without a report", people[p], c->name);
    }
    uint64_t unread = in ? fold_unread(c->fold, p, r.read) : 0;
    if (in && row->msgs - m.read_msgs != unread) {
        sem_fail(s, "%s in %s: unread %llu, counted %llu", people[p], c->name, (ull)(row->msgs - m.read_msgs), (ull)unread);
    }
    if (in && (c->told[p].shown_delivered != h->shown_delivered || c->told[p].shown_read != h->shown_read)) {
        sem_fail(s, "%s in %s: told %llu/%llu, shown is %llu/%llu", people[p], c->name, (ull)c->told[p].shown_delivered, (ull)c->told[p].shown_read,
                 (ull)h->shown_delivered, (ull)h->shown_read);
    }
}

static void check_device(struct sem *s, const struct sem_device *d)
{
    uint64_t seq = 0;
    for (int i = 0; i < SEM_CONVS; i++) {
        const struct sem_conv *c = &s->convs[i];
        const struct sem_view *v = &d->views[i];
        bool in = c->fold->members[d->person].role != FP_ROLE_NONE;
        const char *what = v->in != in ? "whether it is in there" : in ? fold_differ(v->fold, c->fold, v->fold->first, &seq) : NULL;
        if (what) {
            sem_fail(s, "%s differs from the log in %s %llu (head %llu, first %llu): %s", d->name, c->name, (ull)seq, (ull)v->fold->head,
                     (ull)v->fold->first, what);
        }
        /* Who was away while he was put out and let in again keeps what he had: it may begin earlier. */
        if (in && v->fold->first > c->fold->members[d->person].from) {
            sem_fail(s, "%s begins %s at %llu", d->name, c->name, (ull)v->fold->first);
        }
    }
}

static bool is_calm(const struct sem *s)
{
    for (int d = 0; d < SEM_DEVICES; d++) {
        const struct sem_device *dev = &s->devices[d];
        for (int i = 0; i < SEM_CONVS; i++) {
            if (dev->views[i].in && (dev->views[i].ask || dev->views[i].fold->head < s->convs[i].fold->head)) {
                return false;
            }
        }
        if (!dev->greeted || dev->done + 1 < dev->next_n) {
            return false;
        }
    }
    return true;
}

static void calm_down(struct sem *s)
{
    for (int d = 0; d < SEM_DEVICES; d++) {
        s->devices[d].online = true;
    }
    uint64_t events = s->stats.events;
    for (int i = 0, quiet = 0; quiet < 4 || !is_calm(s); i++) {
        if (i == 200) {
            for (int d = 0; d < SEM_DEVICES; d++) {
                const struct sem_device *x = &s->devices[d];
                sem_note(s, "%s: greeted %d, %llu of %llu answered", x->name, x->greeted, (ull)x->done, (ull)x->next_n - 1);
            }
            sem_fail(s, "the devices do not catch up");
        }
        for (int d = 0; d < SEM_DEVICES && i % 8 == 7; d++) {
            s->devices[d].greeted = false; /* who has waited in vain comes again */
        }
        kit_pass(&s->kit, 1100); /* what is told at most once a second is told */
        sem_turn(s);
        quiet = s->stats.events == events ? quiet + 1 : 0;
        events = s->stats.events;
    }
}

void sem_check(struct sem *s)
{
    struct store_port st = s->kit.fault.inner;
    calm_down(s);
    s->stats.checks++;
    for (int i = 0; i < SEM_CONVS; i++) {
        struct sem_conv *c = &s->convs[i];
        struct fp_id id = kit_id(c->name);
        struct store_conv row;
        bool found = false;
        if (st.load_conv(st.ctx, &id, &row, &found) || !found || row.head != c->fold->head || row.msgs != c->fold->msg_count) {
            sem_fail(s, "%s: the hub counts %llu messages to %llu", c->name, (ull)row.msgs, (ull)row.head);
        }
        check_log(s, c, &row);
        check_targets(s, c);
        for (int p = 0; p < FOLD_PEOPLE; p++) {
            check_person(s, c, &row, p);
        }
    }
    for (int d = 0; d < SEM_DEVICES; d++) {
        check_device(s, &s->devices[d]);
    }
}
