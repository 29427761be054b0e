foreach(part answers backoff client entry follow hubclock inbox out packet pending receipts reorder session uplink welcome)
  target_sources(fp_client PRIVATE ${CMAKE_CURRENT_LIST_DIR}/${part}.c)
endforeach()
