/* cmd_verify.c: verify. Needs no hub and no settings. */
#include "firmware-client/cli/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "firmware-client/cli/export.h"
#include "firmware-client/cli/json.h"

struct checked {
    const char *path;
    struct str bytes;
    struct export_file file;
};

static int read_all(const struct app *app, struct checked *c)
{
    char buf[65536];
    size_t got;
    FILE *in = fopen(c->path, "rb");
    while (in && (got = fread(buf, 1, sizeof buf, in)) > 0) {
        str_add(&c->bytes, buf, got);
    }
    if (in && !ferror(in)) {
        (void)fclose(in); /* only read */
        return EXIT_FINE;
    }
    struct str why = {0};
    str_format(&why, "%s: %s", c->path, strerror(errno));
    int code = app_error(app, "io", str_get(&why));
    str_fini(&why);
    if (in) {
        (void)fclose(in);
    }
    return code;
}

static int say_invalid(const struct app *app, const struct checked *c, const struct str *why)
{
    struct str out = {0};
    if (app->set.json) {
        struct json j = {.out = &out};
        json_open(&j, '{');
        json_put_text(&j, "type", "invalid");
        json_put_text(&j, "file", c->path);
        if (c->file.bad_seq > 0) {
            json_put_uint(&j, "seq", c->file.bad_seq);
        } else {
            json_put_text(&j, "seq", NULL);
        }
        json_put_text(&j, "reason", str_get(why));
        json_close(&j, '}');
        str_char(&out, '\n');
        (void)app_put(&out); /* the same comes on stderr, and the exit code says it too */
    }
    str_format(&out, "%s: %s", c->path, str_get(why));
    int code = app_error(app, fp_err_name(FP_ECORRUPT), str_get(&out));
    str_fini(&out);
    return code;
}

static int check_one(const struct app *app, struct checked *c)
{
    struct str why = {0};
    struct str out = {0};
    int code = read_all(app, c);
    if (code) {
        return code;
    }
    if (!export_open(&c->file, str_bytes(&c->bytes), &why)) {
        code = say_invalid(app, c, &why);
    } else {
        export_show(&out, app->set.json, true, c->path, &c->file.head);
        code = app_put(&out) ? EXIT_FINE : EXIT_FAILED;
    }
    str_fini(&why);
    str_fini(&out);
    return code;
}

static void say_compared(const struct app *app, const struct fp_id *conv, const struct export_diff *d, struct str *out)
{
    if (app->set.json) {
        struct json j = {.out = out};
        json_open(&j, '{');
        json_put_text(&j, "type", "compared");
        json_put_id(&j, "conv", conv);
        json_put_uint(&j, "from", d->from);
        json_put_uint(&j, "to", d->to);
        json_put_bool(&j, "same", !d->earlier && d->differs == 0);
        if (d->differs > 0) {
            json_put_uint(&j, "differs", d->differs);
        } else {
            json_put_text(&j, "differs", NULL);
        }
        json_close(&j, '}');
    } else if (d->earlier) {
        str_format(out, "they differ before #%" PRIu64 " already, the first that both hold", d->from);
    } else if (d->differs > 0) {
        str_format(out, "the first event that differs is #%" PRIu64, d->differs);
    } else {
        str_format(out, "they agree on #%" PRIu64 " to #%" PRIu64, d->from, d->to);
    }
    str_char(out, '\n');
}

static int compare(const struct app *app, const struct checked *two)
{
    struct export_diff diff;
    struct str out = {0};
    if (!export_compare(&two[0].file, &two[1].file, &diff)) {
        return app_error(app, fp_err_name(FP_EUNKNOWN), "the two files hold no event in common that could be compared");
    }
    say_compared(app, &two[0].file.head.conv, &diff, &out);
    bool put = app_put(&out);
    str_fini(&out);
    return put && !diff.earlier && diff.differs == 0 ? EXIT_FINE : EXIT_FAILED;
}

int run_verify(struct app *app, const struct args *args)
{
    struct checked two[2] = {{0}};
    int code = EXIT_FINE;
    for (size_t i = 0; i < args->word_count; i++) {
        two[i].path = args->words[i];
        int one = check_one(app, &two[i]);
        code = code ? code : one;
    }
    if (args->word_count == 2 && two[0].file.own_chains && two[1].file.own_chains) { /* of what is no export, that has been said */
        int both = compare(app, two);
        code = code ? code : both;
    }
    for (size_t i = 0; i < 2; i++) {
        export_close(&two[i].file);
        str_fini(&two[i].bytes);
    }
    return code;
}
