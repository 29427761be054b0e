#include "firmware-client/cli/args.h"

#include <inttypes.h>

enum found { FOUND_NO, FOUND_FLAG, FOUND_VALUE };

static enum found find_option(const char *options, const char *name, size_t len)
{
    for (const char *p = options; *p;) {
        size_t word = strcspn(p, " ");
        bool value = word > 0 && p[word - 1] == '=';
        size_t own = value ? word - 1 : word;
        if (own == len && memcmp(p, name, len) == 0) {
            return value ? FOUND_VALUE : FOUND_FLAG;
        }
        p += word;
        p += strspn(p, " ");
    }
    return FOUND_NO;
}

static const struct command *find_command(const struct command *commands, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static bool add_option(struct args *a, const char *name, size_t len, const char *value, struct str *why)
{
    if (a->option_count == ARGS_OPTIONS_MAX) {
        str_format(why, "more than %d options", ARGS_OPTIONS_MAX);
        return false;
    }
    a->names[a->option_count] = name;
    a->name_lens[a->option_count] = len;
    a->values[a->option_count++] = value;
    return true;
}

/* argv[*at] begins with "--"; moves *at on to the last argument used. */
static bool parse_option(struct args *a, int argc, char **argv, int *at, const char *shared, struct str *why)
{
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    if (!equals && strcmp(name, "help") == 0) {
        a->help = true;
        return true;
    }
    if (!equals && strcmp(name, "version") == 0) {
        a->version = true;
        return true;
    }
    enum found found = find_option(shared, name, len);
    if (!found && a->command) {
        found = find_option(a->command->options, name, len);
    }
    if (!found) {
        str_format(why, "%s%sno option --%.*s", a->command ? a->command->name : "", a->command ? " has " : "there is ", (int)len, name);
        return false;
    }
    if (found == FOUND_FLAG) {
        if (equals) {
            str_format(why, "--%.*s takes no value", (int)len, name);
            return false;
        }
        return add_option(a, name, len, "", why);
    }
    if (!equals && ++*at >= argc) {
        str_format(why, "--%.*s needs a value", (int)len, name);
        return false;
    }
    return add_option(a, name, len, equals ? equals + 1 : argv[*at], why);
}

static bool check_words(const struct args *a, struct str *why)
{
    const struct command *c = a->command;
    if (a->help || a->version || !c) {
        return true;
    }
    if (a->word_count < c->words_min || a->word_count > c->words_max) {
        str_format(why, "%s: %s words; usage: fieldpost %s [OPTION...] %s", c->name, a->word_count < c->words_min ? "too few" : "too many", c->name,
                   c->words);
        return false;
    }
    return true;
}

bool args_parse(struct args *a, int argc, char **argv, const struct command *commands, size_t count, const char *shared, struct str *why)
{
    bool options_end = false;
    *a = (struct args){.words = argv};
    for (int i = 1; i < argc; i++) {
        char *arg = argv[i];
        if (!options_end && strcmp(arg, "--") == 0) {
            options_end = true;
        } else if (!options_end && strcmp(arg, "-h") == 0) {
            a->help = true;
        } else if (!options_end && strncmp(arg, "--", 2) == 0) {
            if (!parse_option(a, argc, argv, &i, shared, why)) {
                return false;
            }
        } else if (!options_end && arg[0] == '-' && arg[1]) {
            str_format(why, "there is no option %s; a text that begins with - goes behind --", arg);
            return false;
        } else if (!a->command) {
            a->command = find_command(commands, count, arg);
            if (!a->command) {
                str_format(why, "there is no command %s", arg);
                return false;
            }
        } else {
            argv[a->word_count++] = arg; /* never beyond what has been read */
        }
    }
    return check_words(a, why);
}

const char *args_next(const struct args *a, const char *name, size_t *at)
{
    size_t len = strlen(name);
    while (*at < a->option_count) {
        size_t i = (*at)++;
        if (a->name_lens[i] == len && memcmp(a->names[i], name, len) == 0) {
            return a->values[i];
        }
    }
    return NULL;
}

const char *args_get(const struct args *a, const char *name)
{
    const char *last = NULL;
    size_t at = 0;
    for (const char *value = args_next(a, name, &at); value; value = args_next(a, name, &at)) {
        last = value;
    }
    return last;
}

bool args_number(const char *text, uint64_t *out)
{
    uint64_t v = 0;
    if (!*text) {
        return false;
    }
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9' || v > (UINT64_MAX - (uint64_t)(*p - '0')) / 10) {
            return false;
        }
        v = v * 10 + (uint64_t)(*p - '0');
    }
    *out = v;
    return true;
}

bool args_uint(const struct args *a, const char *name, uint64_t *out, struct str *why)
{
    const char *text = args_get(a, name);
    if (!text || args_number(text, out)) {
        return true;
    }
    str_format(why, "--%s needs a whole number, not %s", name, text);
    return false;
}
