# The page that plays a recorded episode: src/view/html/ and Debian's three.js become one array of
# bytes in the library (src/view/page.h), so that nothing is looked for when a recording is written.
# Appends to `generated`.
find_file(TENDRIL_THREE three.min.js PATHS /usr/share/javascript/three NO_DEFAULT_PATH
  DOC "three.js as one script, r111 (Debian: libjs-three)" REQUIRED)
mark_as_advanced(TENDRIL_THREE)
set(page ${PROJECT_SOURCE_DIR}/src/view/html)
file(GLOB page_parts CONFIGURE_DEPENDS ${page}/*)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/generated)
add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/generated/page.c
  COMMAND ${CMAKE_COMMAND} -D folder=${page} -D three=${TENDRIL_THREE}
    -D output=${PROJECT_BINARY_DIR}/generated/page.c -P ${PROJECT_SOURCE_DIR}/cmake/embed-page.cmake
  DEPENDS ${page_parts} ${TENDRIL_THREE} ${PROJECT_SOURCE_DIR}/cmake/embed-page.cmake
  COMMENT "Inlining three.js into the player's page" VERBATIM)
list(APPEND generated ${PROJECT_BINARY_DIR}/generated/page.c)
