#include "plugin/mosq/guard.h"

void guard_init(struct guard *g, struct rights *rights, const struct config *config)
{
    *g = (struct guard){.rights = rights, .config = config};
}

void guard_forget(struct guard *g)
{
    memset(g->clients, 0, sizeof g->clients);
}

const struct fp_topic *guard_topic(struct guard *g, const char *topic)
{
    size_t len = strlen(topic);

    if (len == g->topic_len && len > 0 && memcmp(topic, g->topic_text, len) == 0) {
        return g->topic_err ? NULL : &g->topic;
    }
    g->topic_len = 0;
    g->topic_err = fp_topic_parse(topic, len, &g->topic);
    if (len <= FP_TOPIC_MAX) {
        memcpy(g->topic_text, topic, len + 1);
        g->topic_len = len;
    }
    return g->topic_err ? NULL : &g->topic;
}

static bool lists(const struct id_list *list, const struct fp_id *id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (fp_id_eq(&list->ids[i], id)) {
            return true;
        }
    }
    return false;
}

static bool is_id(const struct fp_id *id, const char *text)
{
    return text != NULL && strncmp(id->text, text, id->len) == 0 && text[id->len] == '\0';
}

/* The name that the hub itself acts under: with it anybody would have all rights. */
static bool is_the_hub(const struct fp_id *id)
{
    return is_id(id, "~hub");
}

static enum acl_trunk trunk_of(const struct config *c, const struct fp_id *user)
{
    if (c->role == HUB_ROLE_SITE) {
        return fp_id_eq(&c->relay, user) ? ACL_TRUNK_AT_SITE : ACL_TRUNK_NONE;
    }
    return relay_list_find(&c->relays, user) != NULL ? ACL_TRUNK_AT_HUB : ACL_TRUNK_NONE;
}

static struct guard_client *slot_of(struct guard *g, const void *client)
{
    uint64_t h = (uint64_t)(uintptr_t)client * 0x9e3779b97f4a7c15ULL; /* pointers differ in few bits; this spreads them */
    return &g->clients[h >> 54];
}

_Static_assert(GUARD_CLIENTS == 1 << (64 - 54), "the shift in slot_of() makes an index");

const struct acl_client *guard_client(struct guard *g, const struct guard_who *who, const char **out_why)
{
    struct guard_client *known = slot_of(g, who->client);
    struct acl_client fresh = {0};

    *out_why = NULL;
    if (known->client == who->client && is_id(&known->acl.user, who->username) && is_id(&known->acl.device, who->client_id)) {
        return &known->acl;
    }
    if (who->username == NULL) {
        *out_why = "it has no username";
        return NULL;
    }
    if (!fp_id_parse(who->username, strlen(who->username), &fresh.user)) {
        *out_why = "its username is no id (1 to 36 characters of A-Z a-z 0-9 . _ ~ -)";
        return NULL;
    }
    if (who->client_id == NULL || !fp_id_parse(who->client_id, strlen(who->client_id), &fresh.device)) {
        *out_why = "its client id is no id (1 to 36 characters of A-Z a-z 0-9 . _ ~ -)";
        return NULL;
    }
    if (is_the_hub(&fresh.user) || is_the_hub(&fresh.device)) {
        *out_why = "the name ~hub is the hub's own";
        return NULL;
    }
    fresh.service = lists(&g->config->services, &fresh.user);
    fresh.operator= lists(&g->config->operators, &fresh.user);
    fresh.trunk = trunk_of(g->config, &fresh.user);
    *known = (struct guard_client){.client = who->client, .acl = fresh};
    return &known->acl;
}

/* His own devices' status anyone may read; that of others, who shares a scope with the owner, unless he hides from somebody. */
static bool may_see(struct guard *g, const struct acl_client *c, const struct fp_id *owner)
{
    if (fp_id_is_none(owner) || fp_id_eq(owner, &c->user)) {
        return !fp_id_is_none(owner);
    }
    return rights_open(g->rights, owner) && rights_peers(g->rights, &c->user, owner);
}

static struct acl_known look_up(struct guard *g, const struct acl_client *c, const struct acl_need *need)
{
    struct acl_known known = {0};

    switch (need->fact) {
    case ACL_FACT_NONE:
        break;
    case ACL_FACT_CONV:
        known.yes = rights_conv(g->rights, &need->id, &c->user);
        break;
    case ACL_FACT_SCOPE:
        known.yes = rights_scope(g->rights, &need->id, &c->user);
        break;
    case ACL_FACT_OWNER:
        known.owner_known = rights_device(g->rights, &need->id, &known.owner);
        break;
    case ACL_FACT_PEERS:
        known.owner_known = rights_device(g->rights, &need->id, &known.owner);
        known.yes = may_see(g, c, &known.owner);
        break;
    }
    return known;
}

enum acl_verdict guard_write(struct guard *g, const struct guard_who *who, const struct guard_publish *p, const char **out_why)
{
    const struct fp_topic *topic = guard_topic(g, p->topic);

    *out_why = NULL;
    if (topic != NULL && topic->kind == FP_TOPIC_FOREIGN) {
        return ACL_FOREIGN;
    }
    const struct acl_client *c = guard_client(g, who, out_why);
    if (c == NULL || topic == NULL) {
        return ACL_DENY;
    }
    struct acl_publish publish = {.topic = topic, .payload = p->payload, .qos = p->qos, .retain = p->retain};
    struct acl_need need = acl_write_needs(c, &publish);
    struct acl_known known = look_up(g, c, &need);
    return acl_write(c, &publish, &known, out_why);
}

enum acl_verdict guard_subscribe(struct guard *g, const struct guard_who *who, const char *filter, const char **out_why)
{
    struct fp_filter f;
    enum fp_err err = fp_filter_parse(filter, strlen(filter), &f);

    *out_why = NULL;
    if (!err && f.kinds == 0) {
        return ACL_FOREIGN;
    }
    const struct acl_client *c = guard_client(g, who, out_why);
    if (c == NULL || err) {
        return ACL_DENY;
    }
    struct acl_need need = acl_subscribe_needs(c, &f);
    struct acl_known known = look_up(g, c, &need);
    return acl_subscribe(c, &f, &known);
}

enum acl_verdict guard_read(struct guard *g, const struct guard_who *who, const struct guard_publish *p, const char **out_why)
{
    const struct fp_topic *topic = guard_topic(g, p->topic);

    *out_why = NULL;
    if (topic != NULL && topic->kind == FP_TOPIC_FOREIGN) {
        return ACL_FOREIGN;
    }
    const struct acl_client *c = guard_client(g, who, out_why);
    if (c == NULL || topic == NULL) {
        return ACL_DENY;
    }
    if (!acl_in_background(topic) && rights_idle(g->rights, &c->device)) {
        return ACL_DENY;
    }
    struct acl_need need = acl_read_needs(c, topic);
    struct acl_known known = look_up(g, c, &need);
    return acl_read(c, topic, p->payload, &known);
}
