set(cases store_conformance.c store_cases_conv.c store_cases_member.c store_cases_device.c store_cases_receipts.c store_cases_change.c
    store_cases_runs.c store_cases_archive.c store_cases_people.c store_cases_trunk.c store_cases_branch.c store_cases_site.c)
list(TRANSFORM cases PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
fp_test(conformance_store_mem SOURCES ${CMAKE_CURRENT_LIST_DIR}/store_mem.c ${cases} LIBS fp_support LABELS conformance)
if(TARGET fp_sqlite)
  fp_test(conformance_store_sqlite SOURCES ${CMAKE_CURRENT_LIST_DIR}/store_sqlite.c ${cases} LIBS fp_sqlite fp_support LABELS conformance)
endif()
