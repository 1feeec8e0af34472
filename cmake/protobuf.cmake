# src/<part>/<name>.proto becomes "<part>/<name>.pb-c.h" and its C file. Sets `generated`.
file(GLOB_RECURSE protos CONFIGURE_DEPENDS src/*.proto)
set(generated)
if(protos)
  find_program(PROTOC_C protoc-c REQUIRED)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/generated)
endif()
foreach(proto IN LISTS protos)
  file(RELATIVE_PATH stem ${PROJECT_SOURCE_DIR}/src ${proto})
  string(REGEX REPLACE "\\.proto$" "" stem ${stem})
  set(stem ${PROJECT_BINARY_DIR}/generated/${stem}.pb-c)
  add_custom_command(OUTPUT ${stem}.c ${stem}.h
    COMMAND ${PROTOC_C} --proto_path=${PROJECT_SOURCE_DIR}/src
      --c_out=${PROJECT_BINARY_DIR}/generated ${proto}
    DEPENDS ${proto} VERBATIM)
  # not written by us: no warnings, no analysis
  set_source_files_properties(${stem}.c PROPERTIES COMPILE_OPTIONS -w)
  list(APPEND generated ${stem}.c)
endforeach()
