/* A disk that fills up: what can wait waits first. */
#include "plugin/hub/site.h"

#define LOOK_EVERY_US 1000000U
#define SLACK 5 /* percent below its limit a level ends: what hovers there is not said over and over */

static const struct level {
    unsigned percent;
    unsigned keep_days; /* of outcomes and answers */
    const char *what;   /* happens */
} levels[] = {
    {0, 0, "everything is taken again"},
    {70, 14, "outcomes are kept for 14 days only"},
    {85, 7, "bulk commands are refused (nack full), outcomes are kept for 7 days only"},
    {95, 2, "messages are refused (nack full) unless they are of safety, outcomes are kept for 2 days only"},
};
#define LEVELS (sizeof(levels) / sizeof(levels[0]))
#define NO_BULK 2
#define SAFETY_ONLY 3

static unsigned level_of(unsigned percent)
{
    unsigned level = 0;
    while (level + 1 < LEVELS && percent >= levels[level + 1].percent) {
        level++;
    }
    return level;
}

static void enter(struct hub *h, unsigned level)
{
    struct site *s = h->site;
    enum tell_level how = level < s->disk_level ? TELL_NOTICE : level < NO_BULK ? TELL_WARNING : TELL_ERROR;
    struct line l = {0};
    line_text(&l, "disk ");
    line_number(&l, s->disk);
    line_text(&l, " % used: ");
    line_text(&l, levels[level].what);
    tells_log(h, how, &l);
    s->disk_level = level;
    s->prune_due = h->mono;
    h->prune_due = h->mono;
}

void site_disk(struct hub *h)
{
    struct site *s = h->site;
    if (s->disk_due.us > h->mono.us) {
        return;
    }
    s->disk_due.us = h->mono.us + LOOK_EVERY_US;
    s->disk = h->store.percent_used(h->store.ctx);
    unsigned up = level_of(s->disk);
    unsigned down = level_of(s->disk + SLACK);
    if (up > s->disk_level) {
        enter(h, up);
    } else if (down < s->disk_level) {
        enter(h, down);
    }
}

const char *site_disk_refuses(struct hub *h, const struct command_ctx *x)
{
    site_disk(h);
    bool msg = x->cmd->kind == FP_K_MSG;
    unsigned level = h->site->disk_level;
    if (msg && level >= SAFETY_ONLY && x->cmd->priority != FP_PRIORITY_SAFETY) {
        return "the site's disk is full: only safety messages are taken until there is room";
    }
    return msg && level >= NO_BULK && x->cmd->priority == FP_PRIORITY_BULK ? "the site's disk is nearly full: bulk has to wait" : NULL;
}

uint64_t site_disk_keep_days(const struct hub *h)
{
    uint64_t days = h->config.answers_days;
    uint64_t most = h->site ? levels[h->site->disk_level].keep_days : 0;
    return most > 0 && (days == 0 || days > most) ? most : days;
}
