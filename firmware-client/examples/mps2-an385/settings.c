#include "firmware-client/examples/mps2-an385/settings.h"
#include "firmware-client/examples/mps2-an385/board.h"

enum { LINE_CAP = 512, LATE_S = 30 };

static char line[LINE_CAP];

/* The next word of the line, ended with a NUL; NULL at the end. */
static char *word(char **at)
{
    char *from = *at;
    while (*from == ' ') {
        from++;
    }
    if (*from == '\0') {
        return NULL;
    }
    char *to = from;
    while (*to != ' ' && *to != '\0') {
        to++;
    }
    *at = *to == '\0' ? to : to + 1;
    *to = '\0';
    return from;
}

static uint32_t number(const char *text)
{
    uint32_t v = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        v = v * 10U + (uint32_t)(*text - '0');
    }
    return v;
}

static bool take(struct settings *s, const char *name, size_t len, const char *value)
{
    const struct {
        const char *name;
        const char **text;
        uint32_t *number;
    } known[] = {
        {"device", &s->device, NULL}, {"user", &s->user, NULL},   {"password", &s->password, NULL}, {"conv", &s->conv, NULL},
        {"flash", &s->flash, NULL},   {"psk", &s->psk, NULL},     {"first", NULL, &s->first},       {"count", NULL, &s->count},
        {"cut", NULL, &s->cut},       {"late", NULL, &s->late_s},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].name) != len || memcmp(known[i].name, name, len) != 0) {
            continue;
        }
        if (known[i].text) {
            *known[i].text = value;
        } else {
            *known[i].number = number(value);
        }
        return true;
    }
    return false;
}

bool settings_read(struct settings *out)
{
    *out = (struct settings){.device = "", .user = "", .password = "", .conv = "", .flash = "", .psk = "", .late_s = LATE_S};
    if (!board_command_line(line, sizeof line)) {
        return false;
    }
    char *at = line;
    (void)word(&at); /* the program's name */
    for (const char *w = word(&at); w; w = word(&at)) {
        const char *equals = memchr(w, '=', strlen(w));
        if (!equals || !take(out, w, (size_t)(equals - w), equals + 1)) {
            return false;
        }
    }
    return *out->device && *out->user && *out->conv && *out->flash;
}
