fp_test(test_send_state SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_send_state.c LIBS fp_client)
