target_sources(fp_client PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/outbox.c
  ${CMAKE_CURRENT_LIST_DIR}/outbox_log.c
  ${CMAKE_CURRENT_LIST_DIR}/outbox_open.c
  ${CMAKE_CURRENT_LIST_DIR}/outbox_room.c)
