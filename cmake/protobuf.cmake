# Protocol buffers: src/<part>/proto/<name>.proto becomes "<name>.pb-c.h" and a C file of the
# library. Sets `generated`.
file(GLOB protos CONFIGURE_DEPENDS src/*/proto/*.proto)
set(generated)
if(protos)
  find_program(PROTOC_C protoc-c REQUIRED)  # Debian: protobuf-c-compiler
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/generated)
endif()
foreach(proto IN LISTS protos)
  cmake_path(GET proto STEM name)
  cmake_path(GET proto PARENT_PATH folder)
  set(stem ${PROJECT_BINARY_DIR}/generated/${name}.pb-c)
  add_custom_command(OUTPUT ${stem}.c ${stem}.h
    COMMAND ${PROTOC_C} --proto_path=${folder} --c_out=${PROJECT_BINARY_DIR}/generated ${proto}
    DEPENDS ${proto} VERBATIM)
  set_source_files_properties(${stem}.c PROPERTIES COMPILE_OPTIONS -w)  # not our writing
  list(APPEND generated ${stem}.c)
endforeach()
