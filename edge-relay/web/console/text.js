/**
 * Every word that the console shows, in one place. To translate: copy the table, keep its keys and what stands in braces. Where a number decides the
 * form, the value is an object of plural categories (Intl.PluralRules).
 */
export const locale = "en-GB";

const words = {
  app: "Fieldpost",
  skip: "Skip to the messages",
  // Login
  loginTitle: "Sign in",
  loginUser: "User",
  loginPassword: "Password",
  loginButton: "Sign in",
  loginKeep: "Stay signed in on this device",
  loginKeepHint: "Keeps the password in this browser. Only where nobody else uses it.",
  loginMissing: "Both user and password are needed.",
  loginUserGrammar: "A user name has 1 to 36 letters, digits, and . _ ~ -",
  loginRefused: "The hub refused this user or password.",
  loginOffline: "No connection. What this device holds is shown; the password is checked when the connection is back.",
  // Shell
  navMessages: "Messages",
  navOps: "Operations",
  account: "Account of {user}",
  signOut: "Sign out",
  signOutForget: "Sign out and delete what this device holds",
  forgetDo: "Delete and sign out",
  forgetNote: {
    one: "The messages held here, and {n} that waits to be sent, are deleted from this device.",
    other: "The messages held here, and {n} that wait to be sent, are deleted from this device.",
  },
  themeTo: "Colours: {theme}",
  themeAuto: "as the device",
  themeLight: "light",
  themeDark: "dark",
  stateSet: "Show me as {state}",
  statusSet: "Status text…",
  statusTitle: "Status text",
  statusText: "What others see next to your name",
  statusHours: "For how many hours (empty: until changed)",
  // Who may see one
  policyMenu: "Who may see me…",
  policyTitle: "Who may see me",
  policyNote: "Whether you are here and since when, your status text, that you are typing, what you have received and read. Who shares no scope with you sees none of it.",
  policyEveryone: "Everyone who shares a scope with me",
  policyPeople: "Some people see more, or less",
  policyPerson: "User",
  policySees: "Sees",
  policyAdd: "Add a person",
  policyRemove: "Remove this rule",
  policyLevel_exact: "everything, to the minute",
  policyLevel_quarter: "times to a quarter of an hour",
  policyLevel_day: "times to a day",
  policyLevel_hidden: "nothing: I look offline",
  policyHidden: "Where you look offline to a member of a conversation, nobody in it sees that you type or how far you have read.",
  policyLast: "Shown is what this browser has set last. Another device may have set something else since; saving replaces all of it.",
  policyTwice: "{user} is named twice.",
  policySaved: "Saved: who may see you.",
  policyLater: "Saved. It is told to the hub once the connection is back, if this page is still open.",
  updateReady: "A new version of this page is ready.",
  updateNow: "Reload",
  // Link
  linkOnline: "Online",
  linkOnlineVia: "Online at {site}",
  linkConnecting: "Connecting…",
  linkOffline: "Offline",
  linkOfflineSince: "Offline since {time}",
  linkRefused: "Refused",
  linkNow: "Try now",
  storeFailed: "This browser does not let the page keep messages: {reason}",
  notDone: "Not done: {reason}",
  changeRefused: {one: "The hub refused a change: {reason}", other: "The hub refused {n} changes, the last one: {reason}"},
  linkRetry: "next try {time}",
  offlineNote: "You are offline. Messages are kept on this device and sent when the connection is back.",
  offlineNoteMemory: "You are offline. Messages wait in this tab only, as the page was not loaded over https: do not close it.",
  offlineWaiting: {one: "{n} message is waiting.", other: "{n} messages are waiting."},
  refusedNote: "The hub refused this connection: {reason}",
  // Conversations
  conversations: "Conversations",
  scopes: "Scopes",
  scopeAll: "All",
  scopeDm: "Direct",
  unread: {one: "{n} unread message", other: "{n} unread messages"},
  convNew: "New conversation",
  convNone: "No conversations yet.",
  convPick: "Choose a conversation.",
  convSearch: "Find a conversation",
  convLeft: "You are no longer a member.",
  convSafety: "Safety message",
  convCreate: "Create",
  convTitle: "Title",
  convScope: "Scope",
  convMembers: "Members, separated by commas",
  convTitleMissing: "A title is needed.",
  convScopeGrammar: "A scope has 1 to 36 letters, digits, and . _ ~ -",
  convMemberGrammar: "“{user}” is no user name: 1 to 36 letters, digits, and . _ ~ -",
  back: "Back to the conversations",
  close: "Close",
  cancel: "Cancel",
  save: "Save",
  you: "You",
  youMid: "you",
  draft: "Draft",
  // Thread
  messages: "Messages in {title}",
  details: "Members and details",
  membersOnline: {one: "{n} member, {online} online", other: "{n} members, {online} online"},
  typingOne: "{a} is typing",
  typingTwo: "{a} and {b} are typing",
  typingMany: "{a}, {b} and {n} more are typing",
  newBelow: {one: "{n} new message", other: "{n} new messages"},
  toEnd: "To the newest message",
  unreadLine: "Unread",
  today: "Today",
  yesterday: "Yesterday",
  historyLoading: "Loading earlier messages…",
  historyStart: "This is where the conversation begins, as far as you may see it.",
  historyOffline: "Earlier messages come when the connection is back.",
  noRows: "Nothing has been written yet.",
  foldSite: {one: "{n} message written offline at {site} at {from}", other: "{n} messages written offline at {site} between {from} and {to}"},
  foldUser: {one: "{n} message written offline by {user} at {from}", other: "{n} messages written offline by {user} between {from} and {to}"},
  foldMany: {one: "{n} message written offline at {from}", other: "{n} messages written offline between {from} and {to}"},
  site: "site {relay}",
  foldShow: "Show",
  foldHide: "Fold",
  // Message
  edited: "edited",
  deleted: "This message was deleted.",
  redacted: "This message was redacted.",
  replyTo: "Reply to {user}",
  replyGone: "a message that is not held here",
  offlineAt: "written offline at {time}",
  stale: "Written before the latest change was seen",
  conflict: "This edit lost against another one",
  provisional: "Has not reached the hub yet",
  byHub: "by the hub",
  priority0: "Safety",
  priority1: "High priority",
  priority2: "Normal",
  priority3: "Bulk",
  attachments: {one: "{n} attachment", other: "{n} attachments"},
  noText: "(no text)",
  stateQueued: "Waiting for the connection",
  stateSending: "Sending",
  stateRelayed: "Relayed: the site has it, the hub not yet",
  stateRelayedShort: "Relayed",
  stateSent: "Sent",
  stateDelivered: "Delivered to {k} of {of}",
  stateRead: "Read by {k} of {of}",
  stateFailed: "Not sent: {reason}",
  ofShort: "{k} of {of}",
  retry: "Try again",
  discard: "Discard",
  reactionsBy: "{emoji} {n}: {users}",
  mustConfirm: "To be confirmed",
  confirm: "Confirm",
  confirmed: "You confirmed this",
  confirmedBy: "Confirmed by {k} of {of}",
  confirmBanner: {one: "Please confirm", other: "Please confirm: {n} messages"},
  show: "Show",
  actions: "Actions",
  actionReply: "Reply",
  actionReact: "React with {emoji}",
  actionUnreact: "Take back {emoji}",
  actionEdit: "Edit",
  actionDelete: "Delete",
  actionRedact: "Redact…",
  actionReaders: "Who has read it",
  actionJourney: "Its journey",
  actionCopy: "Copy text",
  redactTitle: "Redact this message",
  redactWhy: "Reason. The text is taken out of the hub's database; devices that hold it already are not reached.",
  messageLabel: "{user}, {time}: {text}",
  // Composer
  composer: "Message",
  composerHint: "Write a message",
  send: "Send",
  sendSave: "Save the change",
  replying: "Reply to {user}",
  editing: "Change your message",
  options: "Priority and confirmation",
  optConfirm: "Ask everybody to confirm",
  observer: "You read along as an observer.",
  tooLong: "Too long: {n} of {max} bytes.",
  // System rows
  sysCreated: "{user} created “{title}”",
  sysSet: "{user} changed the title to “{title}”",
  sysSetContext: "{user} changed the context",
  sysAdded: "{user} added {who}",
  sysJoined: "{user} joined",
  sysRemoved: "{user} removed {who}",
  sysLeft: "{user} left",
  sysRole: "{user} made {who} {role}",
  sysOther: "{user} changed the conversation",
  role0: "observer",
  role1: "member",
  role2: "manager",
  role3: "owner",
  role9: "service",
  // People
  stateActive: "Active",
  stateBusy: "Busy",
  stateAway: "Away",
  stateUnreachable: "Out of reach",
  stateOffline: "Offline",
  lastSeen: "Last seen {time}",
  since: "{state} since {time}",
  via: "via {relay}",
  until: "until {time}",
  members: "Members",
  memberAdd: "Add a member",
  memberAddButton: "Add",
  memberRemove: "Remove {user}",
  memberRole: "Role of {user}",
  leave: "Leave the conversation",
  rename: "Rename…",
  readersTitle: "Who has read it",
  readersWho: "Member",
  readersDelivered: "Delivered",
  readersRead: "Read",
  readersConfirmed: "Confirmed",
  readersAsking: "Asking the hub…",
  readersFailed: "The hub could not be asked: {reason}",
  notYet: "not yet",
  // Journey
  journeyTitle: "Journey of a message",
  journeyComposed: "Written on {device}",
  journeyOffline: "Written on {device}, offline",
  journeyRelayed: "Taken by {relay}",
  journeyOrdered: "On the hub's disk as number {seq}",
  journeyAtSite: "Waits at the site for the hub",
  journeyQueued: "Waits on this device",
  journeyDelivered: "Delivered to {user}",
  journeyRead: "Read by {user}",
  journeyConfirmed: "Confirmed by {user}",
  journeyChanged: "Changed later (version {version})",
  journeyNotDelivered: "Not yet delivered to {users}",
  journeyNotRead: "Not yet read by {users}",
  journeyNotConfirmed: "Not yet confirmed by {users}",
  journeyAfter: "{ms} later",
  journeySince: "{ms} after the hub had it",
  journeySumDelivered: "Delivered to {k} of {of}.",
  journeySumRead: "Read by {k} of {of}.",
  journeySumConfirmed: "Confirmed by {k} of {of}.",
  journeyLast: "The last one after {ms}.",
  journeyUnknownTime: "time not reported",
  journeyPick: "Conversation",
  journeySeq: "Message no.",
  journeyShow: "Show its journey",
  journeyHint: "When it was written, on the hub's disk, delivered, read and confirmed, as far as you may know.",
  journeyNone: "No message {seq} is held here.",
  // Operations
  opsTitle: "Operations",
  opsAsOf: "Last report {time}",
  opsSilent: "Nothing has been reported to you. The hub's option “operators” names who may see this.",
  opsNot: "Not reported",
  opsNotWhy: "Not reported by this hub",
  opsLive: "Live",
  opsConnections: "Live sessions",
  opsCommands: "Commands",
  opsEvents: "Events",
  opsCommits: "Commits",
  opsNacks: "Refusals",
  opsPublishes: "Deliveries",
  opsPerS: "per s",
  opsMs: "ms",
  opsLatency: "Waits and queues",
  opsLatencyHint: "The longest of each second; commits and answers: half of them, or 99 of 100, took less.",
  opsDelivery: "Engine to broker",
  opsStall: "Broker's longest pause",
  opsTick: "Longest turn of the plugin",
  opsRingIn: "Queue to the engine",
  opsRingOut: "Queue to the broker",
  opsJobs: "Page jobs open",
  opsBatch: "Events a commit",
  opsCommitTime: "Longest commit",
  opsCommitMedian: "Commit time",
  opsCommitMost: "Commit time, 99 of 100",
  opsAnswerMedian: "Arrival to answer",
  opsAnswerMost: "Arrival to answer, 99 of 100",
  opsRelays: "Relays and their lag",
  opsRelay: "Relay",
  opsTrunk: "the hub",
  opsRelayState: "State",
  opsRelayUp: "up",
  opsRelayDown: "down",
  opsRelayWaiting: "Waiting",
  opsRelayOldest: "Oldest",
  opsRelayRtt: "Round trip",
  opsRelayHeard: "Heard of",
  opsRelayHint: "Waiting: records that the other side has not confirmed yet.",
  opsRelayPeople: {one: "{n} person is behind it", other: "{n} people are behind it"},
  opsRelayFrom: "Seen in people's presence. Their lag is not reported by this hub.",
  opsDisk: "Disk",
  opsDiskUsed: "Used",
  opsDiskDb: "Database",
  opsDiskWal: "Not yet merged (WAL)",
  opsDiskQuota: "May grow to",
  opsDiskFree: "Free on the disk",
  opsMib: "{n} MiB",
  opsGib: "{n} GiB",
  opsPercent: "{n} %",
  opsAlerts: "Alerts",
  opsAlertsNone: "None since this page was opened.",
  opsAlertCommit: "The hub's store refused {n} commits",
  opsAlertShed: "{n} were shed: more came than could be taken",
  opsAlertLookup: "{n} look-ups of rights failed",
  opsAlertApply: "{n} events of the hub could not be stored here",
  opsAlertOlder: "Trunk {who}: the other side's history is older than what was told",
  opsAlertDown: "Trunk {who} is down",
  opsWrongDisk: "The disk or the database is {n} % full",
  opsSince: "since {time}",
  opsAlertUp: "Trunk {who} is up again",
  opsAlertEpoch: "The hub's history started anew: epoch {epoch}",
  opsAlertSafety: "Safety message in {title}",
  opsDevice: "Connection story",
  opsDeviceOwn: "This device, since the page was opened",
  opsDeviceOthers: "Other devices: not reported by this hub. What is known of people:",
  opsDeviceAll: "Sessions that began and ended, newest first",
  opsConnBegan: "connected",
  opsConnTaken: "taken over by a newer connection",
  opsConnLeft: "signed off",
  opsConnLost: "connection lost",
  opsConnSilent: "silent for too long",
  opsAll: "All counters",
  opsCounter: "Counter",
  opsValue: "Value",
  opsPeak: "highest {n}",
  opsChart: "{label}: now {now}, highest of the last two minutes {peak}",
  opsStory: "{state}",
  opsNever: "never",
};

const plural = new Intl.PluralRules(locale);

/** The sentence `key`, with what stands in braces filled in; `n` decides between plural forms. */
export function say(key, values = {}) {
  let form = words[key];
  if (form === undefined) {
    return key;
  }
  if (typeof form === "object") {
    form = form[plural.select(values.n)] ?? form.other;
  }
  return form.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

const clock = new Intl.DateTimeFormat(locale, {hour: "2-digit", minute: "2-digit", hourCycle: "h23"});
const seconds = new Intl.DateTimeFormat(locale, {hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23"});
const day = new Intl.DateTimeFormat(locale, {weekday: "short", day: "numeric", month: "short"});
const dayYear = new Intl.DateTimeFormat(locale, {weekday: "short", day: "numeric", month: "short", year: "numeric"});
const number = new Intl.NumberFormat(locale, {maximumFractionDigits: 1});

const valid = (ms) => Number.isFinite(ms) && Math.abs(ms) < 8.64e15;

export const numberText = (n) => number.format(n);
export const clockText = (ms) => (valid(ms) ? clock.format(ms) : "");
export const secondsText = (ms) => (valid(ms) ? seconds.format(ms) : "");

/** A number that two times share exactly when they fall on one day here. */
export function dayOf(ms) {
  const d = new Date(ms);
  return d.getFullYear() * 372 + d.getMonth() * 31 + d.getDate();
}

export function dayText(ms, now = Date.now()) {
  if (!valid(ms)) {
    return "";
  }
  if (dayOf(ms) === dayOf(now)) {
    return say("today");
  }
  if (dayOf(ms) === dayOf(now - 86400000)) {
    return say("yesterday");
  }
  return (new Date(ms).getFullYear() === new Date(now).getFullYear() ? day : dayYear).format(ms);
}

/** A time in the shortest form that can't be mistaken: of today the clock, else the day too. */
export function timeText(ms, now = Date.now()) {
  if (!valid(ms) || ms <= 0) {
    return "";
  }
  return dayOf(ms) === dayOf(now) ? clockText(ms) : `${dayText(ms, now)} ${clockText(ms)}`;
}

/** Of a conversation in the list: the clock today, else the day. */
export const shortText = (ms, now = Date.now()) => (dayOf(ms) === dayOf(now) ? clockText(ms) : dayText(ms, now));

export function spanText(ms) {
  if (ms < 1000) {
    return `${Math.round(ms)} ms`;
  }
  if (ms < 60000) {
    return `${number.format(ms / 1000)} s`;
  }
  return ms < 3600000 ? `${Math.round(ms / 60000)} min` : `${number.format(ms / 3600000)} h`;
}
