target_sources(fp_support PRIVATE ${CMAKE_CURRENT_LIST_DIR}/fake_transport.c)
