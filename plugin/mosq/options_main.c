/* fieldpost-options: prints the table of options for README.md, from the table that the plugin loads them with. */
#include "plugin/mosq/config.h"

int main(void)
{
    config_print_markdown(stdout);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
