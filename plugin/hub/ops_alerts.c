/* fp/1/ops/alerts: what is wrong now, and since when. Told when it changes, looked at once a second. */
#include "plugin/hub/relay.h"
#include "plugin/hub/site.h"

#define DISK_PERCENT 70         /* as the first level of site_disk.c */
#define DISK_OVER_PERCENT 65    /* below that it is over: what hovers at the limit is one alert */
#define REMEMBERED_US 60000000U /* a failed commit is wrong for a minute */
#define ALERT_BYTES 128

static bool is_same(const struct ops_alert *a, const char *what, const struct fp_id *who)
{
    return strcmp(a->what, what) == 0 && fp_id_eq(&a->who, who);
}

static void raise_alert(struct hub *h, const char *what, const struct fp_id *who, uint64_t value)
{
    static const struct fp_id nobody;
    struct hub_ops *o = &h->ops;
    size_t i = 0;
    who = who ? who : &nobody;
    while (i < o->alert_count && !is_same(&o->alerts[i], what, who)) {
        i++;
    }
    if (i == OPS_ALERTS) {
        return;
    }
    struct ops_alert *a = &o->alerts[i];
    if (i == o->alert_count) {
        o->alert_count++;
        *a = (struct ops_alert){.what = what, .who = *who, .since = h->wall, .value = value};
        o->alerts_changed = true;
    }
    o->alerts_changed = o->alerts_changed || a->value != value;
    a->value = value;
    a->seen = true;
}

/* What was not seen in this look is over. */
static void drop_over(struct hub_ops *o)
{
    size_t kept = 0;
    for (size_t i = 0; i < o->alert_count; i++) {
        if (o->alerts[i].seen) {
            o->alerts[kept] = o->alerts[i];
            o->alerts[kept++].seen = false;
        }
    }
    o->alerts_changed = o->alerts_changed || kept < o->alert_count;
    o->alert_count = kept;
}

static void look_at_disk(struct hub *h, unsigned percent_used)
{
    static const struct fp_id nobody;
    bool is_on = false;
    for (size_t i = 0; i < h->ops.alert_count && !is_on; i++) {
        is_on = is_same(&h->ops.alerts[i], "disk", &nobody);
    }
    if (percent_used >= (is_on ? DISK_OVER_PERCENT : DISK_PERCENT)) {
        raise_alert(h, "disk", NULL, percent_used);
    }
}

static void look_at_commits(struct hub *h)
{
    struct hub_ops *o = &h->ops;
    uint64_t failures = h->stats.commit_failures;
    bool is_on = o->failed.us > 0 && h->mono.us - o->failed.us < REMEMBERED_US;
    if (failures > o->failures_seen) {
        o->failures_from = is_on ? o->failures_from : o->failures_seen;
        o->failures_seen = failures;
        o->failed = h->mono;
        is_on = true;
    }
    if (is_on) {
        raise_alert(h, "commit_failures", NULL, failures - o->failures_from);
    }
}

static void look_at_trunks(struct hub *h)
{
    const struct relay *r;
    LL_FOREACH (h->relays ? h->relays->all : NULL, r) {
        if (!r->up) {
            raise_alert(h, "relay_down", &r->rights.relay, 0);
        }
        if (r->older) {
            raise_alert(h, "hub_older", &r->rights.relay, 0);
        }
    }
    if (site_is(h) && !h->site->open) {
        raise_alert(h, "trunk_down", NULL, 0);
    }
    if (site_is(h) && h->site->stopped) {
        raise_alert(h, "hub_older", NULL, 0);
    }
}

static void put_alert(struct fp_enc *e, const struct ops_alert *a)
{
    fp_enc_map(e, a->who.len > 0 ? 4 : 3);
    if (a->who.len > 0) {
        ops_put_text(e, "who");
        fp_enc_id(e, &a->who);
    }
    ops_put_text(e, "what");
    ops_put_text(e, a->what);
    ops_put_text(e, "since");
    fp_enc_uint(e, a->since.ms);
    ops_put_text(e, "value");
    fp_enc_uint(e, a->value);
}

void ops_alerts(struct hub *h, unsigned percent_used)
{
    struct hub_ops *o = &h->ops;
    look_at_disk(h, percent_used);
    look_at_commits(h);
    look_at_trunks(h);
    drop_over(o);
    if (o->alerts_told && !o->alerts_changed) {
        return;
    }
    size_t cap = o->alert_count * ALERT_BYTES + 16;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_array(&e, o->alert_count);
    for (size_t i = 0; i < o->alert_count; i++) {
        put_alert(&e, &o->alerts[i]);
    }
    ops_tell(h, "alerts", &e);
    o->alerts_changed = e.failed;
    o->alerts_told = true;
}
