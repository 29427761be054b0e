/* cmd_export.c: export. */
#include "firmware-client/cli/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "firmware-client/cli/export.h"
#include "firmware-client/cli/session.h"
#include "fp/body.h"

static int file_error(const struct app *app, const char *path, int number)
{
    struct str why = {0};
    str_format(&why, "%s: %s", path, strerror(number));
    int code = app_error(app, "io", str_get(&why));
    str_fini(&why);
    return code;
}

struct export
{
    struct session s;
    const struct app *app;
    struct export_head head;
    struct chain chain;
    uint64_t next;
    FILE *file;
    const char *failed; /* a sentence, once something is not as it should be */
    int io;             /* errno of a failed write */
};

static void on_export(void *ctx, const struct fp_notice *n)
{
    struct export *x = ctx;
    uint64_t seq;
    if (!x->file || x->failed || x->io || !n->fetched || !fp_id_eq(&n->conv, &x->head.conv)) {
        return;
    }
    if (n->kind == FP_NOTICE_SNAPSHOT) {
        x->failed = "events went past their retention meanwhile; export again";
    } else if (n->kind == FP_NOTICE_SKIPPED) {
        x->failed = "an event does not fit into memory";
    } else if (n->kind == FP_NOTICE_EVENT && n->seq <= x->head.to) {
        if (n->seq != x->next) {
            x->failed = "the hub left out an event";
        } else if (export_add(&x->chain, &x->head.conv, n->bytes, &seq)) {
            x->failed = "the hub told an event that its chain cannot cover; a newer hub may need a newer client";
        } else if (fwrite(n->bytes.p, 1, n->bytes.len, x->file) != n->bytes.len) {
            x->io = errno;
        }
        x->next++;
    }
}

static bool is_over(void *ctx)
{
    const struct export *x = ctx;
    return x->failed || x->io;
}

static int ask_chain(struct export *x, uint64_t seq, enum fp_err expected, struct chain *out)
{
    struct fp_command cmd = {.kind = FP_K_DIGEST, .priority = FP_PRIORITY_NORMAL, .conv = x->head.conv};
    struct str value = {0};
    struct fp_bytes chain;
    uint8_t buf[16];
    struct fp_enc e;
    *out = (struct chain){0};
    if (seq == 0) {
        return EXIT_FINE;
    }
    fp_enc_init(&e, buf, sizeof buf);
    fp_body_digest(&e, seq);
    cmd.body = fp_enc_bytes_of(&e);
    int code = session_ask(&x->s, &cmd, expected, &value);
    if (!code && fp_digest_value(str_bytes(&value), &chain) != FP_OK) {
        code = app_error(x->app, "malformed", "the hub's answer cannot be read");
    } else if (!code) {
        memcpy(out->digest, chain.p, CHAIN_BYTES);
    }
    str_fini(&value);
    return code;
}

/*
 * The hub tells the chain at its floor and above. Should retention move the floor by a run while this asks, what it has taken is left out, and a
 * run is at most so many events.
 */
static int ask_before(struct export *x)
{
    uint64_t wanted = x->head.from;
    for (; x->head.from <= x->head.to && x->head.from - wanted <= FP_EVENTS_MAX; x->head.from++) {
        int code = ask_chain(x, x->head.from - 1, FP_EUNKNOWN, &x->head.before);
        if (!code && x->head.from > wanted) {
            (void)fprintf(stderr, "fieldpost: #%" PRIu64 " to #%" PRIu64 " are left out: the hub cannot tell the chain before them any more\n",
                          wanted, x->head.from - 1);
        }
        if (!code || x->s.nack != FP_EUNKNOWN) {
            return code;
        }
    }
    return app_refused(x->app, fp_err_name(x->s.nack), str_bytes(&x->s.nack_text));
}

static int ask_head(struct export *x, uint64_t after)
{
    const struct fp_conv *c = session_caught_up(&x->s, &x->head.conv);
    if (!c) {
        return EXIT_FAILED;
    }
    x->head.epoch = fp_client_epoch(x->s.client);
    x->head.from = (after > c->floor ? after : c->floor) + 1;
    x->head.to = c->head;
    if (x->head.to < x->head.from) {
        return app_error(x->app, fp_err_name(FP_EUNKNOWN), "there is nothing to export");
    }
    int code = ask_before(x);
    return code ? code : ask_chain(x, x->head.to, FP_OK, &x->head.after);
}

static int write_file(struct export *x, const char *path)
{
    uint8_t buf[EXPORT_HEAD_MAX];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof buf);
    export_put_head(&e, &x->head);
    x->chain = x->head.before;
    x->next = x->head.from;
    if (fwrite(buf, 1, e.len, x->file) != e.len) {
        return file_error(x->app, path, errno);
    }
    int code = session_fetch(&x->s, &x->head.conv, x->head.from - 1, x->head.to, is_over, x);
    if (!code && !x->failed && !x->io && x->next != x->head.to + 1) {
        x->failed = "the hub does not tell all of it";
    }
    if (!code && !x->failed && !x->io && memcmp(x->chain.digest, x->head.after.digest, CHAIN_BYTES) != 0) {
        x->failed = "what the hub told does not agree with its own digest";
    }
    if (!code && x->failed) {
        return app_error(x->app, fp_err_name(FP_ECORRUPT), x->failed);
    }
    if (!code && (x->io || fflush(x->file) != 0 || fsync(fileno(x->file)) != 0)) {
        return file_error(x->app, path, x->io ? x->io : errno);
    }
    return code;
}

/* After a power failure the new name is there, or not, but never a part of the file under it. */
static bool sync_folder(const char *path)
{
    struct str folder = {0};
    const char *slash = strrchr(path, '/');
    if (!slash) {
        str_char(&folder, '.');
    } else {
        str_add(&folder, path, (size_t)(slash - path) + 1);
    }
    int fd = open(str_get(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool fine = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        (void)close(fd); /* only read */
    }
    str_fini(&folder);
    return fine;
}

static int make_file(struct export *x, const char *path)
{
    struct str temporary = {0};
    str_format(&temporary, "%s.%ld.tmp", path, (long)getpid());
    int fd = open(temporary.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    x->file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    int code = x->file ? write_file(x, temporary.p) : file_error(x->app, temporary.p, errno);
    if (x->file && fclose(x->file) != 0 && !code) {
        code = file_error(x->app, temporary.p, errno);
    }
    x->file = NULL;
    if (!code && (rename(temporary.p, path) != 0 || !sync_folder(path))) {
        code = file_error(x->app, path, errno);
    }
    if (code) {
        (void)unlink(temporary.p); /* it may not be there */
    }
    str_fini(&temporary);
    return code;
}

int run_export(struct app *app, const struct args *args)
{
    struct export x = {.app = app};
    struct str path = {0};
    uint64_t after = 0;
    if (!app_id(app, "CONV", args->words[0], &x.head.conv)) {
        return EXIT_USAGE;
    }
    if (!args_uint(args, "after", &after, &path)) {
        (void)app_usage(app, str_get(&path));
        str_fini(&path);
        return EXIT_USAGE;
    }
    int code = session_open(&x.s, app, FP_WANT_EVENTS, on_export, &x);
    if (code) {
        return code;
    }
    if (args_get(args, "out")) {
        str_text(&path, args_get(args, "out"));
    } else {
        str_format(&path, "%s.fieldpost", args->words[0]);
    }
    code = session_online(&x.s);
    code = code ? code : ask_head(&x, after);
    code = code ? code : make_file(&x, path.p);
    if (!code) {
        struct str out = {0};
        export_show(&out, app->set.json, false, path.p, &x.head);
        code = app_put(&out) ? EXIT_FINE : EXIT_FAILED;
        str_fini(&out);
    }
    session_leave(&x.s);
    session_close(&x.s);
    str_fini(&path);
    return code;
}
