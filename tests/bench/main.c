/*
 * bench_hub: one run of one shape of load, against a broker that is already there. Prints one line of JSON; tests/bench/run.py drives it.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "tests/bench/catchup.h"
#include "tests/bench/load.h"

static const char usage[] = "usage: bench_hub SHAPE --port PORT [options]\n"
                            "\n"
                            "shapes\n"
                            "  pairs     one sends, one receives\n"
                            "  rooms     everyone sends, everyone receives\n"
                            "  fill      as fast as it goes, nobody listens; --events in --groups conversations\n"
                            "  catchup   a device with cursors 0 fetches all of --groups conversations\n"
                            "  restart   waits for a broker to come up; prints when it answered\n"
                            "\n"
                            "options\n"
                            "  --hub             through a hub (otherwise plain QoS 1 publishes)\n"
                            "  --probe           without a hub, but with tick_probe: reads what it says\n"
                            "  --unwatched       does not listen to what the hub tells operators, and so knows no commits\n"
                            "  --groups N        pairs, rooms or conversations (1)\n"
                            "  --first N         the number of the first one; so a second load has names of its own (0)\n"
                            "  --members N       of a room (10)\n"
                            "  --window N        messages that each sender keeps on the way (32)\n"
                            "  --array N         commands in one publish, at most (1)\n"
                            "  --rate N          open loop: so many messages a second, all senders together\n"
                            "  --events N        fill: messages, all senders together\n"
                            "  --user NAME       fill: whom to let in as well; catchup, restart: who it is (reader)\n"
                            "  --zlib            catchup: ask for deflated pages\n"
                            "  --warm S          seconds before measuring (1)\n"
                            "  --seconds S       seconds of measuring (5)\n"
                            "  --pid PID         the broker, to measure its CPU time\n";

enum shape { SHAPE_PAIRS, SHAPE_ROOMS, SHAPE_FILL, SHAPE_CATCHUP, SHAPE_RESTART, SHAPES };

static const char *const shape_names[SHAPES] = {"pairs", "rooms", "fill", "catchup", "restart"};

enum option_id {
    OPT_HUB = 1,
    OPT_PROBE,
    OPT_UNWATCHED,
    OPT_GROUPS,
    OPT_FIRST,
    OPT_MEMBERS,
    OPT_WINDOW,
    OPT_ARRAY,
    OPT_RATE,
    OPT_EVENTS,
    OPT_USER,
    OPT_ZLIB,
    OPT_WARM,
    OPT_SECONDS,
    OPT_PID,
    OPT_PORT,
    OPT_HELP,
};

static const struct option options[] = {
    {"hub", no_argument, NULL, OPT_HUB},
    {"probe", no_argument, NULL, OPT_PROBE},
    {"unwatched", no_argument, NULL, OPT_UNWATCHED},
    {"groups", required_argument, NULL, OPT_GROUPS},
    {"first", required_argument, NULL, OPT_FIRST},
    {"members", required_argument, NULL, OPT_MEMBERS},
    {"window", required_argument, NULL, OPT_WINDOW},
    {"array", required_argument, NULL, OPT_ARRAY},
    {"rate", required_argument, NULL, OPT_RATE},
    {"events", required_argument, NULL, OPT_EVENTS},
    {"user", required_argument, NULL, OPT_USER},
    {"zlib", no_argument, NULL, OPT_ZLIB},
    {"warm", required_argument, NULL, OPT_WARM},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"pid", required_argument, NULL, OPT_PID},
    {"port", required_argument, NULL, OPT_PORT},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

struct arguments {
    enum shape shape;
    struct load_config load;
    unsigned long events;
    const char *user;
    bool zlib;
};

static _Noreturn void refuse(const char *option, const char *value)
{
    fprintf(stderr, "bench_hub: --%s %s: not a value for it; see --help\n", option, value);
    exit(2);
}

static unsigned long whole(const char *option, const char *value, unsigned long max)
{
    char *end = NULL;
    errno = 0;
    unsigned long v = strtoul(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || value[0] == '-' || v > max) {
        refuse(option, value);
    }
    return v;
}

static double real(const char *option, const char *value, double max)
{
    char *end = NULL;
    double v = strtod(value, &end);
    if (end == value || *end != '\0' || !isfinite(v) || v < 0 || v > max) {
        refuse(option, value);
    }
    return v;
}

static void take_option(struct arguments *a, const struct option *o, const char *value)
{
    struct load_config *l = &a->load;
    switch ((enum option_id)o->val) {
    case OPT_HUB:
        l->hub = true;
        break;
    case OPT_PROBE:
        l->probe = true;
        break;
    case OPT_UNWATCHED:
        l->unwatched = true;
        break;
    case OPT_GROUPS:
        l->groups = (unsigned)whole(o->name, value, 10000);
        break;
    case OPT_FIRST:
        l->first = (unsigned)whole(o->name, value, 10000);
        break;
    case OPT_MEMBERS:
        l->members = (unsigned)whole(o->name, value, MEMBERS_MAX);
        break;
    case OPT_WINDOW:
        l->window = (unsigned)whole(o->name, value, DUE_RING);
        break;
    case OPT_ARRAY:
        l->array = (unsigned)whole(o->name, value, ARRAY_MAX);
        break;
    case OPT_RATE:
        l->rate_per_s = real(o->name, value, 1e6);
        break;
    case OPT_EVENTS:
        a->events = whole(o->name, value, 1000000000);
        break;
    case OPT_USER:
        a->user = value;
        break;
    case OPT_ZLIB:
        a->zlib = true;
        break;
    case OPT_WARM:
        l->warm_s = real(o->name, value, 3600);
        break;
    case OPT_SECONDS:
        l->measure_s = real(o->name, value, 3600);
        break;
    case OPT_PID:
        l->broker_pid = (int)whole(o->name, value, 1 << 30);
        break;
    case OPT_PORT:
        l->port = (int)whole(o->name, value, 65535);
        break;
    case OPT_HELP:
        fputs(usage, stdout);
        exit(0);
    }
}

static void parse(int argc, char **argv, struct arguments *a)
{
    int index = 0;
    int code = 0;
    while ((code = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (code == '?') {
            exit(2);
        }
        take_option(a, &options[index], optarg);
    }
    a->shape = SHAPES;
    for (unsigned i = 0; optind + 1 == argc && i < SHAPES; i++) {
        if (strcmp(argv[optind], shape_names[i]) == 0) {
            a->shape = (enum shape)i;
        }
    }
    if (a->shape == SHAPES || a->load.port == 0 || a->load.groups == 0 || a->load.members < 2 || a->load.array == 0 ||
        (a->load.window == 0 && a->load.rate_per_s <= 0) || strlen(a->user) > 8) {
        fprintf(stderr,
                "bench_hub: one shape, a port, groups, two members, an array and a window or a rate are needed, a user of 8 letters at most\n\n%s",
                usage);
        exit(2);
    }
}

/* Each sender is alone in his conversation, apart from a reader who is let in but not there. */
static void fill(struct arguments *a)
{
    struct load_config *l = &a->load;
    l->members = 1;
    l->reader = a->user;
    l->limit = (a->events + l->groups - 1) / l->groups;
    l->warm_s = 0;
    l->measure_s = 3600;
    load_run(l);
}

int main(int argc, char **argv)
{
    struct arguments a = {
        .user = "reader",
        .events = 1000,
        .load = {.groups = 1, .members = 10, .window = 32, .array = 1, .warm_s = 1, .measure_s = 5},
    };
    parse(argc, argv, &a);
    text_pool_init();
    if (a.load.rate_per_s > 0) {
        a.load.window = 0;
    }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { /* each client has three */
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* if it is refused, connecting says so */
    }
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* a schedule in microseconds; without it 50 us late, that is all */

    switch (a.shape) {
    case SHAPE_PAIRS:
        a.load.members = 2;
        load_run(&a.load);
        break;
    case SHAPE_ROOMS:
        a.load.room = true;
        load_run(&a.load);
        break;
    case SHAPE_FILL:
        fill(&a);
        break;
    case SHAPE_CATCHUP:
        catchup_run(a.load.port, a.user, a.load.groups, a.zlib);
        break;
    case SHAPE_RESTART:
        restart_run(a.load.port, a.user, a.load.hub);
        break;
    case SHAPES:
        break; /* parse() has refused it */
    }
    return 0;
}
