#include "firmware-client/cli/commands.h"

/* name, words, options, least and most words, function, one line, what --help says besides */
#define ANY SIZE_MAX

const struct command commands[] = {
    {"send", "CONV TEXT...", "reply= priority= must-confirm ttl=", 2, ANY, run_send, "send a message",
     "The words of TEXT are joined with blanks; a single - reads the text from standard input.\n"
     "The message is on this device's disk before anything is sent. If the hub does not answer in time, it stays there, and\n"
     "the next run of any command that connects delivers it first: exactly once, in order.\n\n"
     "  --reply SEQ        it answers the message with this number\n"
     "  --priority WORD    safety, high, normal (default) or bulk\n"
     "  --must-confirm     every recipient must confirm it\n"
     "  --ttl SECONDS      after so long it is not delivered any more, but fails with \"expired\"\n",
     "  fieldpost send site-7 The crane is free\n"
     "  dmesg | tail | fieldpost send --priority bulk site-7 -\n"},
    {"listen", "[CONV...]", "count= live", 0, ANY, run_listen, "print messages as they come",
     "Prints what comes in the conversations named, or in all. Begins where this device's last listen or chat ended; the first\n"
     "time, with what comes from now on. An event counts as received once it is written; what was not is printed by the next run.\n"
     "Ends with Ctrl-C (exit code 0), or when its output is closed.\n\n"
     "  --count N          ends after N events\n"
     "  --live             prints receipts, who is typing, and presence as well\n",
     "  fieldpost listen\n"
     "  fieldpost --json listen site-7 | jq -r .text\n"},
    {"history", "CONV", "after= before= last=", 1, 1, run_history, "print earlier messages",
     "Prints events of a conversation, the oldest first; without options the last 50.\n\n"
     "  --after SEQ        those behind this number\n"
     "  --before SEQ       those in front of this number\n"
     "  --last N           at most the last N of them\n",
     "  fieldpost history site-7 --last 10\n"},
    {"conversations", "", "", 0, 0, run_conversations, "list the conversations you are in",
     "One line each: id, scope, head (its last number), how many are unread, title.\n", "  fieldpost conversations\n"},
    {"create", "SCOPE [CONV-ID]", "title= member=", 1, 2, run_create, "open a conversation",
     "You become its owner. Without CONV-ID the hub makes an id; it is printed.\n\n"
     "  --title TEXT           what it is called\n"
     "  --member USER[:ROLE]   a first member, any number of times. ROLE: observer, member (default), manager, owner\n",
     "  fieldpost create project-4 site-7 --title \"Site 7\" --member ben --member carla:manager\n"},
    {"invite", "CONV USER", "role= from=", 2, 2, run_invite, "let somebody in",
     "  --role ROLE        observer, member (default), manager or owner\n"
     "  --from SEQ         he sees history from this number on; 1: all that you see. Without: from now on\n",
     "  fieldpost invite site-7 dora --from 1\n"},
    {"leave", "CONV", "", 1, 1, run_leave, "leave a conversation", "The last owner can't leave while others remain.\n", "  fieldpost leave site-7\n"},
    {"remove", "CONV USER", "", 2, 2, run_remove, "take somebody out", "Takes a role above his.\n", "  fieldpost remove site-7 dora\n"},
    {"edit", "CONV SEQ TEXT...", "base= must-confirm", 3, ANY, run_edit, "change an own message",
     "A single - as TEXT reads it from standard input.\n\n"
     "  --base VERSION     refused as \"stale\" unless the message still has this version\n"
     "  --must-confirm     every recipient must confirm the new text\n",
     "  fieldpost edit site-7 12 The crane is free at ten\n"},
    {"delete", "CONV SEQ", "", 2, 2, run_delete, "delete a message", "Its text goes; that there was a message stays.\n",
     "  fieldpost delete site-7 12\n"},
    {"redact", "CONV SEQ [REASON...]", "", 2, ANY, run_redact, "take what a message says out of the hub",
     "For managers and owners. Its text, and that of its changes, leaves the hub's database; that there was a message stays, and\n"
     "its hash. Devices and exports that hold the text already are not reached. Everybody can read REASON.\n",
     "  fieldpost redact site-7 12 a private telephone number\n"},
    {"confirm", "CONV SEQ", "", 2, 2, run_confirm, "confirm a message that asks for it",
     "Answers a message that was sent with --must-confirm; once.\n", "  fieldpost confirm site-7 12\n"},
    {"react", "CONV SEQ EMOJI", "take-back", 3, 3, run_react, "react to a message", "  --take-back        takes an earlier reaction back\n",
     "  fieldpost react site-7 12 +1\n"},
    {"read", "CONV [SEQ]", "private", 1, 2, run_read, "say how far you have read",
     "Everything up to SEQ, or all there is.\n\n"
     "  --private          only your own other devices are told\n",
     "  fieldpost read site-7\n"},
    {"readers", "CONV SEQ", "", 2, 2, run_readers, "who has received, read and confirmed a message",
     "One line for each member but the author who could see it, with the times; - where it is not so, or not for you to know.\n",
     "  fieldpost readers site-7 12\n"},
    {"who", "[CONV]", "", 0, 1, run_who, "list members and who is there",
     "Members with their roles, and how the hub sees them now. Without CONV: of all your conversations. Of more than 200 people\n"
     "only those are shown who are there or have a status text.\n",
     "  fieldpost who site-7\n"},
    {"policy", "WHO=LEVEL...", "", 1, ANY, run_policy, "say who may see whether you are there",
     "Replaces all rules of before. For each viewer the rule counts that names him, else the scope's, else everyone's. Who shares\n"
     "no scope with you sees nothing in any case. The hub does not tell the rules back.\n\n"
     "  WHO     a user; scope: the members of your scopes; everyone; or nobody, without a level: hidden from all\n"
     "  LEVEL   hidden: you are offline for him; day, quarter: times are rounded down to a day or a quarter of an hour; exact\n",
     "  fieldpost policy everyone=hidden ben=exact scope=quarter\n"
     "  fieldpost policy everyone=exact\n"},
    {"typing", "CONV", "stop", 1, 1, run_typing, "say that you are typing", "  --stop             say that you stopped\n",
     "  fieldpost typing site-7\n"},
    {"status", "[TEXT...]", "until=", 0, ANY, run_status, "set your status text, or say how things are",
     "With TEXT: sets your own status text (\"\" takes it away). Without: says whether the hub answers, and how much is queued.\n\n"
     "  --until WHEN       it goes by itself: after 45s, 30m, 2h or 3d, or at a time of UTC such as 2026-11-24T12:00:00Z\n",
     "  fieldpost status --until 2h On the roof\n"
     "  fieldpost status\n"},
    {"outbox", "[list | cancel TICKET]", "", 0, 2, run_outbox, "what is queued on this device",
     "cancel takes back what has not left yet. Neither connects to the hub.\n",
     "  fieldpost outbox\n"
     "  fieldpost outbox cancel 17\n"},
    {"chat", "CONV", "last=", 1, 1, run_chat, "converse",
     "Shows the conversation, and sends each line that you write. Behind own messages stands how far they are: ... queued,\n"
     "v sent, vv delivered, vV read, ! failed. The line below says who is typing, and whether the hub is there. When input or\n"
     "output is no terminal, works by lines: input lines are sent, a line that is begun is told as typing, events are printed, and\n"
     "with --json what a line of the screen would show as well: state, receipt, typing, presence.\n"
     "Keys: arrows, Home, End, Backspace, Delete, Ctrl-A, -E, -U, -K, -W, -L; Ctrl-D on an empty line or Ctrl-C ends.\n\n"
     "  --last N           shows the last N events first (20)\n",
     "  fieldpost chat site-7\n"},
    {"export", "CONV", "after= out=", 1, 1, run_export, "write a conversation to a file that can be verified",
     "Everything that you may see, as it is told: a CBOR sequence of a header and the events, byte for byte. The hub's digests of\n"
     "the conversation in front of the first event and at the last one stand in the header; what does not agree with them is not\n"
     "written. Where the oldest events go past their retention meanwhile, they are left out, which is said. The file\n"
     "appears under its name once it is whole and on the disk.\n\n"
     "  --after SEQ        from the event behind this number on\n"
     "  --out FILE         instead of CONV.fieldpost in this folder\n",
     "  fieldpost export site-7 --out site-7-november.fieldpost\n"},
    {"verify", "FILE [FILE2]", "", 1, 2, run_verify, "check exported files",
     "Computes the digest over the events anew: nothing is missing, in another order or changed if it is the header's. Needs no\n"
     "hub. Texts that were deleted or redacted before the export stand there as their hashes, and verify as well.\n"
     "Who made a file anew as a whole is found out by another one's: with two files of one conversation, the first event that\n"
     "differs is named. Exit code 1 if anything is wrong.\n",
     "  fieldpost verify site-7-november.fieldpost\n"
     "  fieldpost verify mine.fieldpost theirs.fieldpost\n"},
    {"decode", "[FILE]", "as= hex", 0, 1, run_decode, "show CBOR as text",
     "Reads any number of items from FILE or standard input, and prints them with the contract's names. Needs no hub.\n"
     "An error names the byte where the rules of the contract are broken. mosquitto_sub ends each message with a line feed,\n"
     "which is no CBOR: give it -N, or -F %x with --hex here.\n\n"
     "  --as WHAT          command, event, reply, inbox, head, about, receipts, typing or presence; otherwise it is guessed\n"
     "  --hex              the input is hex digits, one message a line\n",
     "  mosquitto_sub -u anna -P ... -t 'fp/1/user/anna/inbox' -F %x | fieldpost decode --hex --as inbox\n"},
};
const size_t commands_count = sizeof commands / sizeof commands[0];
