#include "tests/sim/storm.h"

/* Each is called with a device that is switched on. */

static size_t any_conv(struct storm *st)
{
    return (size_t)sim_below(&st->random, st->conv_count);
}

static void act_say(struct storm_device *d)
{
    struct storm *st = d->st;
    size_t count = sim_chance(&st->random, 100) ? 20 : 1 + (size_t)sim_below(&st->random, 3);
    for (size_t i = 0; i < count; i++) {
        size_t len = 1 + (size_t)sim_below(&st->random, sim_chance(&st->random, 50) ? 2000 : 60);
        uint64_t ttl_s = sim_chance(&st->random, 100) ? 1 + sim_below(&st->random, 20) : 0;
        storm_say(d, any_conv(st), len, ttl_s);
    }
}

static void act_stored(struct storm_device *d)
{
    storm_store_all(d, any_conv(d->st));
}

static void act_read(struct storm_device *d)
{
    size_t conv = any_conv(d->st);
    const struct storm_shelf *s = &d->shelves[conv];
    if (s->known) {
        fp_client_read(d->c, &d->st->convs[conv].id, s->cursor, sim_chance(&d->st->random, 300));
    }
}

static void act_typing(struct storm_device *d)
{
    fp_client_typing(d->c, &d->st->convs[any_conv(d->st)].id, sim_chance(&d->st->random, 500), sim_net_now(d->st->net));
}

static void act_fetch(struct storm_device *d)
{
    struct storm *st = d->st;
    size_t conv = any_conv(st);
    uint64_t after = sim_below(&st->random, st->convs[conv].head + 1);
    uint64_t upto = sim_chance(&st->random, 300) ? 0 : after + 1 + sim_below(&st->random, 20);
    (void)fp_client_fetch(d->c, &st->convs[conv].id, after, upto);
}

static void cancel(struct storm_device *d, struct storm_cmd *cmd)
{
    struct storm *st = d->st;
    cmd->cancelled = true;
    enum fp_err err = fp_client_cancel(d->c, cmd->ticket);
    storm_log(st, "%s cancels ticket %llu: %s", d->name, (unsigned long long)cmd->ticket, fp_err_name(err));
    if (err == FP_OK) {
        st->stats.cancels++;
        if (cmd->store_seq != 0 || !cmd->failed) {
            storm_fail(st, "P6: %s cancels ticket %llu, which is in the store at %llu, or does not tell", d->name, (unsigned long long)cmd->ticket,
                       (unsigned long long)cmd->store_seq);
        }
        return;
    }
    cmd->cancelled = false;
    if (d->flash.off) {
        cmd->fate = CMD_MAYBE;
    } else if (err == FP_EIO) {
        cmd->doubtful = true;
    } else if (err != FP_EBUSY && !cmd->answered) {
        storm_fail(st, "L1: %s does not cancel ticket %llu: %s", d->name, (unsigned long long)cmd->ticket, fp_err_name(err));
    }
}

static void act_cancel(struct storm_device *d)
{
    struct storm *st = d->st;
    for (size_t tries = 0; tries < 10 && st->cmd_count > 0; tries++) {
        size_t back = 1 + (size_t)sim_below(&st->random, st->cmd_count < 30 ? st->cmd_count : 30);
        struct storm_cmd *cmd = &st->cmds[st->cmd_count - back];
        if (cmd->device == d->index && cmd->fate == CMD_ACCEPTED && !cmd->answered && !cmd->cancelled && !cmd->sent && !cmd->failed) {
            cancel(d, cmd);
            return;
        }
    }
}

static void act_member(struct storm_device *d)
{
    static const uint64_t kinds[] = {FP_K_MEMBER_ADD, FP_K_MEMBER_ADD, FP_K_MEMBER_REMOVE, FP_K_MEMBER_ROLE};
    struct storm *st = d->st;
    storm_member(d, any_conv(st), kinds[sim_below(&st->random, 4)], (size_t)sim_below(&st->random, st->user_count));
}

static void act_conv_new(struct storm_device *d)
{
    storm_conv_new(d, any_conv(d->st));
}

static void act_crash(struct storm_device *d)
{
    storm_device_crash(d);
}

static void act_power(struct storm_device *d)
{
    d->flash.power_in = 1 + sim_below(&d->st->random, 40);
}

static void act_storage_fails(struct storm_device *d)
{
    d->flash.fail_in = 1 + sim_below(&d->st->random, 20); /* once */
}

static void act_close(struct storm_device *d)
{
    storm_device_close(d);
}

static void act_cut(struct storm_device *d)
{
    enum sim_cut how = (enum sim_cut)sim_below(&d->st->random, SIM_CUTS);
    storm_log(d->st, "the link of %s is cut (%d)", d->name, (int)how);
    sim_net_cut(d->st->net, d->index, how);
    d->st->stats.cuts++;
}

static void act_away(struct storm_device *d)
{
    struct storm *st = d->st;
    storm_log(st, "%s is away", d->name);
    sim_net_partition(st->net, d->index, true);
    sim_net_cut(st->net, d->index, SIM_CUT_SILENT);
    d->away_until_us = sim_net_now(st->net).us + sim_below(&st->random, 20000000);
}

static void act_stall(struct storm_device *d)
{
    struct fp_mono until = {.us = sim_net_now(d->st->net).us + sim_below(&d->st->random, 5000000)};
    sim_net_stall(d->st->net, d->index, until);
}

static void act_disconnect(struct storm_device *d)
{
    fp_client_disconnect(d->c);
    storm_pass(d->st, sim_below(&d->st->random, 500000));
    if (d->c) {
        fp_client_connect(d->c);
        d->due = sim_net_now(d->st->net);
    }
}

static void act_wake(struct storm_device *d)
{
    fp_client_wake(d->c);
    d->due = sim_net_now(d->st->net);
}

static void act_hub_crash(struct storm_device *d)
{
    storm_hub_crash(d->st);
}

void storm_act(struct storm *st)
{
    static const struct {
        unsigned weight;
        void (*act)(struct storm_device *d);
    } acts[] = {
        {400, act_say},   {80, act_stored},  {40, act_read},  {30, act_typing},     {30, act_fetch}, {60, act_cancel},
        {50, act_member}, {5, act_conv_new}, {15, act_crash}, {15, act_power},      {15, act_close}, {15, act_storage_fails},
        {50, act_cut},    {15, act_away},    {20, act_stall}, {10, act_disconnect}, {20, act_wake},  {20, act_hub_crash},
    };
    struct storm_device *d = &st->devices[sim_below(&st->random, st->device_count)];
    unsigned total = 0;
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        total += acts[i].weight;
    }
    unsigned roll = (unsigned)sim_below(&st->random, total);
    for (size_t i = 0; d->c && i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (roll < acts[i].weight) {
            acts[i].act(d);
            break;
        }
        roll -= acts[i].weight;
    }
    if (d->c) {
        d->due = sim_net_now(st->net); /* who has queued something polls */
    }
    uint64_t dt = sim_chance(&st->random, 30) ? 20000000 : sim_chance(&st->random, 200) ? 2000000 : 150000;
    storm_pass(st, sim_below(&st->random, dt));
}
