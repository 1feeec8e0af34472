# cmake --install: program, both libraries, headers, models, experiments, docs, and the files by which other
# projects find them (CMake package and pkg-config).
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/tendril)

install(TARGETS tendril_shared EXPORT tendril-shared)
install(TARGETS tendril_static EXPORT tendril-static)
if(TARGET tendril)
  install(TARGETS tendril)
endif()
install(DIRECTORY include/tendril TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(DIRECTORY models DESTINATION ${CMAKE_INSTALL_DATADIR}/tendril OPTIONAL)
install(DIRECTORY tools/experiments DESTINATION ${CMAKE_INSTALL_DATADIR}/tendril OPTIONAL)
install(DIRECTORY docs/ TYPE DOC OPTIONAL)
install(FILES LICENSE NOTICE TYPE DOC)
install(FILES README.md TYPE DOC OPTIONAL)

# CMake package; the two export files apart, because only the static library asks for the
# development files of what the library stands on
install(EXPORT tendril-shared NAMESPACE tendril:: DESTINATION ${package})
install(EXPORT tendril-static NAMESPACE tendril:: DESTINATION ${package})
configure_package_config_file(cmake/tendril-config.cmake.in tendril-config.cmake
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(tendril-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tendril-config.cmake
  ${PROJECT_BINARY_DIR}/tendril-config-version.cmake cmake/mujoco-includes.cmake
  DESTINATION ${package})

# pkg-config; MuJoCo has no .pc file of its own, so its folders are written out, but for the system's
set(mujoco_cflags "")
get_target_property(folders mujoco::mujoco INTERFACE_INCLUDE_DIRECTORIES)
foreach(folder IN LISTS folders)
  cmake_path(NORMAL_PATH folder)
  string(REGEX REPLACE "/$" "" folder "${folder}")
  if(NOT folder IN_LIST CMAKE_C_IMPLICIT_INCLUDE_DIRECTORIES)
    string(APPEND mujoco_cflags " -I${folder}")
  endif()
endforeach()
set(folder $<TARGET_LINKER_FILE_DIR:mujoco::mujoco>)
set(elsewhere $<NOT:$<IN_LIST:${folder},${CMAKE_C_IMPLICIT_LINK_DIRECTORIES}>>)
set(mujoco_libs "$<${elsewhere}:-L${folder} -Wl,-rpath,${folder}> -lmujoco")
list(TRANSFORM dependencies PREPEND -l REGEX "^[a-z]+$" OUTPUT_VARIABLE private_libraries)
list(FILTER private_libraries INCLUDE REGEX "^-l")
string(JOIN " " private_libraries ${tendril_deps_LDFLAGS} -pthread ${private_libraries})
file(RELATIVE_PATH prefix_from_pc
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})  # the tree may be moved
configure_file(cmake/tendril.pc.in tendril.pc.in @ONLY)
file(GENERATE OUTPUT tendril.pc INPUT ${PROJECT_BINARY_DIR}/tendril.pc.in)
install(FILES ${PROJECT_BINARY_DIR}/tendril.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
