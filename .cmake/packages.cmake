# What we link, all of it packaged by Debian 12. Every missing one is named, with its package, before the build stops.
set(fp_missing "")

find_package(PkgConfig QUIET)
if(NOT PkgConfig_FOUND)
  message(FATAL_ERROR "pkg-config is missing: apt-get install pkg-config")
endif()

# Makes PkgConfig::<target>, or notes what to install.
macro(fp_need target module package)
  pkg_check_modules(${target} QUIET IMPORTED_TARGET ${module})
  if(NOT ${target}_FOUND)
    list(APPEND fp_missing "${package}")
  endif()
endmacro()

# Makes fp::<name>, a library of headers only, or notes what to install.
macro(fp_need_header name header package)
  find_path(FP_${name}_INCLUDE ${header})
  if(FP_${name}_INCLUDE)
    add_library(fp::${name} INTERFACE IMPORTED)
    target_include_directories(fp::${name} INTERFACE ${FP_${name}_INCLUDE})
  else()
    list(APPEND fp_missing "${package}")
  endif()
endmacro()

# Makes fp::<name>, libraries without a pkg-config file and the folder of their headers, or notes what to install.
macro(fp_need_library name header package)
  find_path(FP_${name}_INCLUDE ${header})
  set(fp_found ${FP_${name}_INCLUDE})
  add_library(fp::${name} INTERFACE IMPORTED)
  foreach(library ${ARGN})
    find_library(FP_${name}_${library} ${library})
    if(NOT FP_${name}_${library})
      set(fp_found "")
    endif()
    target_link_libraries(fp::${name} INTERFACE ${FP_${name}_${library}})
  endforeach()
  if(fp_found)
    target_include_directories(fp::${name} INTERFACE ${FP_${name}_INCLUDE})
  else()
    list(APPEND fp_missing "${package}")
  endif()
endmacro()

find_package(Threads REQUIRED)
fp_need(CBOR libcbor libcbor-dev)
fp_need(SQLITE sqlite3 libsqlite3-dev)
fp_need(ZLIB zlib zlib1g-dev)
fp_need_header(mosquitto_plugin mosquitto_plugin.h mosquitto-dev)
fp_need_header(mosquitto_codes mosquitto.h libmosquitto-dev) # its codes and log levels; the plugin links no client library
fp_need_header(uthash uthash.h uthash-dev)
fp_need_library(mbedtls mbedtls/ssl.h libmbedtls-dev mbedtls mbedx509 mbedcrypto) # TLS of the client library; 2.28
fp_need(LWS libwebsockets libwebsockets-dev) # the edge relay's gateway; 4.1
fp_need(UV libuv libuv1-dev) # its loop; libwebsockets finds it by libwebsockets-evlib-uv
fp_need(OPENSSL openssl libssl-dev) # what libwebsockets does TLS with
if(BUILD_TESTING)
  fp_need(CMOCKA cmocka libcmocka-dev)
  fp_need(MOSQUITTO libmosquitto libmosquitto-dev) # load generators
endif()

if(fp_missing)
  list(JOIN fp_missing " " fp_missing)
  message(FATAL_ERROR "These Debian packages are missing; as root: apt-get install ${fp_missing}")
endif()
