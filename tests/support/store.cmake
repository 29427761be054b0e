target_sources(fp_support PRIVATE
    ${CMAKE_CURRENT_LIST_DIR}/mem_store.c
    ${CMAKE_CURRENT_LIST_DIR}/mem_store_conv.c
    ${CMAKE_CURRENT_LIST_DIR}/mem_store_member.c
    ${CMAKE_CURRENT_LIST_DIR}/mem_store_device.c
    ${CMAKE_CURRENT_LIST_DIR}/mem_store_table.c
    ${CMAKE_CURRENT_LIST_DIR}/mem_store_receipts.c
    ${CMAKE_CURRENT_LIST_DIR}/mem_store_change.c
    ${CMAKE_CURRENT_LIST_DIR}/mem_store_people.c
    ${CMAKE_CURRENT_LIST_DIR}/mem_store_trunk.c
    ${CMAKE_CURRENT_LIST_DIR}/mem_store_hash.c
    ${CMAKE_CURRENT_LIST_DIR}/fault_store.c
    ${CMAKE_CURRENT_LIST_DIR}/store_script.c
    ${CMAKE_CURRENT_LIST_DIR}/store_script_hash.c
    ${CMAKE_CURRENT_LIST_DIR}/lossy_vfs.c
    ${CMAKE_CURRENT_LIST_DIR}/lossy_node.c
    ${CMAKE_CURRENT_LIST_DIR}/temp_dir.c)
target_link_libraries(fp_support PUBLIC PkgConfig::SQLITE)
