/* SIGHUP: the options are read again. */
#include "plugin/mosq/host.h"

static void warn(void *arg, const char *text)
{
    (void)arg;
    host_log(MOSQ_LOG_WARNING, "%s", text);
}

/*
 * Mosquitto 2.0 keeps the plugin_opt_* of the start, and hands them over again or nothing; so the copies of the start count, and what
 * changes stands in options_file.
 */
int hook_reload(int event, void *data, void *userdata)
{
    struct host *h = userdata;
    struct config fresh;
    struct hub_config hub;
    char why[CONFIG_WHY_MAX] = "";
    struct config_log log = {.line = warn};
    (void)event;
    (void)data;

    if (config_reload(h->options, h->option_count, &h->config, log, &fresh, why, sizeof why) != FP_OK) {
        host_log(MOSQ_LOG_ERR, "%s; the running options stay", why);
        return MOSQ_ERR_SUCCESS; /* an error would end the broker */
    }
    config_hub(&fresh, &hub);
    if (engine_reconfigure(&h->engine, &hub) != FP_OK) {
        host_log(MOSQ_LOG_ERR, "out of memory; the running options stay");
        return MOSQ_ERR_SUCCESS;
    }
    h->config = fresh;
    h->other = fresh.other_topics == OTHER_AUTO ? h->other_preset : fresh.other_topics;
    guard_forget(&h->guard);
    host_log(MOSQ_LOG_NOTICE, "the options have been read again");
    return MOSQ_ERR_SUCCESS;
}
