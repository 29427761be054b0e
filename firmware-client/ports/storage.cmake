# The storage port: RAM, NOR flash, a POSIX file.
add_library(fp_client_storage STATIC
  ${CMAKE_CURRENT_LIST_DIR}/storage_file.c
  ${CMAKE_CURRENT_LIST_DIR}/storage_flash.c
  ${CMAKE_CURRENT_LIST_DIR}/storage_ram.c)
target_link_libraries(fp_client_storage PUBLIC fp_client)
