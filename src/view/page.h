// The player's page as the build makes it of src/view/html/ and three.js (cmake/page.cmake). It has
// places for an episode, in this order: {{title}} twice, {{caption}}, {{episode}}.
#ifndef TND_PAGE_H
#define TND_PAGE_H

#include <stddef.h>

extern const unsigned char tnd_page[];  // [tnd_page_size], HTML in UTF-8
extern const size_t tnd_page_size;

#endif
