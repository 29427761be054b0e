/* fieldpost-relay: options, signals, and the loop that everything is served from. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "edge-relay/net/config.h"
#include "edge-relay/net/gateway.h"
#include "edge-relay/net/loop.h"
#include "edge-relay/net/pipe_link.h"

struct daemon {
    struct config_source source;
    struct config config;
    struct loop loop;
    struct gateway *gateway;
    struct pipe_link *trunk; /* NULL: none */
    struct loop_fd signals;
    int signal_fd;
};

enum action {
    ACTION_RUN,
    ACTION_CHECK,
    ACTION_DONE,
    ACTION_USAGE,
};

static enum action usage(const char *what, const char *which)
{
    (void)fprintf(stderr, "fieldpost-relay: %s%s%s; see --help\n", what, which[0] != '\0' ? ": " : "", which);
    return ACTION_USAGE;
}

static enum action parse_arguments(int argc, char **argv, struct config_source *out)
{
    static const struct option words[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {"check", no_argument, NULL, 'k'},
        {"options", no_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    enum action action = ACTION_RUN;

    for (int o = getopt_long(argc, argv, ":c:o:h", words, NULL); o != -1; o = getopt_long(argc, argv, ":c:o:h", words, NULL)) {
        switch (o) {
        case 'c':
            out->file = optarg;
            break;
        case 'o':
            if (out->override_count == CONFIG_OVERRIDES_MAX) {
                return usage("too many -o", "");
            }
            out->overrides[out->override_count++] = optarg;
            break;
        case 'k':
            action = ACTION_CHECK;
            break;
        case 'h':
            config_print_help(stdout);
            return ACTION_DONE;
        case 'p':
            config_print_markdown(stdout);
            return ACTION_DONE;
        case 'v':
            (void)printf("fieldpost-relay %s\n", FP_VERSION);
            return ACTION_DONE;
        case ':':
            return usage("an argument is missing after", argv[optind - 1]);
        default:
            return usage("unknown argument", argv[optind - 1]);
        }
    }
    return optind < argc ? usage("unexpected argument", argv[optind]) : action;
}

static void reload(struct daemon *d)
{
    static struct config next; /* some kilobytes; there is one thread */
    char error[CONFIG_ERROR_MAX];

    if (!config_load(&d->source, &next, error) || !config_check(&next, error) || !gateway_reload(d->gateway, &next, error)) {
        log_line(LOG_ERROR, "reload_failed", "reason=%s", error);
        return;
    }
    log_set_level(next.log_level);
    log_line(LOG_INFO, "reloaded", "origins=%s", next.origins.text);
}

static void signal_came(void *ctx, uint32_t events)
{
    struct daemon *d = ctx;
    struct signalfd_siginfo s;

    (void)events;
    while (read(d->signal_fd, &s, sizeof s) == (ssize_t)sizeof s) {
        if (s.ssi_signo == SIGHUP) {
            reload(d);
        } else {
            log_line(LOG_INFO, "stopping", "signal=%u", s.ssi_signo);
            gateway_stop(d->gateway);
        }
    }
}

static bool watch_signals(struct daemon *d)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        return false;
    }
    d->signals = (struct loop_fd){.ready = signal_came, .ctx = d};
    d->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return d->signal_fd >= 0 && loop_add(&d->loop, d->signal_fd, EPOLLIN, &d->signals);
}

static void after_turn(void *ctx)
{
    struct daemon *d = ctx;

    gateway_after_turn(d->gateway);
    d->loop.stop = gateway_stopped(d->gateway);
}

static int run(struct daemon *d)
{
    char error[CONFIG_ERROR_MAX];
    bool ok = false;

    if (!loop_open(&d->loop) || !watch_signals(d)) {
        log_line(LOG_ERROR, "start_failed", "reason=%s", strerror(errno));
        return 1;
    }
    d->gateway = gateway_open(&d->loop, &d->config, error);
    if (d->gateway == NULL || !pipe_link_open(&d->loop, &d->config, &d->trunk, error)) {
        log_line(LOG_ERROR, "start_failed", "reason=%s", error);
    } else {
        gateway_show(d->gateway, d->trunk);
        log_line(LOG_INFO, "started", "version=%s broker=%s", FP_VERSION, d->config.broker.text);
        loop_run(&d->loop, after_turn, d);
        log_line(LOG_INFO, "stopped", "ok=1");
        ok = true;
    }
    pipe_link_close(d->trunk);
    gateway_close(d->gateway);
    (void)close(d->signal_fd);
    loop_close(&d->loop);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct daemon d;
    char error[CONFIG_ERROR_MAX];
    enum action action = parse_arguments(argc, argv, &d.source);

    if (action == ACTION_DONE || action == ACTION_USAGE) {
        return action == ACTION_USAGE ? 2 : fflush(stdout) != 0;
    }
    if (!config_load(&d.source, &d.config, error) || !config_check(&d.config, error)) {
        (void)fprintf(stderr, "fieldpost-relay: %s\n", error);
        return 2;
    }
    if (action == ACTION_CHECK && !pipe_link_check(&d.config, error)) {
        (void)fprintf(stderr, "fieldpost-relay: %s\n", error);
        return 2;
    }
    if (action == ACTION_CHECK) {
        (void)puts("the configuration is fine");
        return fflush(stdout) != 0;
    }
    log_set_level(d.config.log_level);
    return run(&d);
}
