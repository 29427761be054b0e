/** What can be done with a message: the entries of its menu. */
import {ask} from "./dom.js";
import {answerable, isGone, needsMe} from "./message.js";
import {offered, reactionSign} from "./people.js";
import {say} from "./text.js";

function redact(thread, row) {
  ask({
    title: say("redactTitle"),
    note: say("redactWhy"),
    fields: [{name: "reason", label: say("redactTitle"), max: 200}],
    button: say("actionRedact"),
    danger: true,
    cancelText: say("cancel"),
    done: ({reason}) => thread.run(thread.fp.redact(thread.id, row.seq, reason)),
  });
}

/** @param thread of thread.js @param row */
export function entriesFor(thread, row) {
  const {fp, id, conv} = thread;
  const may = conv.joined !== false && conv.role !== 0;
  const entries = [];
  const reacted = (emoji) => (row.reactions ?? []).some((r) => r.emoji === emoji && r.users.includes(fp.user));
  if (answerable(row) && may) {
    entries.push({
      label: say("actions"),
      emoji: offered.map((emoji) => ({
        label: say(reacted(emoji) ? "actionUnreact" : "actionReact", {emoji}),
        text: reactionSign(emoji),
        checked: reacted(emoji),
        run: () => thread.on.react(row, emoji, reacted(emoji)),
      })),
    });
    if (needsMe(row, fp.user, conv.role)) {
      entries.push({label: say("confirm"), icon: "check", run: () => thread.confirm(row)});
    }
    entries.push({label: say("actionReply"), icon: "reply", run: () => thread.composer.setMode({what: "reply", row})});
    if (row.own) {
      entries.push({label: say("actionEdit"), icon: "edit", run: () => thread.composer.setMode({what: "edit", row})});
    }
  }
  if (!isGone(row)) {
    entries.push({label: say("actionCopy"), icon: "copy", run: () => navigator.clipboard?.writeText(row.text ?? "").catch(() => {})});
  }
  if (row.seq !== null) {
    entries.push({label: say("actionReaders"), icon: "eye", run: () => thread.go.panel("readers", row.seq)});
    entries.push({label: say("actionJourney"), icon: "path", run: () => thread.go.panel("journey", row.seq)});
  }
  if (row.state === "failed") {
    entries.push({label: say("retry"), icon: "retry", run: () => thread.on.retry(row)});
  }
  if (row.state === "failed" || row.state === "queued") {
    entries.push({label: say("discard"), icon: "trash", danger: true, run: () => thread.on.cancel(row)});
  }
  if (answerable(row) && may && (row.own || conv.role >= 2)) {
    entries.push({label: say("actionDelete"), icon: "trash", danger: true, run: () => thread.run(fp.remove(id, row.seq))});
  }
  if (row.seq !== null && !row.redacted && conv.role >= 2) {
    entries.push({label: say("actionRedact"), icon: "hide", danger: true, run: () => redact(thread, row)});
  }
  return entries;
}
