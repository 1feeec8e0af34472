# cmake -D folder=src/view/html -D three=three.min.js -D output=page.c -P embed-page.cmake
# Puts each {{PART}} into page.html, then the whole into a C array.
file(READ ${folder}/page.html page)
set(parts three-licence.txt style.css episode.js scene.js curve.js player.js three.min.js)
foreach(part IN LISTS parts)
  set(file ${folder}/${part})
  if(part STREQUAL "three.min.js")
    set(file ${three})
  endif()
  file(READ ${file} text)
  # what would end a script, a style or the comment around the licence too early
  if(text MATCHES "</script|</style|<!--" OR (part MATCHES "txt" AND text MATCHES "-->"))
    message(FATAL_ERROR "${file}: has ${CMAKE_MATCH_0} in it, so it can't stand inside a page")
  endif()
  if(NOT page MATCHES "{{${part}}}")
    message(FATAL_ERROR "${folder}/page.html: no place for ${part}")
  endif()
  string(REPLACE "{{${part}}}" "${text}" page "${page}")
endforeach()
foreach(place title caption episode)
  if(NOT page MATCHES "{{${place}}}")
    message(FATAL_ERROR "${folder}/page.html: no place for the ${place}")
  endif()
endforeach()

# as bytes: a string literal of C11 ends at 4095 characters
file(WRITE ${output}.html "${page}")
file(READ ${output}.html bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE ${output} "#include <stddef.h>
extern const unsigned char tnd_page[];
extern const size_t tnd_page_size;
const unsigned char tnd_page[] = {
${bytes}
};
const size_t tnd_page_size = sizeof tnd_page;
")
