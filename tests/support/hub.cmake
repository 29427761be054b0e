target_sources(fp_support PRIVATE ${CMAKE_CURRENT_LIST_DIR}/hub_kit.c ${CMAKE_CURRENT_LIST_DIR}/fake_bus.c ${CMAKE_CURRENT_LIST_DIR}/fake_source.c)
target_link_libraries(fp_support PUBLIC fp_hub)
