/* cli_test.h: what all tests of the command line client begin with. */
#ifndef TESTS_UNIT_CLI_CLI_TEST_H
#define TESTS_UNIT_CLI_CLI_TEST_H

#include "tests/unit/schemas/hex.h"

#include "firmware-client/cli/str.h"

#define assert_str(s, want) assert_string_equal(str_get(&(s)), want)

#endif
