#include "firmware-client/cli/commands.h"

static const char shared_options[] = "Options of all commands (before the command or after it):\n"
                                     "  --host NAME, --port N   where the hub is (localhost, 1883; 8883 with TLS)\n"
                                     "  --user NAME             who you are: the MQTT username\n"
                                     "  --device NAME           which device this is; otherwise a name made at random the first time, and kept\n"
                                     "  --password-file FILE    the password, in the first line; others may not be able to read the file\n"
                                     "  --config FILE           instead of the usual one\n"
                                     "  --state DIR             instead of the usual folder\n"
                                     "  --tls                   encrypted; implied by the next ones\n"
                                     "  --cafile FILE           who may vouch for the hub (PEM)\n"
                                     "  --cert FILE, --key FILE a certificate of your own (PEM)\n"
                                     "  --psk-identity NAME, --psk-file FILE   a pre-shared key instead of certificates, in hex digits\n"
                                     "  --json                  one JSON object a line\n"
                                     "  --timeout SECONDS       how long to wait for the hub (10)\n"
                                     "  --verbose               says on standard error what happens\n"
                                     "  --help, --version\n\n";

static const char shared_rest[] =
    "Exit codes:\n"
    "  0  done: the hub has it\n"
    "  1  refused or failed; standard error says \"fieldpost: CODE: reason\"\n"
    "  2  called in a wrong way, or wrong settings\n"
    "  3  queued on this device's disk; the next run that connects delivers it\n\n"
    "Files:\n"
    "  $XDG_CONFIG_HOME/fieldpost/client.conf (~/.config)   lines \"name = value\", # for comments; the names are those of the\n"
    "      options, and password; switches are yes or no. Refused if it holds a password and others may read it.\n"
    "  $XDG_STATE_HOME/fieldpost-client/USER@HOST_PORT (~/.local/state)   this device's name and the outbox of each device.\n"
    "      One process at a time has a device's outbox; another one waits, at most --timeout, or uses another --device.\n\n"
    "Environment:\n"
    "  FIELDPOST_HOST, _PORT, _USER, _PASSWORD, _DEVICE, _STATE, _CONFIG   like the options; an option goes before them, they\n"
    "      go before the config file. A password never comes by an option: others could see it.\n\n";

static const char json_help[] =
    "JSON (fields may be added, never changed; null where there is nothing):\n"
    "  event         conv seq at kind user device n ref priority flags, and by kind: text must_confirm attachments, title scope,\n"
    "                member role, with take_back, reason, version\n"
    "  provisional   the same without seq, and site: a site has it and the hub not yet; flag 128: refused, take it away\n"
    "  state         ticket state (queued relayed sent delivered read failed) conv seq code reason\n"
    "  pending       ticket state kind conv text\n"
    "  conversation  conv scope title head floor read unread\n"
    "  member        conv user role joined\n"
    "  presence      user state since text\n"
    "  receipt       conv user delivered read\n"
    "  reader        conv seq user delivered read confirmed\n"
    "  typing        conv text: as a sentence, empty when nobody is any more; your own name may be in it\n"
    "  skipped, snapshot   conv from to: what will not come\n"
    "  export, verified   file conv from to events chain\n"
    "  invalid       file seq reason\n"
    "  compared      conv from to same differs\n"
    "  status        online host port user device queued state\n"
    "  error         code reason\n"
    "Each has its name as type.\n\n";

void help_program(struct str *out)
{
    str_text(out, "usage: fieldpost [OPTION...] COMMAND [OPTION...] [WORD...]\n\n"
                  "Sends and receives the messages of a Fieldpost hub from the command line.\n\n"
                  "Commands (each has --help):\n");
    for (size_t i = 0; i < commands_count; i++) {
        str_format(out, "  %-14s%s\n", commands[i].name, commands[i].brief);
    }
    str_char(out, '\n');
    str_text(out, shared_options);
    str_text(out, shared_rest);
    str_text(out, json_help);
    str_text(out, "Examples:\n  fieldpost --host hub.example --user anna --password-file ~/.fieldpost-password conversations\n");
}

void help_command(struct str *out, const struct command *c)
{
    str_format(out, "usage: fieldpost %s [OPTION...]%s%s\n\nfieldpost %s: %s\n\n", c->name, *c->words ? " " : "", c->words, c->name, c->brief);
    str_format(out, "%s\n", c->help);
    str_text(out, shared_options);
    str_text(out, shared_rest);
    str_format(out, "Examples:\n%s", c->examples);
}
