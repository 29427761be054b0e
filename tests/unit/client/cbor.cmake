# All of schemas but its CBOR codec, on the small one; and the tests of schemas once more.
get_target_property(fp_schemas_sources fp_schemas SOURCES)
get_target_property(fp_schemas_folder fp_schemas SOURCE_DIR)
list(FILTER fp_schemas_sources EXCLUDE REGEX "/cbor_")
list(TRANSFORM fp_schemas_sources PREPEND ${fp_schemas_folder}/)
add_library(fp_schemas_small STATIC ${fp_schemas_sources})
target_include_directories(fp_schemas_small PUBLIC ${fp_schemas_folder}/include)
target_link_libraries(fp_schemas_small PUBLIC fp_cbor_small)
target_link_libraries(fp_cbor_small PRIVATE fp_schemas_small) # bytes.c
foreach(name body body_people cbor_check cbor_dec cbor_enc command command_ask command_body command_msg command_people event live live_enc live_inbox
             live_people reply reply_dec reply_report)
  fp_test(small_${name} SOURCES ${PROJECT_SOURCE_DIR}/tests/unit/schemas/test_${name}.c LIBS fp_schemas_small)
endforeach()
foreach(name cbor_small cbor_small_check)
  fp_test(test_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c LIBS fp_schemas_small)
endforeach()
