/* cmd_decode.c: decode. Needs no hub and no settings. */
#include "firmware-client/cli/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "firmware-client/cli/decode.h"

#define INPUT_BYTES_MAX (64U * 1024U * 1024U)

static int bad(const struct app *app, const char *name, size_t at, const char *why)
{
    struct str text = {0};
    str_format(&text, "%s: byte %zu: %s", name, at, why);
    int code = app_error(app, "malformed", str_get(&text));
    str_fini(&text);
    return code;
}

/* One line is one message; its bytes are counted within it. */
static int decode_line(const struct app *app, const char *name, size_t number, const struct str *line, const struct shape *as)
{
    struct decode_bad why = {.why = "not hex digits, two for each byte"};
    struct str bytes = {0};
    struct str out = {0};
    struct str where = {0};
    str_format(&where, "%s line %zu", name, number);
    bool hex = decode_hex(&bytes, str_get(line), line->len, &why.at);
    why.at = hex ? 0 : why.at / 2;
    bool fine = hex && decode_text(&out, str_bytes(&bytes), as, &why);
    bool put = app_put(&out);
    int code = fine ? EXIT_FINE : bad(app, str_get(&where), why.at, why.why);
    str_fini(&bytes);
    str_fini(&out);
    str_fini(&where);
    return code || put ? code : EXIT_FAILED;
}

static int decode_raw(const struct app *app, const char *name, const struct str *in, const struct shape *as)
{
    struct decode_bad why = {0};
    struct str out = {0};
    bool fine = decode_text(&out, str_bytes(in), as, &why);
    bool put = app_put(&out);
    str_fini(&out);
    if (!fine) {
        return bad(app, name, why.at, why.why);
    }
    return put ? EXIT_FINE : EXIT_FAILED;
}

/* Hex comes line by line from a program that does not end, so each line is shown as it comes. */
static int decode_stream(const struct app *app, FILE *file, const char *name, const struct shape *as, bool hex)
{
    struct str in = {0};
    size_t number = 0;
    int code = EXIT_FINE;
    for (int c = fgetc(file); c != EOF && !code; c = fgetc(file)) {
        if (in.len >= INPUT_BYTES_MAX) {
            code = app_error(app, "too-large", "the input is longer than 64 MiB");
        }
        str_char(&in, (char)c);
        if (hex && c == '\n') {
            code = decode_line(app, name, ++number, &in, as);
            str_clear(&in);
        }
    }
    if (!code && ferror(file)) {
        code = app_error(app, "io", "the input cannot be read");
    }
    if (!code && in.len > 0) {
        code = hex ? decode_line(app, name, number + 1, &in, as) : decode_raw(app, name, &in, as);
    }
    str_fini(&in);
    return code;
}

int run_decode(struct app *app, const struct args *args)
{
    const char *as_name = args_get(args, "as");
    const struct shape *as = as_name ? shape_named(as_name) : NULL;
    const char *name = args->word_count > 0 ? args->words[0] : "-";
    bool is_stdin = strcmp(name, "-") == 0;
    if (as_name && !as) {
        return app_usage(app, "--as must be one of: " SHAPE_NAMES);
    }
    FILE *file = is_stdin ? stdin : fopen(name, "rb");
    if (!file) {
        struct str why = {0};
        str_format(&why, "%s: %s", name, strerror(errno));
        int code = app_error(app, "io", str_get(&why));
        str_fini(&why);
        return code;
    }
    int code = decode_stream(app, file, is_stdin ? "stdin" : name, as, args_get(args, "hex") != NULL);
    if (!is_stdin) {
        (void)fclose(file); /* only read */
    }
    return code;
}
