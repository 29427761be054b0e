target_sources(fp_client PRIVATE ${CMAKE_CURRENT_LIST_DIR}/mqtt_read.c ${CMAKE_CURRENT_LIST_DIR}/mqtt_write.c ${CMAKE_CURRENT_LIST_DIR}/cbor_utf8.c)
