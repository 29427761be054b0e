target_sources(fp_client PRIVATE ${CMAKE_CURRENT_LIST_DIR}/send_state.c)
